"""From a finished run to one open pull request: on GitHub's stand-in, and in a folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import chdir
from functools import cache
from pathlib import Path

import pytest

from pipeline.core.evidence import MANIFEST
from pipeline.core.proposal.marker import parse_marker
from pipeline.core.pull.body import MAX_BODY
from pipeline.jsonio import save_json
from pipeline.manifest import parse_rollout
from pipeline.proposing.run_files import DOCUMENTS
from scripts import assess_gates, collect_evidence, rehearse_rollback
from scripts.open_retrain_pr import main
from tests.core import quality_runs as runs
from tests.core import reports
from tests.folders import folder_of_this_process
from tests.proposals import REVIEW_WORKFLOW, write
from tests.repository import commit, git
from tests.scripts.finished_run import challenger_of, change, document, finished_run, lock
from tests.servers import github_recorder
from tests.servers.github_standin import ACTIONS_BOT, GitHubStandIn

BRANCH = f"perennial/retrain/{runs.RETRAIN_ID}"
LOCAL = ["--forge=local", f"--retrain={runs.RETRAIN_ID}"]
ROLLOUT = "rollouts/flight-delay/rollout.yaml"
COMPARISON = "artifacts/compare/comparison.json"
APPROVERS = "roles:\n  ml_lead: [ada]\n  product_owner: [ben, Ada]\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in which everything before the proposal is done."""
    for name in ("PROMETHEUS_URL", "GITHUB_REPOSITORY", "GITHUB_SERVER_URL", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    repository = tmp_path / "flights"
    shutil.copytree(_prepared(), repository)
    monkeypatch.chdir(repository)
    return repository


@cache
def _prepared() -> Path:
    """Made once a session."""
    root = finished_run(folder_of_this_process("prepared") / "flights")
    gates_file = root / "configs/gates.yaml"
    policy = gates_file.read_text()  # nobody answers for production in these tests
    assert "monitoring_configured: {required: true}" in policy
    unwatched = "monitoring_configured: {required: false}"
    gates_file.write_text(policy.replace("monitoring_configured: {required: true}", unwatched))
    commit_only(root, "configs/gates.yaml")
    inputs, trial = reports.passing(), document(root, COMPARISON)["self_test"]
    for field, name in DOCUMENTS.items():
        save_json(root / name, getattr(inputs, field))
    gates = document(root, COMPARISON)["gates"]
    first = {**gates[0], "name": "inputs", "reason": "As expected."}
    trials = [{**first, **test} for test in trial]
    whole = {"champion": runs.CHAMPION, "self_test": trials, "gates": [first, *gates]}
    change(root, COMPARISON, **whole)
    lock(root)
    with chdir(root):
        prepare()
    return root


def commit_only(root: Path, path: str) -> None:
    git(root, "add", path)
    git(root, "commit", "--quiet", f"--message=Change {path}")


def prepare() -> None:
    assert rehearse_rollback.main([]) == 0
    assert assess_gates.main(["--local", f"--retrain={runs.RETRAIN_ID}"]) == 0
    assert collect_evidence.main(["--apply"]) == 0


def body(root: Path, number: int = 1) -> str:
    return (root / f".forge/pulls/{number}.md").read_text()


def state_of(root: Path) -> dict[str, bytes]:
    """Every file of the repository, git's own included."""
    return {str(p): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_without_apply_the_plan_is_printed_and_nothing_is_there(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(LOCAL) == 0
    shown = capsys.readouterr().out
    assert f"1. push the new branch {BRANCH}" in shown
    assert "2. open a pull request" in shown
    assert "Nothing was changed" in shown
    assert git(root, "branch", "--list", BRANCH) == ""
    assert not (root / ".forge").exists()


def test_a_run_that_passed_becomes_a_branch_and_a_body(root: Path) -> None:
    assert main([*LOCAL, "--apply"]) == 0
    text = body(root)
    marker = parse_marker(text)
    assert marker is not None
    assert (marker.model, marker.retrain) == ("flight-delay", runs.RETRAIN_ID)
    assert marker.told == git(root, "rev-parse", BRANCH).strip()
    assert marker.evidence in git(root, "log", "-1", "--format=%B", BRANCH)
    assert len(text) < MAX_BODY
    names = set(git(root, "diff", "--name-only", "main", BRANCH).split())
    version = f"2013-07-02-{challenger_of(root)[7:19]}"
    home = f"evidence/protocol-24-retraining/flight-delay/{version}"
    assert {"dvc.lock", COMPARISON, ROLLOUT, f"{home}/{MANIFEST}"} <= names
    assert "artifacts/report/plots/roc.png" in names
    assert not any(name.startswith("artifacts/package/") for name in names)
    picture = "artifacts/report/plots/roc.png"
    shown = git(root, "rev-parse", f"{BRANCH}:{picture}").strip()
    assert shown == git(root, "hash-object", picture).strip()


def test_the_manifest_names_the_challenger_the_champion_and_the_evidence(root: Path) -> None:
    assert main([*LOCAL, "--apply"]) == 0
    spec = parse_rollout(git(root, "show", f"{BRANCH}:{ROLLOUT}"), ROLLOUT)
    assert spec.challenger.digest == challenger_of(root)
    assert spec.champion.digest == runs.CHAMPION
    assert spec.retrain == runs.RETRAIN_ID
    package = root / spec.evidence.path
    assert collect_evidence.verify(package, spec.evidence.digest) == 0


def test_the_same_run_again_changes_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LOCAL, "--apply"]) == 0
    before = state_of(root)
    capsys.readouterr()
    assert main([*LOCAL, "--apply"]) == 0
    assert "CURRENT: #1 is open" in capsys.readouterr().out
    after = state_of(root)
    assert {p for p in after if after[p] != before.get(p) and "/objects/" not in p} == set()


def test_changed_figures_are_renewed_in_place(root: Path) -> None:
    assert main([*LOCAL, "--apply"]) == 0
    first = body(root)
    change(root, COMPARISON, summary="Another one.")
    assert main([*LOCAL, "--apply"]) == 0
    assert git(root, "rev-list", "--count", f"main..{BRANCH}").strip() == "2"
    assert body(root) != first
    assert not (root / ".forge/pulls/2.json").exists()


@pytest.mark.parametrize("verdict", ["FAIL", "INCONCLUSIVE", "ERROR"])
def test_a_run_that_did_not_pass_opens_nothing_and_says_so(
    root: Path,
    verdict: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    change(root, COMPARISON, verdict=verdict)
    assert main([*LOCAL, "--apply"]) == 1
    assert f"{runs.RETRAIN_ID} is not proposed: {verdict}" in capsys.readouterr().err
    assert f"not proposed: {verdict}" in (tmp_path / "summary.md").read_text()
    assert not (root / ".forge").exists()


def test_a_gate_that_says_no_is_enough(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = "artifacts/gates/quality-gates.json"
    gates = document(root, path)["gates"]
    gates[0]["items"][0].update(verdict="FAIL", reason="No trigger.")
    change(root, path, gates=gates)
    assert main([*LOCAL, "--apply"]) == 1
    assert "FAIL Trigger conditions validated: No trigger." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("artifacts/gates/quality-gates.json", "assess_gates"),
        (COMPARISON, "not found"),
        ("dvc.lock", "does not name artifacts/package"),
    ],
)
def test_what_is_missing_is_named(
    root: Path, path: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / path).unlink()
    assert main([*LOCAL, "--apply"]) == 3
    assert words in capsys.readouterr().err


def test_an_evidence_package_that_is_missing_is_named(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for found in root.rglob(f"evidence/**/{MANIFEST}"):
        found.unlink()
    assert main([*LOCAL, "--apply"]) == 3
    assert "collect_evidence" in capsys.readouterr().err


@pytest.mark.parametrize("retrain", ["flight-delay-9999", "../../evil", "other-0001"])
def test_a_retrain_that_nobody_planned_is_refused(root: Path, retrain: str) -> None:
    assert main(["--forge=local", f"--retrain={retrain}", "--apply"]) == 2
    assert git(root, "branch", "--list", "perennial/retrain/*") == ""


def test_a_run_by_hand_is_named_by_its_day(root: Path) -> None:
    assert main(["--forge=local", "--apply"]) == 0
    as_of = json.loads((root / ".forge/pulls/1.json").read_text())["branch"]
    assert as_of.startswith("perennial/retrain/flight-delay-20")


def test_a_champion_that_moved_on_stops_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(root, COMPARISON, champion=runs.OTHER)
    assert main([*LOCAL, "--apply"]) == 1
    assert "retrain" in capsys.readouterr().err
    assert git(root, "branch", "--list", BRANCH) == ""


def test_a_persons_commit_stops_it_and_is_said_in_a_comment(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*LOCAL, "--apply"]) == 0
    tree = git(root, "rev-parse", f"{BRANCH}^{{tree}}").strip()
    theirs = git(root, "commit-tree", tree, "-p", BRANCH, "-m", "Mine").strip()
    git(root, "update-ref", f"refs/heads/{BRANCH}", theirs)
    for _ in range(2):
        assert main([*LOCAL, "--apply"]) == 1
    assert "1 commit" in capsys.readouterr().err
    assert git(root, "rev-parse", BRANCH).strip() == theirs
    (comment,) = (root / ".forge/comments").glob("*.json")
    assert "never writes over" in comment.read_text()


# ------------------------------------------------------------------ GitHub


@pytest.fixture
def github(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubStandIn]:
    with github_recorder.running(GitHubStandIn(tmp_path / "bare.git")) as server:
        assert isinstance(server, GitHubStandIn)
        for login in ("ada", "ben"):
            server.add_person(login)
        publish(root, server)
        monkeypatch.setenv("GITHUB_REPOSITORY", "octo/model")
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
        monkeypatch.setenv("GITHUB_TOKEN", server.token_for(ACTIONS_BOT))
        monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
        yield server
    assert server.violations == []


def publish(root: Path, server: GitHubStandIn) -> None:
    """main as it was before the run, with people in it, and the ledger."""
    git(root, "stash", "--quiet", "--include-untracked")
    write(root, {".github/workflows/review.yml": REVIEW_WORKFLOW})
    write(root, {"configs/approvers.yaml": APPROVERS})
    write(root, {".github/CODEOWNERS": "/rollouts/ @cleo @octo/owners\n"})
    commit(root, "Name people")
    git(root, "remote", "add", "origin", str(server.world.git.path))
    git(root, "push", "--quiet", "origin", "main", "perennial/ledger")
    git(root, "stash", "pop", "--quiet")


def test_on_github_it_is_opened_asked_about_and_checked(
    root: Path, github: GitHubStandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    github.add_person("cleo")
    prepare()  # the approvers are part of it
    assert main([f"--retrain={runs.RETRAIN_ID}", "--apply"]) == 0
    (issue,) = github.world.issues.values()
    assert issue.author == ACTIONS_BOT
    assert issue.labels == ["retrain", "flight-delay"]
    assert issue.assignees == ["ada"]
    assert issue.pull is not None
    assert issue.pull.reviewers == ["ada", "ben", "cleo"]
    head = git(root, "ls-remote", "origin", f"refs/heads/{BRANCH}").split()[0]
    assert f"https://github.com/octo/model/blob/{head}/" in str(issue.body)
    (sent,) = github.world.workflow_dispatches
    assert sent["inputs"] == {"pull_request": "1"}
    outputs = (tmp_path / "outputs").read_text().splitlines()
    assert f"branch={BRANCH}" in outputs
    assert "number=1" in outputs
    assert "url=https://github.com/octo/model/pull/1" in outputs
    assert "end=CURRENT" in outputs
    assert "CURRENT" in (tmp_path / "summary.md").read_text()


def test_closed_by_a_person_it_stays_closed_until_the_evidence_changes(
    root: Path, github: GitHubStandIn, tmp_path: Path
) -> None:
    run: Callable[[], int] = lambda: main([f"--retrain={runs.RETRAIN_ID}", "--apply"])  # noqa: E731
    assert run() == 0
    github.close(1, "ada")
    assert run() == 0
    assert list(github.world.issues) == [1]
    assert "end=SNOOZED" in (tmp_path / "outputs").read_text()
    latency = "artifacts/evaluate/latency.json"
    change(root, latency, p50_ms=99.0)
    assert run() == 0
    assert list(github.world.issues) == [1]
    change(root, COMPARISON, summary="Another one.")
    assert run() == 0
    assert sorted(github.world.issues) == [1, 2]


def test_a_missing_variable_is_named_before_anything_is_asked(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    assert main([f"--retrain={runs.RETRAIN_ID}"]) == 2
    assert "GITHUB_REPOSITORY: not set" in capsys.readouterr().err
