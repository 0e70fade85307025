"""Values of command lines, good and bad."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

import pytest

from pipeline.options import new_parser, port, wait_seconds
from scripts import record_metrics, relay_alerts, serve_model, watch_rollout

SCRIPTS = sorted(p.stem for p in Path("scripts").glob("*.py") if not p.stem.startswith("_"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_says_all_that_the_docstring_says(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    script = importlib.import_module(f"scripts.{name}")
    with pytest.raises(SystemExit) as left:
        script.main(["--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: python -m scripts.{name} ")
    assert " ".join(script.__doc__.split()) in " ".join(text.split())


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_option_says_what_it_is_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[argparse.ArgumentParser] = []

    def stop(parser: argparse.ArgumentParser, *_: object) -> None:
        made.append(parser)
        raise SystemExit(0)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    with pytest.raises(SystemExit):
        importlib.import_module(f"scripts.{name}").main([])
    assert _without_help(made[0]) == []


def _without_help(parser: argparse.ArgumentParser) -> list[str]:
    bare = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            bare += [text for sub in action.choices.values() for text in _without_help(sub)]
        elif not action.help:
            bare.append(f"{parser.prog}: {action.option_strings or action.dest}")
    return bare


def test_help_fills_sentences_to_the_width_and_keeps_examples(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    example = "    python -m scripts.example --with-a-long-option VALUE  # as it is"
    text = f"Do it.\n\n{example}\n\n{'one two three ' * 8}\nfour.\n"
    new_parser("/anywhere/scripts/example.py", text).print_help()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "usage: python -m scripts.example [-h]"
    assert example in lines
    filled = [line for line in lines if line.startswith("one")]
    assert filled
    assert max(len(line) for line in lines if line != example) <= 40


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "3600.1", "soon", ""])
def test_a_wait_of_nothing_for_ever_or_of_no_number_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected seconds"):
        wait_seconds(text)


@pytest.mark.parametrize(("text", "seconds"), [("0.1", 0.1), ("15", 15.0), ("3600", 3600.0)])
def test_a_wait_is_a_number_of_seconds(text: str, seconds: float) -> None:
    assert wait_seconds(text) == seconds


@pytest.mark.parametrize("script", [record_metrics, watch_rollout])
def test_a_loop_without_a_rest_is_no_option(script, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        script.main(["--every", "0"])
    assert left.value.code == 2
    assert "more than 0" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "65536", "80810", "-1", "1.5", "http", "", "²", "9" * 5_000])
def test_a_port_that_no_machine_has_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected a port: 1 to 65535"):
        port(text)


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("8080", 8080), ("65535", 65_535)])
def test_a_port_is_a_number(text: str, number: int) -> None:
    assert port(text) == number


@pytest.mark.parametrize(
    ("script", "others"),
    [(serve_model, ["--digest", "sha256:0"]), (relay_alerts, ["--spool", "spool"])],
)
def test_what_listens_takes_no_port_that_is_none(
    script, others: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        script.main([*others, "--port", "80810"])
    assert left.value.code == 2
    assert "found '80810', expected a port" in capsys.readouterr().err
