"""Values of command lines, good and bad."""

from __future__ import annotations

import argparse

import pytest

from pipeline.options import port, wait_seconds
from scripts import record_metrics, relay_alerts, serve_model, watch_rollout


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
