"""Bad input: one clear error each, the right exit code, nothing trained, nothing half-written."""

import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import warm
from tests.digits import FIRST_AS_OF, change_warehouse, digits_repository
from tests.repository import edit, python

CONFIGURATION, OUTSIDE, INCIDENT = 2, 3, 4


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return digits_repository(tmp_path_factory.mktemp("digits"))


@pytest.fixture
def repository(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path / "digits", symlinks=True)
    return tmp_path / "digits"


def retrain(repository: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return python(repository, "scripts.retrain", "--as-of", FIRST_AS_OF, **environment)


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (["UPDATE scans SET cell_10 = cell_10 * 1000"], "cell_10"),
        (["UPDATE scans SET cell_10 = NULL WHERE rowid % 2"], "cell_10"),
        (["UPDATE readings SET is_even = 1"], "label"),
        (["UPDATE scans SET scan = 'scan-0001' WHERE scan = 'scan-0002'"], "repeat"),
        (["DELETE FROM scans"], "0 rows"),
        (["DELETE FROM scans WHERE rowid > 40"], "rows"),
        (["DELETE FROM readings WHERE rowid % 2"], "label"),
        (["UPDATE readings SET is_even = 7 WHERE rowid = 5"], "label"),
        (["UPDATE scans SET cell_10 = 'seven' WHERE rowid = 9"], "cell_10"),
    ],
    ids=[
        "units jump",
        "null flood",
        "one-class labels",
        "duplicate id",
        "empty window",
        "dead feed",
        "labels missing",
        "impossible label",
        "wrong type",
    ],
)
def test_broken_data_is_an_incident_before_a_training_minute(
    repository: Path, statements: list[str], words: str
) -> None:
    change_warehouse(repository, *statements)
    run = retrain(repository)
    assert run.returncode == INCIDENT, run.stdout + run.stderr
    assert "DataIncident" in run.stderr
    assert words in run.stderr
    assert "Traceback" not in run.stderr
    assert not (repository / "artifacts/train").exists()


def test_a_missing_column_names_it(repository: Path) -> None:
    change_warehouse(repository, "ALTER TABLE scans DROP COLUMN cell_10")
    run = retrain(repository)
    assert run.returncode == CONFIGURATION, run.stderr
    assert "cell_10" in run.stderr


def test_all_faults_of_all_files_are_reported_at_once(repository: Path) -> None:
    wrong = {"trials: 2": "trials: many", "history_days:": "history_dayz:"}
    edit(repository / "params.yaml", wrong)
    edit(repository / "configs/gates.yaml", {"confidence: 0.95": "confidence: 95"})
    edit(repository / "configs/usecase.yaml", {"model: even-digit": "model: ../../etc"})
    edit(repository / "configs/rollout-plan.yaml", {"type: canary": "type: canari"})
    run = retrain(repository)
    assert run.returncode == CONFIGURATION
    for words in (
        "params.yaml: train.trials: found 'many'",
        "params.yaml: collect.history_dayz: unknown key; did you mean 'history_days'?",
        "params.yaml: collect.history_days: missing",
        "configs/gates.yaml: comparison.confidence: found 95",
        "configs/usecase.yaml: model: found '../../etc'",
        "configs/rollout-plan.yaml: rollout_strategy.type: found 'canari'",
    ):
        assert run.stderr.count(words) == 1
    assert not (repository / "artifacts").exists()


def test_a_disk_that_takes_no_more_loses_nothing(repository: Path) -> None:
    """The kernel refuses writes past a limit, with an OSError as a full disk gives."""
    edit(repository / "params.yaml", {"2013-07-02": FIRST_AS_OF})
    assert python(repository, "pipeline.stages", "collect").returncode == 0
    rows = (repository / "artifacts/collect/rows.parquet").read_bytes()
    full = subprocess.run(
        [
            warm.COLD,
            "-m",
            "pipeline.stages",
            "collect",
        ],  # no fork has the limit
        cwd=repository,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(repository),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert full.returncode == OUTSIDE, full.stderr
    assert "run again" in full.stderr
    assert (repository / "artifacts/collect/rows.parquet").read_bytes() == rows
    assert list((repository / "artifacts/collect").glob("*.tmp")) == []
