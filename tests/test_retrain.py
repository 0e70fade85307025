"""The main job, whole, on the real flights: seed, first champion, retrain, verdict, report."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.repository import commit, copy_repository, git, python

QUICK = {"trials: 6": "trials: 2", "draws: 2_000": "draws: 400", "draws: 1_000": "draws: 100"}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a seeded warehouse and the first model trained, not yet approved."""
    repository = copy_repository(tmp_path_factory.mktemp("flights"))
    params = repository / "params.yaml"
    text = params.read_text()
    for slow, quick in QUICK.items():
        assert slow in text
        text = text.replace(slow, quick)
    params.write_text(text)
    assert python(repository, "scripts.seed_warehouse", "--apply").returncode == 0
    first = python(repository, "scripts.retrain", "--as-of", "2013-04-02", "--apply")
    assert first.returncode == 1, first.stdout + first.stderr
    commit(repository, "Train the first model")
    return repository


@pytest.fixture(scope="module")
def champion(started: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, one day later: a person approved the first model."""
    repository = tmp_path_factory.mktemp("approved") / "flights"
    shutil.copytree(started, repository, symlinks=True)
    done = python(
        repository, "scripts.set_champion", "--approved-by=ada", "--reason=first", "--apply"
    )
    assert done.returncode == 0, done.stderr
    commit(repository, "Approve the first champion")
    return repository


@pytest.fixture(scope="module")
def june(champion: Path) -> Path:
    """And retrained as of July 2nd, when the summer had changed the flights."""
    run = python(champion, "scripts.retrain", "--as-of", "2013-07-02", "--apply")
    assert run.returncode == 0, run.stdout + run.stderr
    commit(champion, "Retrain as of July")
    return champion


def comparison(repository: Path) -> dict:
    return json.loads((repository / "artifacts/compare/comparison.json").read_text())


def test_the_first_model_is_never_blessed_by_itself(started: Path) -> None:
    found = comparison(started)
    assert found["verdict"] == "INCONCLUSIVE"
    assert found["champion"] is None
    assert "a person must approve" in found["summary"]


def test_setting_a_champion_needs_apply_and_keeps_who_and_why(
    started: Path, champion: Path
) -> None:
    plan = python(started, "scripts.set_champion", "--approved-by=ada", "--reason=first")
    assert plan.returncode == 0
    assert "Nothing was changed" in plan.stdout
    assert git(started, "status", "--porcelain") == ""
    pointer = yaml.safe_load((champion / "rollouts/flight-delay/champion.yaml").read_text())
    assert pointer["approved_by"] == "ada"
    assert pointer["reason"] == "first"


def test_a_retrain_in_june_beats_the_champion_of_spring(june: Path) -> None:
    found = comparison(june)
    assert found["verdict"] == "PASS"
    f1 = next(row for row in found["metrics"] if row["metric"] == "f1_weighted")
    assert f1["difference"] > 0.03
    assert f1["interval"]["low"] > 0
    assert all(test["verdict"] == "PASS" for test in found["self_test"])


def test_the_report_is_there_for_people(june: Path) -> None:
    report = june / "artifacts/report"
    assert "PASS" in (report / "report.md").read_text()
    assert "<html" in (report / "report.html").read_text()


def test_a_second_repro_does_nothing(june: Path) -> None:
    lock = (june / "dvc.lock").read_bytes()
    again = python(june, "dvc", "repro")
    assert again.returncode == 0
    assert "up to date" in again.stdout + again.stderr
    assert "Running stage" not in again.stdout
    assert (june / "dvc.lock").read_bytes() == lock


def test_the_same_inputs_give_the_same_bytes(june: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(june, again, symlinks=True)
    before = yaml.safe_load((again / "dvc.lock").read_text())["stages"]
    run = python(again, "dvc", "repro", "--force", "--no-run-cache")
    assert run.returncode == 0, run.stderr
    after = yaml.safe_load((again / "dvc.lock").read_text())["stages"]
    measured = "artifacts/evaluate/latency.json"  # a measurement, not a result
    for stages in (before, after):
        outs = stages["evaluate"]["outs"]
        stages["evaluate"]["outs"] = [out for out in outs if out["path"] != measured]
    assert after == before


def test_metrics_and_plots_differ_between_branches(june: Path) -> None:
    metrics = python(june, "dvc", "metrics", "diff", "HEAD~1", "--json")
    assert metrics.returncode == 0, metrics.stderr
    change = json.loads(metrics.stdout)["artifacts/evaluate/metrics.json"]["f1_weighted"]
    assert change["old"] != change["new"]
    plots = python(june, "dvc", "plots", "diff", "HEAD~1", "--out", "plots")
    assert plots.returncode == 0, plots.stderr
    page = (june / "plots/index.html").read_text()
    assert "artifacts_evaluate_roc_csv" in page
    shutil.rmtree(june / "plots")


def test_a_fresh_clone_fetches_the_champion_from_the_remote_by_digest(
    june: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(june), str(clone))
    (clone / ".dvc/config.local").write_text(
        f"['remote \"storage\"']\n    url = {june}/.dvc/storage\n"
    )
    shutil.copy(june / "warehouse.db", clone / "warehouse.db")
    run = python(clone, "dvc", "repro", "compare")
    assert run.returncode == 0, run.stdout + run.stderr
    assert comparison(clone)["champion"] == comparison(june)["champion"]


def test_a_package_that_was_tampered_with_is_never_loaded(june: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(june, copy, symlinks=True)
    [fetched] = (copy / ".dvc/tmp/packages").iterdir()
    with (fetched / "model.skops").open("ab") as file:
        file.write(b"x")
    run = python(copy, "dvc", "repro", "--force", "--single-item", "compare")
    assert run.returncode != 0
    assert "model.skops: found sha256" in run.stderr


def test_killed_in_the_middle_of_training_the_next_run_finishes(june: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(june, copy, symlinks=True)
    expected = (copy / "artifacts/compare/comparison.json").read_text()
    git(copy, "checkout", "--quiet", "HEAD~1", "--", "dvc.lock", "artifacts")
    lock = (copy / "dvc.lock").read_text()
    run = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", "--force", "--single-item", "train"],
        cwd=copy,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    for line in run.stdout:
        if "parameter sets" in line:
            break
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    time.sleep(0.1)
    assert (copy / "dvc.lock").read_text() == lock
    again = python(copy, "scripts.retrain")
    assert again.returncode == 0, again.stdout + again.stderr
    assert (copy / "artifacts/compare/comparison.json").read_text() == expected
