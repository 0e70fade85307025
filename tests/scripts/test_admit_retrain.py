"""Whatever starts a training run only asks: real git, and a stand-in for GitHub that checks."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.adapters.git.ledger_branch import BRANCH
from tests.actions.files import masks_in
from tests.called import Called, call_script
from tests.monitored import MODEL, TRIGGERS, monitored_repository
from tests.repository import commit, git
from tests.servers.github_recorder import TOKEN, GitHubRecorder, running

APPROVERS = "roles: {ml_lead: [Zoe], product_owner: [ann]}\n"
AT = "2013-06-11T12:00:00Z"
ALERT = {
    "schema": 1,
    "model": MODEL,
    "trigger": "concept_drift",
    "window": "alert/0123456789abcdef",
    "reason": "accuracy 0.61 for 30 minutes",
    "starts_at": AT,
}


@pytest.fixture
def github() -> Iterator[GitHubRecorder]:
    with running() as recorder:
        yield recorder
        assert recorder.violations == []


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = monitored_repository(tmp_path / "flights")
    (folder / "configs/approvers.yaml").write_text(APPROVERS)
    commit(folder, "Name the approvers")
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", folder, remote], check=True)
    git(folder, "remote", "add", "origin", str(remote))
    return folder


def admit(
    repository: Path, github: GitHubRecorder, name: str, body: Any, run: str = "7", *options: str
) -> Called:
    event = repository / "event.json"
    event.write_text(body if isinstance(body, str) else json.dumps(body))
    (repository / "output.txt").write_text("")
    return call_script(
        repository,
        "admit_retrain",
        f"--at={AT}",
        *(options or ("--apply",)),
        GITHUB_EVENT_NAME=name,
        GITHUB_EVENT_PATH=str(event),
        GITHUB_RUN_ID=run,
        GITHUB_OUTPUT=str(repository / "output.txt"),
        GITHUB_REPOSITORY="owner/flights",
        GITHUB_TOKEN=TOKEN,
        GITHUB_API_URL=github.url,
    )


def outputs(repository: Path) -> dict[str, str]:
    lines = (repository / "output.txt").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def ledger(repository: Path) -> dict[str, Any] | None:
    if not git(repository, "ls-remote", "origin", BRANCH):
        return None
    git(repository, "fetch", "--quiet", "origin", BRANCH)
    return json.loads(git(repository, "show", "FETCH_HEAD:ledger.json"))


def dispatch(event_type: str, payload: Any) -> dict[str, Any]:
    return {"action": event_type, "client_payload": payload}


def test_a_dispatched_retrain_is_claimed_by_the_first_run(
    repository: Path, github: GitHubRecorder
) -> None:
    checked = call_script(
        repository,
        "check_triggers",
        f"--at={AT}",
        "--apply",
        GITHUB_REPOSITORY="owner/flights",
        GITHUB_TOKEN=TOKEN,
        GITHUB_API_URL=github.url,
    )
    assert checked.returncode == 0, checked.stderr
    assert [sent["event_type"] for sent in github.dispatches] == ["retrain"]
    body = dispatch("retrain", github.dispatches[0]["client_payload"])
    first = admit(repository, github, "repository_dispatch", body)
    assert first.returncode == 0, first.stderr
    assert outputs(repository) == {
        "admitted": "true",
        "retrain": "flight-delay-0001",
        "trigger": "performance_degradation",
        "priority": "critical",
        "as_of": "",
    }
    second = admit(repository, github, "repository_dispatch", body, run="8")
    assert (second.returncode, outputs(repository)["admitted"]) == (0, "false")
    assert "run 7 has it" in second.stdout


def test_an_alert_is_one_retrain_however_often_it_is_dispatched(
    repository: Path, github: GitHubRecorder
) -> None:
    admit(repository, github, "repository_dispatch", dispatch("alert", ALERT))
    assert outputs(repository)["admitted"] == "true"
    again = admit(repository, github, "repository_dispatch", dispatch("alert", ALERT), run="8")
    assert outputs(repository)["admitted"] == "false"
    assert "No retrain is due" in again.stdout
    found = ledger(repository)
    assert found is not None
    assert [retrain["run"] for retrain in found["retrains"]] == ["7"]


def test_the_calendar_is_served_once_a_period(repository: Path, github: GitHubRecorder) -> None:
    admit(repository, github, "schedule", {})
    assert outputs(repository)["trigger"] == "scheduled_retrain"
    later = admit(repository, github, "schedule", {}, run="8")
    assert outputs(repository)["admitted"] == "false"
    assert "next due 2013-07-02T06:00:00Z" in later.stdout


@pytest.mark.parametrize(
    ("asked", "reviews", "is_admitted"),
    [
        ("bob", [], False),  # nobody agreed
        ("bob", [("zoe", "approved")], True),
        ("bob", [("zoe", "rejected")], False),
        ("bob", [("ann", "approved")], False),  # a role that configs/triggers.yaml does not name
        ("bob", [("bob", "approved")], False),  # nobody approves a request of their own
        ("zoe", [], True),  # running it again is agreeing to it
    ],
)
def test_a_manual_retrain_needs_someone_else_of_the_right_role(
    repository: Path,
    github: GitHubRecorder,
    asked: str,
    reviews: list[tuple[str, str]],
    is_admitted: bool,
) -> None:
    github.add_run(7, "bob", asked, reviews)
    body = {"inputs": {"reason": "new airport", "priority": "high", "as_of": "2013-06-10"}}
    done = admit(repository, github, "workflow_dispatch", body)
    assert done.returncode == 0, done.stderr
    assert outputs(repository)["admitted"] == str(is_admitted).lower()
    assert outputs(repository)["as_of"] == "2013-06-10T00:00:00Z"
    assert ("1 approvals by someone else with the role ml_lead" in done.stdout) is not is_admitted
    assert (ledger(repository) is not None) is is_admitted


def test_without_apply_nothing_is_claimed(repository: Path, github: GitHubRecorder) -> None:
    done = admit(repository, github, "schedule", {}, "7", "--at=2013-06-11")
    assert "Nothing was claimed. --apply does it." in done.stdout
    assert ledger(repository) is None


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("repository_dispatch", dispatch("retrain", {**ALERT})),
        ("repository_dispatch", dispatch("alert", {**ALERT, "model": "$(touch pwned)"})),
        ("repository_dispatch", dispatch("alert", {**ALERT, "reason": "x\nadmitted=true"})),
        ("repository_dispatch", dispatch("deploy", {})),
        ("repository_dispatch", dispatch("alert", [[[{"model": "x" * 70_000}]]])),
        ("repository_dispatch", "[" * 100_000),
        ("repository_dispatch", "null"),
        ("workflow_dispatch", {"inputs": {"as_of": "`id`"}}),
        ("workflow_dispatch", {"inputs": {"priority": "now\nadmitted=true"}}),
        ("workflow_dispatch", {"inputs": ["x"]}),
        ("push", {}),
    ],
)
def test_hostile_events_get_one_refusal_and_leave_no_trace(
    repository: Path, github: GitHubRecorder, name: str, body: Any
) -> None:
    github.add_run(7, "bob", "zoe", [])
    done = admit(repository, github, name, body)
    assert done.returncode == 2, done.stdout
    assert done.stderr.count("ConfigurationError") == 1
    assert "Traceback" not in done.stderr
    assert outputs(repository) == {}
    assert ledger(repository) is None
    assert not (repository / "pwned").exists()


def test_a_multi_line_reason_cannot_name_outputs(repository: Path, github: GitHubRecorder) -> None:
    github.add_run(7, "bob", "bob", [])
    hostile = "x\nadmitted=true\n::set-output name=admitted::true"
    admit(repository, github, "workflow_dispatch", {"inputs": {"reason": hostile}})
    assert outputs(repository)["admitted"] == "false"


def test_a_reason_that_is_a_command_masks_no_output(
    repository: Path, github: GitHubRecorder
) -> None:
    hostile = {**ALERT, "reason": "It drifts ##[add-mask]true"}
    done = admit(repository, github, "repository_dispatch", dispatch("alert", hostile))
    assert outputs(repository)["admitted"] == "true"
    assert hostile["reason"] in done.stdout
    assert masks_in(done.stdout) == []  # the runner drops an output that holds what is masked
    shown = "".join(line for line in done.stdout.splitlines(True) if "stop-commands" not in line)
    assert masks_in(shown) == ["true"]


def test_a_trigger_that_is_off_stays_off(repository: Path, github: GitHubRecorder) -> None:
    text = TRIGGERS.replace("concept_drift: {", "concept_drift: {enabled: false, ")
    (repository / "configs/triggers.yaml").write_text(text)
    admit(repository, github, "repository_dispatch", dispatch("alert", ALERT))
    assert outputs(repository)["admitted"] == "false"
    assert ledger(repository) is None


@pytest.mark.parametrize(
    ("outcome", "state"),
    [("proposed", "PROPOSED"), ("lost", "LOST"), ("incident", "ABANDONED"), ("failed", "PLANNED")],
)
def test_the_end_of_a_run_is_told_once_and_by_its_own_run(
    repository: Path, github: GitHubRecorder, outcome: str, state: str
) -> None:
    admit(repository, github, "repository_dispatch", dispatch("alert", ALERT))
    settle = ("settle_retrain", "--retrain=flight-delay-0001", f"--outcome={outcome}")
    stranger = call_script(repository, *settle, "--apply", GITHUB_RUN_ID="8")
    assert stranger.returncode == (0 if outcome == "failed" else 1)
    assert ledger(repository)["retrains"][0]["state"] == "RUNNING"
    for _ in range(2):
        done = call_script(repository, *settle, "--apply", GITHUB_RUN_ID="7")
        assert done.returncode == 0, done.stderr
        assert ledger(repository)["retrains"][0]["state"] == state


def test_an_end_of_a_retrain_that_nobody_planned_is_a_wrong_argument(repository: Path) -> None:
    settle = ("settle_retrain", "--retrain=nope", "--outcome=lost", "--local", "--apply")
    done = call_script(repository, *settle)
    assert (done.returncode, done.stdout) == (2, "")
    assert "ConfigurationError: ledger: 1 fault to mend\n  - no retrain 'nope'" in done.stderr


@pytest.mark.parametrize(("thief", "state"), [(None, "PROPOSED"), ("8", "RUNNING")])
def test_a_run_whose_failed_jobs_ran_again_takes_back_what_nobody_took(
    repository: Path, github: GitHubRecorder, thief: str | None, state: str
) -> None:
    admit(repository, github, "repository_dispatch", dispatch("alert", ALERT))
    settle = ("settle_retrain", "--retrain=flight-delay-0001", "--apply")
    call_script(repository, *settle, "--outcome=failed", GITHUB_RUN_ID="7")
    if thief is not None:
        again = dispatch("retrain", {"schema": 1, "model": MODEL, "retrain": "flight-delay-0001"})
        admit(repository, github, "repository_dispatch", again, thief)
    done = call_script(repository, *settle, "--outcome=proposed", GITHUB_RUN_ID="7")
    assert (done.returncode == 0) is (thief is None)
    assert ledger(repository)["retrains"][0]["state"] == state


def test_a_proposal_that_was_called_stale_since_stays_asked_for_when_its_run_speaks_again(
    repository: Path, github: GitHubRecorder
) -> None:
    admit(repository, github, "repository_dispatch", dispatch("alert", ALERT))
    settle = ("settle_retrain", "--retrain=flight-delay-0001", "--apply")
    early = call_script(repository, *settle, "--outcome=stale")
    assert "is RUNNING. It is being evaluated, so no other evaluation" in early.stdout
    for outcome in ("proposed", "stale", "proposed", "stale"):
        done = call_script(repository, *settle, f"--outcome={outcome}", GITHUB_RUN_ID="7")
        assert done.returncode == 0, done.stderr
    [retrain] = ledger(repository)["retrains"]
    assert (retrain["state"], retrain["attempt"], retrain["run"]) == ("PLANNED", 0, None)


def test_a_calendar_that_is_off_is_no_error_at_every_tick(
    repository: Path, github: GitHubRecorder
) -> None:
    (repository / "configs/triggers.yaml").write_text("retraining_triggers: {}\n")
    done = admit(repository, github, "schedule", {})
    assert (done.returncode, outputs(repository)["admitted"]) == (0, "false")
    assert "off in configs/triggers.yaml" in done.stdout


def test_local_and_retrain_belong_together(repository: Path, github: GitHubRecorder) -> None:
    assert admit(repository, github, "schedule", {}, "7", "--local").returncode == 2
    alone = admit(repository, github, "schedule", {}, "7", "--retrain=flight-delay-0001")
    assert alone.returncode == 2
