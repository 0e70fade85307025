"""Your own data: another table, another model, and not one file of the framework touched."""

import json
import shutil
import sqlite3
from pathlib import Path
from subprocess import CompletedProcess

import pandas as pd
import pytest

from pipeline.errors import DataIncident, OutsideError
from tests.digits import FIRST_AS_OF, LAST_AS_OF, OVERLAY, change_warehouse, digits_repository
from tests.repository import commit, edit, git, python

INCIDENT = "artifacts/validate/incident.md"


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return digits_repository(tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def trained(digits: Path) -> CompletedProcess[str]:
    """The first model, by the command that an outage and broken data had stopped before."""
    run = retrain(digits, WAREHOUSE_URL="postgresql+psycopg://ada:hunter2@127.0.0.1:9/flights")
    assert run.returncode == OutsideError.exit_code, run.stderr
    assert "127.0.0.1:9" in run.stderr
    assert "hunter2" not in run.stdout + run.stderr
    change_warehouse(digits, "UPDATE scans SET cell_10 = cell_10 * 1000")
    assert retrain(digits).returncode == DataIncident.exit_code
    assert "cell_10" in (digits / INCIDENT).read_text()
    change_warehouse(digits, "UPDATE scans SET cell_10 = cell_10 / 1000")
    return retrain(digits)


def retrain(repository: Path, **environment: str) -> CompletedProcess[str]:
    asked = ("--as-of", FIRST_AS_OF, "--apply")
    return python(repository, "scripts.retrain", *asked, **environment)


def comparison(repository: Path) -> dict:
    return json.loads((repository / "artifacts/compare/comparison.json").read_text())


def test_replacing_the_example_is_an_edit_of_two_folders_under_150_lines() -> None:
    files = [path.relative_to(OVERLAY) for path in OVERLAY.rglob("*") if path.is_file()]
    places = {path.parts[:2] if path.parts[0] == "pipeline" else path.parts[:1] for path in files}
    assert places == {("pipeline", "usecase"), ("configs",)}
    lines = sum(len((OVERLAY / path).read_text().splitlines()) for path in files)
    assert lines < 150


def test_after_an_outage_and_an_incident_the_same_command_goes_on(
    digits: Path, trained: CompletedProcess[str]
) -> None:
    assert trained.returncode == 1, trained.stdout + trained.stderr  # a person decides
    assert comparison(digits)["verdict"] == "INCONCLUSIVE"
    assert not (digits / INCIDENT).exists()


@pytest.mark.usefixtures("trained")
def test_the_whole_pipeline_runs_on_another_table(digits: Path) -> None:
    approve = python(
        digits, "scripts.set_champion", "--approved-by=ada", "--reason=first", "--apply"
    )
    assert approve.returncode == 0, approve.stderr
    commit(digits, "Approve the first champion")
    second = python(digits, "scripts.retrain", "--as-of", LAST_AS_OF, "--apply")
    assert second.returncode == 0, second.stdout + second.stderr
    found = comparison(digits)
    assert found["verdict"] == "PASS"
    accuracy = next(row for row in found["metrics"] if row["metric"] == "accuracy")
    assert accuracy["difference"] > 0.1
    by_operator = {part["value"] for part in found["slices"] if part["column"] == "operator"}
    assert by_operator == {"ann", "bob"}
    assert {gap["column"] for gap in found["fairness"]} == {"operator"}
    assert "operator" not in (digits / "artifacts/package/input-schema.json").read_text()
    assert "operator" not in pd.read_parquet(digits / "artifacts/split/train.parquet")
    assert "Is the scanned digit even?" in (digits / "artifacts/report/report.md").read_text()
    assert "even-digit" in (digits / "artifacts/package/model-card.md").read_text()
    scored = python(digits, "scripts.score_rows", "--start", FIRST_AS_OF, "--apply")
    assert scored.returncode == 0, scored.stderr
    with sqlite3.connect(digits / "warehouse.db") as warehouse:
        (guesses,) = warehouse.execute("SELECT COUNT(*) FROM guesses WHERE even >= 0").fetchone()
    assert guesses > 100
    changed = git(digits, "diff", "--name-only", "HEAD~1", "--", "pipeline", "scripts", "configs")
    assert changed == ""


def test_another_threshold_is_for_a_person_who_can_approve_only_the_model_that_has_it(
    digits: Path, trained: CompletedProcess[str], tmp_path: Path
) -> None:
    assert trained.returncode == 1
    copy = tmp_path / "digits"
    shutil.copytree(digits, copy, symlinks=True)
    approve = ("scripts.set_champion", "--approved-by=ada", "--reason=lower", "--apply")
    python(copy, *approve)  # where no test before this one has
    commit(copy, "Go on from here")
    edit(copy / "configs/usecase.yaml", {"decision_threshold: 0.5": "decision_threshold: 0.4"})
    early = python(copy, *approve)
    assert early.returncode == 1
    assert "its threshold is 0.5, configs/usecase.yaml says 0.4" in early.stderr
    run = python(copy, "scripts.retrain", "--as-of", LAST_AS_OF)
    assert run.returncode == 1, run.stdout + run.stderr
    found = comparison(copy)
    assert found["verdict"] == "INCONCLUSIVE"
    assert "threshold 0.5, the challenger would with 0.4: a person decides" in found["summary"]
    edit(copy / "params.yaml", {f"{LAST_AS_OF}T": "2026-03-14T"})
    stale = python(copy, *approve)
    assert stale.returncode == 1
    assert "as of 2026-03-15 00:00, params.yaml says 2026-03-14 00:00" in stale.stderr
    edit(copy / "params.yaml", {"2026-03-14T": f"{LAST_AS_OF}T"})
    late = python(copy, *approve)
    assert late.returncode == 0, late.stderr
    package = json.loads((copy / "artifacts/package/manifest.json").read_text())
    assert package["threshold"] == 0.4
