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

from pipeline.paths import fetched_package
from tests.repository import git, python
from tests.retrained import Retrained, copy_of


@pytest.fixture(scope="module")
def started(retrained: Retrained) -> Path:
    return retrained.started


@pytest.fixture(scope="module")
def champion(retrained: Retrained) -> Path:
    return retrained.champion


@pytest.fixture(scope="module")
def july(retrained: Retrained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of this file's own: DVC writes into the repository whatever it is asked."""
    target = tmp_path_factory.mktemp("july") / "flights"
    return copy_of(retrained.july, target, reads_warehouse=True)


def comparison(repository: Path) -> dict:
    return json.loads((repository / "artifacts/compare/comparison.json").read_text())


def test_the_first_model_is_never_blessed_by_itself(started: Path) -> None:
    found = comparison(started)
    assert found["verdict"] == "INCONCLUSIVE"
    assert found["champion"] is None
    assert "a person must approve" in found["summary"]


def test_a_run_that_proposes_nothing_says_why_in_the_jobs_summary(started: Path) -> None:
    summary = started.with_name("summary.md").read_text()
    assert "INCONCLUSIVE" in summary
    assert "a person" in summary


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


def test_a_retrain_in_june_beats_the_champion_of_spring(july: Path) -> None:
    found = comparison(july)
    assert found["verdict"] == "PASS"
    f1 = next(row for row in found["metrics"] if row["metric"] == "f1_weighted")
    assert f1["difference"] > 0.03
    assert f1["interval"]["low"] > 0
    assert all(test["verdict"] == "PASS" for test in found["self_test"])


def test_the_report_is_there_for_people(july: Path) -> None:
    report = july / "artifacts/report"
    assert "PASS" in (report / "report.md").read_text()
    assert "<html" in (report / "report.html").read_text()


def test_a_second_repro_does_nothing(july: Path) -> None:
    lock = (july / "dvc.lock").read_bytes()
    again = python(july, "dvc", "repro")
    assert again.returncode == 0
    assert "up to date" in again.stdout + again.stderr
    assert "Running stage" not in again.stdout
    assert (july / "dvc.lock").read_bytes() == lock


def test_metrics_and_plots_differ_between_branches(july: Path) -> None:
    metrics = python(july, "dvc", "metrics", "diff", "HEAD~1", "--json")
    assert metrics.returncode == 0, metrics.stderr
    change = json.loads(metrics.stdout)["artifacts/evaluate/metrics.json"]["f1_weighted"]
    assert change["old"] != change["new"]
    plots = python(july, "dvc", "plots", "diff", "HEAD~1", "--out", "plots")
    assert plots.returncode == 0, plots.stderr
    page = (july / "plots/index.html").read_text()
    assert "artifacts_evaluate_roc_csv" in page
    shutil.rmtree(july / "plots")


def test_a_fresh_clone_fetches_the_champion_from_the_remote_by_digest(
    july: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(july), str(clone))
    (clone / ".dvc/config.local").write_text(
        f"['remote \"storage\"']\n    url = {july}/.dvc/storage\n"
    )
    pulled = python(clone, "dvc", "pull")
    assert pulled.returncode == 0, pulled.stderr
    run = python(clone, "dvc", "repro", "--force", "--single-item", "compare")
    assert run.returncode == 0, run.stdout + run.stderr
    assert comparison(clone)["champion"] == comparison(july)["champion"]


def test_a_package_that_was_tampered_with_is_never_loaded(july: Path, tmp_path: Path) -> None:
    copy = copy_of(july, tmp_path / "copy", reads_warehouse=True)
    fetched = fetched_package(copy, comparison(july)["champion"])
    model = fetched / "model.skops"
    sound = model.read_bytes()
    model.write_bytes(sound + b"x")
    (copy / ".dvc/cache").rename(tmp_path / "cache")
    (copy / ".dvc/storage").rename(tmp_path / "storage")
    run = python(copy, "dvc", "repro", "--force", "--single-item", "compare")
    assert run.returncode != 0
    assert "could not be fetched" in run.stderr
    (tmp_path / "cache").rename(copy / ".dvc/cache")
    (tmp_path / "storage").rename(copy / ".dvc/storage")
    (fetched / "params.json").unlink()  # half a package, as a crash of old may have left it
    run = python(copy, "dvc", "repro", "--force", "--single-item", "compare")
    assert run.returncode == 0, run.stdout + run.stderr
    assert model.read_bytes() == sound
    assert comparison(copy)["champion"] == comparison(july)["champion"]


def test_killed_in_the_middle_of_training_the_next_run_gives_the_same_bytes(
    july: Path, tmp_path: Path
) -> None:
    copy = copy_of(july, tmp_path / "copy", reads_warehouse=True)
    expected = results(copy)
    git(copy, "checkout", "--quiet", "HEAD~1", "--", "dvc.lock", "artifacts")
    shutil.rmtree(copy / ".dvc/cache/runs")  # so that no stage is restored
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
    assert again.stdout.count("Running stage") == len(expected)
    assert results(copy) == expected


def results(repository: Path) -> dict:
    """What dvc.lock says of each stage, without the one output that is a measurement."""
    stages = yaml.safe_load((repository / "dvc.lock").read_text())["stages"]
    outs = stages["evaluate"]["outs"]
    measured = "artifacts/evaluate/latency.json"
    stages["evaluate"]["outs"] = [out for out in outs if out["path"] != measured]
    return stages
