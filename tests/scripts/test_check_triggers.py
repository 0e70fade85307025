"""A check as people and cron run it: real warehouse, real git; once, for a good reason."""

import json
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.adapters.git.branches import GitBranches
from pipeline.adapters.git.ledger_branch import BRANCH
from pipeline.adapters.local_forge import LocalForge
from pipeline.core.proposal.identity import branch_of
from pipeline.manifest import render_rollout
from tests.called import Called, call_script
from tests.monitored import DIGEST, monitored_repository
from tests.repository import git, python
from tests.rollouts import spec_of
from tests.servers import github_recorder
from tests.servers.github_recorder import TOKEN, Answer

QUIET_DAY = "2013-04-16T12:00:00Z"
BAD_DAY = "2013-06-11T12:00:00Z"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return monitored_repository(tmp_path / "flights")


def check(repository: Path, at: str, *options: str, **environment: str) -> Called:
    command = ("check_triggers", "--at", at, "--json", "check.json", *options)
    return call_script(repository, *command, **environment)


def answers(repository: Path) -> dict[str, str]:
    found = json.loads((repository / "check.json").read_text())
    return {answer["trigger"]: answer["status"] for answer in found["triggers"]}


def ledger(repository: Path) -> dict:
    return json.loads(git(repository, "show", f"{BRANCH}:ledger.json"))


def spoil(repository: Path, statement: str) -> None:
    with sqlite3.connect(repository / "warehouse.db") as database:
        database.execute(statement)
    database.close()


def test_a_quiet_day_fires_nothing_and_writes_nothing(repository: Path) -> None:
    done = check(repository, QUIET_DAY, "--local", "--apply")
    assert done.returncode == 0, done.stderr
    assert "No retrain is due." in done.stdout
    assert set(answers(repository).values()) <= {"QUIET", "UNKNOWN"}
    assert not git(repository, "branch", "--list", BRANCH)


def test_a_bad_day_fires_what_it_should_with_its_numbers(repository: Path) -> None:
    done = check(repository, BAD_DAY, "--local")
    assert done.returncode == 0, done.stderr
    found = answers(repository)
    assert found["performance_degradation"] == "FIRED"
    assert found["concept_drift"] == "FIRED"
    assert found["scheduled_retrain"] == "FIRED"
    assert found["new_data_volume"] == "FIRED"
    assert "adwin sees the error rate change too" in done.stdout
    assert "Would dispatch flight-delay-0001. Nothing was changed" in done.stdout
    assert not git(repository, "branch", "--list", BRANCH)
    seen = json.loads((repository / "check.json").read_text())
    assert seen["drift"]["departures_in_hour"]["n"] > 300
    assert seen["causes"][0]["trigger"] == "performance_degradation"


def test_the_f1_of_the_positive_class_is_watched_where_the_champions_holdout_has_it(
    repository: Path,
) -> None:
    path = repository / "configs/triggers.yaml"
    path.write_text(path.read_text().replace("f1_drop: 0.10", "f1_drop: 0.10, f1_metric: f1"))
    done = check(repository, BAD_DAY, "--local")
    assert answers(repository)["concept_drift"] == "UNKNOWN"
    assert "the champion's holdout has no f1" in done.stdout
    reference = repository / "rollouts/flight-delay/reference.json"
    found = json.loads(reference.read_text())
    reference.write_text(json.dumps(found | {"metrics": {**found["metrics"], "f1": 0.5}}))
    done = check(repository, BAD_DAY, "--local")
    assert answers(repository)["concept_drift"] == "FIRED"
    assert "f1 0.5000 -> " in done.stdout


EVEN = "UPDATE flight_labels SET label = rowid % 5 = 0"  # no day has more late flights than others
MISSES = """
    UPDATE flight_predictions SET score = abs(
        late.label - (flight_predictions.rowid * 37 % 100 < CASE
            WHEN flight_predictions.available_at < '2013-05-13' THEN iif(late.label, 5, 20)
            ELSE iif(late.label, 60, 1) END)
    ) * 0.6 + 0.2
    FROM flight_labels AS late WHERE late.id = flight_predictions.id
"""


@pytest.mark.parametrize(("f1_metric", "status"), [("f1", "FIRED"), ("f1_weighted", "WARN")])
def test_misses_of_the_positive_class_alone_confirm_a_drop_only_of_its_own_f1(
    repository: Path, f1_metric: str, status: str
) -> None:
    """Three in five of the late flights are missed, and of all answers no more are wrong."""
    path = repository / "configs/triggers.yaml"
    rule = f"f1_drop: 0.10, f1_metric: {f1_metric}"
    path.write_text(path.read_text().replace("f1_drop: 0.10", rule))
    reference = repository / "rollouts/flight-delay/reference.json"
    figures = {"accuracy": 0.99, "f1_weighted": 0.99, "f1": 0.99}
    reference.write_text(json.dumps(json.loads(reference.read_text()) | {"metrics": figures}))
    spoil(repository, EVEN)
    spoil(repository, MISSES)
    done = check(repository, BAD_DAY, "--local")
    assert answers(repository)["concept_drift"] == status, done.stdout
    words = {"FIRED": "sees the error rate change too", "WARN": "sees no change in the stream"}
    assert words[status] in done.stdout


def test_the_retrain_is_started_once_however_often_the_check_runs(repository: Path) -> None:
    first = check(repository, BAD_DAY, "--local", "--apply")
    assert "scripts.admit_retrain --local --retrain flight-delay-0001" in first.stdout
    again = check(repository, "2013-06-11T12:10:00Z", "--local", "--apply")
    assert "No retrain is due." in again.stdout
    assert [retrain["state"] for retrain in ledger(repository)["retrains"]] == ["DISPATCHED"]
    claim = ("admit_retrain", "--local", "--retrain=flight-delay-0001", "--apply")
    admitted = call_script(repository, *claim)
    assert "Admitted: flight-delay-0001 is ours" in admitted.stdout
    lost = ("settle_retrain", "--local", "--retrain=flight-delay-0001", "--outcome=lost")
    assert "flight-delay-0001 is LOST" in call_script(repository, *lost, "--apply").stdout
    assert [r["state"] for r in ledger(repository)["retrains"]] == ["LOST"]


def test_a_proposal_that_a_person_closed_has_lost_and_frees_the_next(repository: Path) -> None:
    check(repository, BAD_DAY, "--local", "--apply")
    retrain = "flight-delay-0001"
    call_script(repository, "admit_retrain", "--local", f"--retrain={retrain}", "--apply")
    proposed = ("settle_retrain", "--local", f"--retrain={retrain}", "--outcome=proposed")
    call_script(repository, *proposed, "--apply")
    git(repository, "switch", "--quiet", "--create", branch_of(retrain))
    git(repository, "commit", "--quiet", "--allow-empty", "--message=Propose it")
    git(repository, "switch", "--quiet", "main")
    forge = LocalForge(repository / ".forge", GitBranches(repository))
    forge.open_pull(branch=branch_of(retrain), base="main", title="Retrain", body="")
    check(repository, BAD_DAY, "--local", "--apply")
    assert [r["state"] for r in ledger(repository)["retrains"]] == ["PROPOSED"]
    forge.close_pull(1)
    check(repository, BAD_DAY, "--local", "--apply")
    (ended,) = ledger(repository)["retrains"]
    assert (ended["state"], "#1 was closed" in ended["note"]) == ("LOST", True)


@pytest.mark.parametrize(("letter", "state"), [("d", "WON"), ("b", "PLANNED")])
def test_a_proposal_wins_by_its_own_challenger_alone(
    repository: Path, letter: str, state: str
) -> None:
    check(repository, BAD_DAY, "--local", "--apply")
    retrain = "flight-delay-0001"
    call_script(repository, "admit_retrain", "--local", f"--retrain={retrain}", "--apply")
    proposed = ("settle_retrain", "--local", f"--retrain={retrain}", "--outcome=proposed")
    call_script(repository, *proposed, "--apply")
    if state == "WON":
        merged = spec_of(letter, "c").model_copy(update={"retrain": retrain})
        (repository / "rollouts/flight-delay/rollout.yaml").write_text(render_rollout(merged))
    for name in ("champion.yaml", "reference.json"):  # another one serves from now on
        path = repository / "rollouts/flight-delay" / name
        path.write_text(path.read_text().replace(DIGEST, f"sha256:{letter * 64}"))
    check(repository, BAD_DAY, "--local", "--apply")
    (found,) = ledger(repository)["retrains"]
    assert (found["state"], letter * 64 in found["note"]) == (state, True)


def test_a_misspelt_column_is_a_loud_warning_and_the_check_goes_on(repository: Path) -> None:
    path = repository / "configs/triggers.yaml"
    path.write_text(path.read_text().replace("ignore: [temp,", "ignore: [tmep,"))
    done = check(repository, QUIET_DAY, "--local", GITHUB_STEP_SUMMARY=str(repository / "sum.md"))
    assert done.returncode == 0, done.stderr
    assert "Warning: configs/triggers.yaml: retraining_triggers.data_drift.ignore: 'tmep'" in (
        done.stderr
    )
    assert "did you mean 'temp'?" in done.stderr
    assert "- **Warning**: " in (repository / "sum.md").read_text()
    path.write_text(
        path.read_text().replace("data_drift:\n    {", "data_drift:\n    {enabled: false, ")
    )
    assert "Warning" not in check(repository, QUIET_DAY, "--local").stderr


def test_a_champion_whose_answers_nothing_records_is_no_incident(repository: Path) -> None:
    spoil(repository, "DROP TABLE flight_predictions")
    done = check(repository, BAD_DAY, "--local")
    assert done.returncode == 0, done.stderr
    assert "Nothing records what the champion answers" in done.stdout
    found = answers(repository)
    assert (found["performance_degradation"], found["concept_drift"]) == ("UNKNOWN", "UNKNOWN")
    assert found["new_data_volume"] == "FIRED"


def test_thirty_days_without_labels_warn_and_fire_nothing(repository: Path) -> None:
    spoil(repository, "DELETE FROM flight_labels WHERE available_at >= '2013-05-12'")
    done = check(repository, BAD_DAY, "--local")
    found = answers(repository)
    assert found["performance_degradation"] == "WARN"
    assert found["concept_drift"] == "WARN"
    assert "estimated from scores" in done.stdout


def test_late_positives_do_not_look_like_degradation(repository: Path) -> None:
    """Punctual flights report at once, late ones four days later: only mature rows are judged."""
    spoil(
        repository,
        "UPDATE flight_labels SET available_at = datetime(available_at, '+20 hours') || '.000000' "
        "WHERE label = 1",
    )
    check(repository, QUIET_DAY, "--local")
    assert answers(repository)["performance_degradation"] in ("QUIET", "UNKNOWN")
    assert answers(repository)["concept_drift"] in ("QUIET", "UNKNOWN")


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE planes SET plane_seats = NULL", r"plane_seats: 100.0% missing"),
        ("UPDATE flights SET distance = distance * 5", r"distance: the median moved"),
        ("DELETE FROM flights WHERE event_time >= '2013-06-08'", "stale feed"),
        ("ALTER TABLE flights DROP COLUMN distance", "the schema changed"),
        ("UPDATE flights SET distance = 'far' WHERE id LIKE '%7'", "distance holds text"),
        ("UPDATE flight_labels SET label = 2 WHERE id LIKE '2013-06-0%7'", "the label 2, expected"),
    ],
)
def test_broken_data_is_an_incident_that_trains_nothing(
    repository: Path, statement: str, fault: str
) -> None:
    spoil(repository, statement)
    done = check(repository, BAD_DAY, "--local", "--apply")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "Data incident: " in done.stderr
    assert fault in done.stderr
    assert answers(repository)["scheduled_retrain"] == "FIRED"  # which looks at no data
    assert ledger(repository)["retrains"] == []
    triggers = [event["trigger"] for event in ledger(repository)["events"]]
    assert set(triggers) <= {"scheduled_retrain"}  # the calendar waits, drift is not believed


def test_the_summary_of_the_job_tells_it_too(repository: Path, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    check(repository, BAD_DAY, "--local", GITHUB_STEP_SUMMARY=str(summary))
    text = summary.read_text()
    assert "### Triggers of flight-delay at 2013-06-11 12:00 UTC" in text
    assert "| performance\\_degradation |" in text or "| performance_degradation |" in text


def test_bad_configuration_is_told_all_at_once(repository: Path) -> None:
    (repository / "configs/triggers.yaml").write_text("retraining_triggers: {datadrift: {}}\n")
    (repository / "configs/usecase.yaml").write_text("model: flight-delay\n")
    done = check(repository, QUIET_DAY, "--local")
    assert done.returncode == 2
    assert "configs/triggers.yaml: retraining_triggers.datadrift: unknown key" in done.stderr
    assert "did you mean 'data_drift'?" in done.stderr
    assert "configs/usecase.yaml: question: missing" in done.stderr


def test_a_reference_of_another_champion_is_refused(repository: Path) -> None:
    path = repository / "rollouts/flight-delay/reference.json"
    path.write_text(path.read_text().replace(DIGEST, "sha256:" + "e" * 64))
    done = check(repository, QUIET_DAY, "--local")
    assert done.returncode == 2
    assert f"expected {DIGEST}: run python -m scripts.set_champion" in done.stderr


def test_without_a_champion_there_is_nothing_to_watch(repository: Path) -> None:
    (repository / "rollouts/flight-delay/champion.yaml").write_text("")
    done = check(repository, QUIET_DAY, "--local")
    assert (done.returncode, "has no champion yet" in done.stdout) == (0, True)


def test_a_warehouse_that_is_down_changes_nothing(repository: Path) -> None:
    url = "sqlite:///elsewhere.db"
    done = check(repository, BAD_DAY, "--local", "--apply", WAREHOUSE_URL=url)
    assert done.returncode == 3
    assert "no such file" in done.stderr
    assert not git(repository, "branch", "--list", BRANCH)


def test_a_github_that_takes_no_dispatch_for_hours_ends_no_retrain(
    repository: Path, tmp_path: Path
) -> None:
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", repository, remote], check=True)
    git(repository, "remote", "add", "origin", str(remote))
    checks = []
    with github_recorder.running() as github:
        refusal = Answer(403, {"message": "Resource not accessible by integration"})
        github.next_answers.extend([refusal] * 4)
        job = {"GITHUB_REPOSITORY": "octo/model", "GITHUB_TOKEN": TOKEN}
        for hour in range(12, 17):
            at = BAD_DAY.replace("T12", f"T{hour}")
            checks.append(check(repository, at, "--apply", **job, GITHUB_API_URL=github.url))
        assert [done.returncode for done in checks] == [3, 3, 3, 3, 0], checks[-1].stderr
        assert len(github.dispatches) == 1
    assert github.violations == []
    [retrain] = json.loads(git(remote, "show", f"{BRANCH}:ledger.json"))["retrains"]
    assert (retrain["state"], retrain["attempt"]) == ("DISPATCHED", 1)


def test_a_storm_seen_by_two_runners_is_one_retrain(repository: Path, tmp_path: Path) -> None:
    """Two clones check at once, again and again; one of them is killed between its steps."""
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", repository, remote], check=True)
    clones = []
    for name in ("one", "two"):
        clone = monitored_repository(tmp_path / name)
        git(clone, "remote", "add", "origin", str(remote))
        clones.append(clone)
    recorded = subprocess.run(
        [sys.executable, "-c", KILLED_AFTER_RECORDING, BAD_DAY],
        cwd=clones[0],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(clones[0])},
        capture_output=True,
        check=False,
    )
    assert recorded.returncode == -9, recorded.stderr.decode()
    with ThreadPoolExecutor(2) as pool:
        minutes, command = range(3), ("scripts.check_triggers", "--json=check.json")
        runs = [
            pool.submit(python, clone, *command, f"--at=2013-06-11T12:0{minute}:00Z", "--apply")
            for minute in minutes
            for clone in clones
        ]
        [run.result() for run in runs]
    found = json.loads(git(remote, "show", f"{BRANCH}:ledger.json"))
    assert [retrain["id"] for retrain in found["retrains"]] == ["flight-delay-0001"]
    causes = {e["trigger"] for e in found["events"] if e["retrain"] == "flight-delay-0001"}
    assert {"performance_degradation", "concept_drift", "scheduled_retrain"} <= causes
    assert len({event["id"] for event in found["events"]}) == len(found["events"])


KILLED_AFTER_RECORDING = """
import os, signal, sys
from scripts import check_triggers
check_triggers.start = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
check_triggers.main(["--at", sys.argv[1], "--apply"])
"""
