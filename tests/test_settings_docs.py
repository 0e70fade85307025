"""Every command of the quickstart and of the settings' page is one that there is."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest
import yaml

from pipeline.core.review.report import CONTEXT
from tests.repository import ROOT

PAGES = ("docs/quickstart.md", "docs/github-settings.md")
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def commands() -> list[list[str]]:
    text = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    lines = "\n".join(BLOCK.findall(text)).splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def starting(*words: str) -> list[list[str]]:
    found = [
        command[len(words) :] for command in commands() if tuple(command[: len(words)]) == words
    ]
    assert found
    return found


def test_every_script_takes_the_options_that_the_pages_give(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for module, *rest in starting("python", "-m"):
        with pytest.raises(SystemExit) as ended:
            importlib.import_module(module).main(["--help"])
        known = capsys.readouterr().out
        assert ended.value.code == 0
        assert {word for word in rest if word.startswith("--") and word not in known} == set()


def test_every_workflow_takes_the_inputs_that_the_pages_give() -> None:
    for name, *rest in starting("gh", "workflow", "run"):
        workflow = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())
        inputs = workflow[True]["workflow_dispatch"]["inputs"]  # YAML 1.1 reads `on` as true
        given = {word.partition("=")[0] for word in rest if word != "-f"}
        assert given <= set(inputs)
        assert {key for key, about in inputs.items() if about.get("required")} <= given


def test_every_secret_that_the_pages_set_is_one_that_a_workflow_reads() -> None:
    text = "".join(path.read_text() for path in (ROOT / ".github/workflows").glob("*.yml"))
    for name, *_ in starting("gh", "secret", "set"):
        assert f"secrets.{name} " in text


def test_every_secret_and_variable_that_a_workflow_reads_is_described() -> None:
    text = "".join(path.read_text() for path in (ROOT / ".github/workflows").glob("*.yml"))
    config = yaml.safe_load((ROOT / "configs/repository.yaml").read_text())
    assert set(re.findall(r"secrets\.([A-Z_]+)", text)) == set(config["secrets"])
    runners = {"PERENNIAL_ROLLOUT_RUNNER", "PERENNIAL_TRAIN_RUNNER"}
    told = {*config["variables"], "PERENNIAL_APP_ID", *runners}
    assert set(re.findall(r"vars\.([A-Z_]+)", text)) == told


def test_the_policy_allows_the_judge_all_of_its_events_and_no_others() -> None:
    config = yaml.safe_load((ROOT / "configs/repository.yaml").read_text())
    [policy] = config["policies"].values()
    [path] = policy["workflows"]
    workflow = yaml.safe_load((ROOT / path).read_text())
    assert sorted(policy["events"]) == sorted(workflow[True])  # YAML 1.1 reads `on` as true


def test_the_make_target_and_the_links_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert starting("make") == [[".venv/train.stamp"]]
    assert "$(VENV)/%.stamp: requirements/%.txt" in makefile
    for page in PAGES:
        for target in re.findall(r"\]\((?!https)([^)#]+)", (ROOT / page).read_text()):
            assert (ROOT / page).parent.joinpath(target).exists(), Path(page, target)


def test_the_settings_that_must_pass_are_those_that_ci_and_review_set() -> None:
    config = yaml.safe_load((ROOT / "configs/repository.yaml").read_text())
    ci = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    names = {job.get("name", key) for key, job in ci["jobs"].items()}
    verify, all_green = config["ruleset"]["checks"]
    assert all_green in names
    assert verify == CONTEXT
