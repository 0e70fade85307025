"""How a retrain runs its pipeline and what follows it, and how each of them may end."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from pipeline.jsonio import save_json
from scripts.retrain import (
    OUTCOMES,
    no_later_than_now,
    parse_as_of,
    recollect,
    reproduce,
    run_steps,
    tell_old_rows,
)
from tests.called import call_script
from tests.repository import ROOT, edit, git

STEP = """
def main(options):
    with open("said", "a") as said:
        said.write(options[0])
    return int(options[1])
"""


@pytest.fixture(autouse=True)
def _steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_step.py").write_text(STEP)
    (tmp_path / "a_buggy_step.py").write_text("def main(options): return 1 / 0")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("codes", "said", "code"), [("000", "abc", 0), ("030", "ab", 3)])
def test_the_first_that_does_not_end_well_is_the_last(codes: str, said: str, code: int) -> None:
    steps = [["a_step", name, each] for name, each in zip("abc", codes, strict=True)]
    assert run_steps(steps) == code
    assert Path("said").read_text() == said


def test_a_bug_is_no_gate_that_says_no() -> None:
    with pytest.raises(ZeroDivisionError):
        run_steps([["a_buggy_step"], ["a_step", "a", "0"]])
    assert not Path("said").exists()


@pytest.mark.parametrize(
    ("stage", "code", "outcome"),
    [
        ("import no_such_library", 70, "failed"),  # Python's own code for it is 1
        ("raise SystemExit(70)", 70, "failed"),
        ("import os; os.kill(os.getpid(), 9)", 3, "failed"),
        ("raise SystemExit(4)", 4, "incident"),
    ],
)
def test_a_stage_that_dies_is_no_challenger_that_lost(
    tmp_path: Path, stage: str, code: int, outcome: str
) -> None:
    repository_with(tmp_path, stage)
    assert reproduce(tmp_path) == code
    assert OUTCOMES.get(code, "failed") == outcome


def test_the_python_of_the_stages_is_that_of_the_retrain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository_with(tmp_path, "import sys; open('which', 'w').write(sys.executable)")
    monkeypatch.setenv("PATH", f"/usr/local/bin:/usr/bin:/bin{os.pathsep}{os.environ['PATH']}")
    assert reproduce(tmp_path) == 0
    assert (tmp_path / "which").read_text() == sys.executable


COLLECT = """
stages:
  collect:
    cmd: echo read >> warehouse.log && echo rows > rows
    deps: [query]
    outs: [rows]
"""


def test_the_warehouse_is_read_again_where_that_is_asked_and_only_there(tmp_path: Path) -> None:
    repository_with(tmp_path, "")
    (tmp_path / "dvc.yaml").write_text(COLLECT)
    (tmp_path / "query").touch()
    reads = tmp_path / "warehouse.log"
    for is_asked, expected in ((False, 1), (False, 1), (True, 2), (False, 2)):
        assert recollect(tmp_path, is_asked=is_asked) == reproduce(tmp_path) == 0
        assert reads.read_text().split() == ["read"] * expected


def test_rows_that_were_not_read_now_are_told_with_their_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read = datetime(2026, 3, 1, 4, 5, tzinfo=UTC)
    tell_old_rows(tmp_path, read)
    assert capsys.readouterr().out.startswith("Rows of DVC, not read now: --recollect")
    save_json(tmp_path / "artifacts/timings.json", {"collect": {"at": read.isoformat()}})
    tell_old_rows(tmp_path, read)
    assert capsys.readouterr().out == ""
    tell_old_rows(tmp_path, read + timedelta(seconds=1))
    said = "Rows as read on 2026-03-01 04:05 UTC or before, not read now: --recollect reads"
    assert capsys.readouterr().out.startswith(said)


def test_a_warehouse_that_cannot_be_read_is_not_said_to_wait_for_being_asked(
    tmp_path: Path,
) -> None:
    repository_with(tmp_path, "")
    (tmp_path / "dvc.yaml").write_text("stages:\n  collect:\n    cmd: exit 3\n")
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    done = call_script(tmp_path, "retrain", "--recollect")
    assert done.returncode == 3, done.stderr
    assert "--recollect reads" not in done.stdout


def repository_with(root: Path, stage: str) -> None:
    """A pipeline of one stage, which is a line of Python."""
    git(root, "init", "--quiet")
    (root / ".dvc").mkdir()
    (root / "stage.py").write_text(stage)
    (root / "dvc.yaml").write_text("stages:\n  one:\n    cmd: python stage.py\n")


def test_without_params_yaml_a_moment_is_configuration_and_no_outside_failure(
    tmp_path: Path,
) -> None:
    done = call_script(tmp_path, "retrain", "--as-of", "2013-07-02")
    assert done.returncode == 2, done.stderr
    said = "ConfigurationError: {}: 1 fault to mend\n  - not found, expected a YAML file\n"
    assert done.stderr == said.format(tmp_path / "params.yaml")


def test_a_moment_yet_to_come_is_refused_and_not_written(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text('collect:\n  as_of: "2013-07-02T00:00:00Z"\n')
    done = call_script(tmp_path, "retrain", "--as-of", "2999-01-01")
    assert done.returncode == 2, done.stderr
    assert "--as-of: 1 fault" in done.stderr
    assert "found 2999-01-01 00:00 UTC, expected no time later than now" in done.stderr
    assert "2013-07-02" in (tmp_path / "params.yaml").read_text()


def test_one_that_stands_in_the_parameters_is_refused_too(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    edit(tmp_path / "params.yaml", {"2013-07-02": "2999-01-01"})
    done = call_script(tmp_path, "retrain")
    assert done.returncode == 2, done.stderr
    assert "params.yaml: collect.as_of: 1 fault" in done.stderr


def test_labels_that_mature_after_the_gates_lost_patience_end_it_before_it_trains(
    tmp_path: Path,
) -> None:
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    edit(tmp_path / "params.yaml", {"label_maturity_hours: 24": "label_maturity_hours: 336"})
    done = call_script(tmp_path, "retrain")
    assert done.returncode == 2, done.stderr
    assert "params.yaml: collect.label_maturity_hours: found 336, but" in done.stderr


def test_a_clock_may_be_a_little_ahead_and_now_is_never_too_late() -> None:
    now = datetime.now(UTC)
    assert no_later_than_now(now + timedelta(seconds=30), "x") == now + timedelta(seconds=30)
    assert now <= parse_as_of("now") <= datetime.now(UTC)
    with pytest.raises(ConfigurationError, match="later than now"):
        no_later_than_now(now + timedelta(minutes=2), "x")
