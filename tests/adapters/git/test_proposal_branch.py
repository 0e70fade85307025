"""A proposal's branch: one commit on top of what is there, nothing lost, nothing else touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.adapters.git.proposal_branch import ProposalBranch
from pipeline.core.proposal.identity import AUTHOR, branch_of, commits_of_people
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.forge import BranchState
from tests.proposals import (
    COMPARISON,
    MODEL,
    RETRAIN,
    clone,
    commit_and_push,
    digest,
    finish_run,
    make_remote,
    write,
)
from tests.repository import git
from tests.servers import github_recorder
from tests.servers.github_standin import ACTIONS_BOT, GitHubStandIn

BRANCH = branch_of(RETRAIN)
EVIDENCE = digest("e")


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return make_remote(tmp_path / "remote.git")


@pytest.fixture
def checkout(tmp_path: Path, remote: Path) -> Path:
    return clone(remote, tmp_path / "checkout")


@pytest.fixture
def person(tmp_path: Path, remote: Path) -> Path:
    return clone(remote, tmp_path / "person")


def branch_in(root: Path, remote: str | None = "origin") -> ProposalBranch:
    return ProposalBranch(root, BRANCH, MODEL, remote=remote, base="main")


def changed(branch: ProposalBranch) -> dict[str, bytes | None]:
    return branch.changed_files(branch.main(), branch.present_files())


def propose(root: Path, result: str) -> BranchState:
    finish_run(root, result)
    branch = branch_in(root)
    files = changed(branch)
    assert branch.push(branch.state(files), files, f"Propose {RETRAIN}", EVIDENCE)
    return branch.state(files)


def test_a_new_branch_is_main_and_one_commit_of_ours(checkout: Path, remote: Path) -> None:
    before = git(checkout, "status", "--porcelain")
    state = propose(checkout, "one")
    assert state.is_current
    assert not state.main_has_all
    (commit,) = state.commits
    assert (commit.author, commit.committer, commit.evidence) == (AUTHOR, AUTHOR, EVIDENCE)
    assert git(remote, "rev-parse", f"{BRANCH}^").strip() == state.main
    assert git(remote, "show", f"{BRANCH}:{COMPARISON}") == (checkout / COMPARISON).read_text()
    assert before == ""  # and the run's files are all that the checkout has now
    assert "perennial" not in git(checkout, "branch", "--list")
    assert git(checkout, "diff", "--cached", "--name-only") == ""


def test_what_git_ignores_is_not_proposed(checkout: Path, remote: Path) -> None:
    propose(checkout, "one")
    assert "artifacts/package" not in git(remote, "ls-tree", "-r", "--name-only", BRANCH)


def test_only_what_the_run_changed_is_proposed(checkout: Path, person: Path, remote: Path) -> None:
    finish_run(checkout, "one")
    write(checkout, {"code.py": "raise\n", "notes.txt": "mine\n"})
    write(person, {"params.yaml": "collect: {new: 1}\n", "code.py": "print()\n"})
    commit_and_push(person, "Main moves on")
    branch = branch_in(checkout)
    files = changed(branch)
    assert "params.yaml" not in files
    assert branch.push(branch.state(files), files, "Propose", EVIDENCE)
    assert git(remote, "show", f"{BRANCH}:params.yaml") == "collect: {new: 1}\n"
    assert git(remote, "show", f"{BRANCH}:code.py") == "print()\n"


def test_a_file_that_the_run_took_away_goes_away(
    checkout: Path, person: Path, remote: Path
) -> None:
    write(person, {"artifacts/report/plots/old.png": "old", "artifacts/kept.json": "{}"})
    commit_and_push(person, "An earlier retrain")
    git(checkout, "pull", "--quiet")
    (checkout / "artifacts/report/plots/old.png").unlink()
    state = propose(checkout, "one")
    names = git(remote, "ls-tree", "-r", "--name-only", BRANCH)
    assert state.is_current
    assert "old.png" not in names
    assert "artifacts/kept.json" in names


def test_a_run_that_was_committed_here_counts_as_changed(checkout: Path) -> None:
    finish_run(checkout, "one")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message=Retrain")
    assert COMPARISON in changed(branch_in(checkout))


def test_new_evidence_is_one_more_commit_on_top(checkout: Path, remote: Path) -> None:
    first = propose(checkout, "one")
    second = propose(checkout, "two")
    assert [c.sha for c in second.commits] == [second.tip, first.tip]
    assert git(remote, "rev-list", "--count", f"main..{BRANCH}").strip() == "2"


def test_where_main_moved_on_the_new_commit_has_both_parents(
    checkout: Path, person: Path, remote: Path
) -> None:
    first = propose(checkout, "one")
    write(person, {"code.py": "print()\n"})
    moved = commit_and_push(person, "Main moves on")
    branch, files = branch_in(checkout), changed(branch_in(checkout))
    state = branch.state(files)
    assert not state.is_current
    assert branch.push(state, files, "Propose", EVIDENCE)
    parents = git(remote, "log", "-1", "--format=%P", BRANCH).split()
    assert parents == [first.tip, moved]
    assert git(remote, "show", f"{BRANCH}:code.py") == "print()\n"
    assert branch.state(files).is_current


def test_whoever_pushes_second_changes_nothing(checkout: Path, person: Path, remote: Path) -> None:
    first = propose(checkout, "one")
    finish_run(checkout, "two")
    branch, files = branch_in(checkout), changed(branch_in(checkout))
    seen = branch.state(files)
    git(person, "fetch", "--quiet", "origin", BRANCH)
    git(person, "checkout", "--quiet", "--detach", str(first.tip))
    theirs = commit_and_push(person, "A person was quicker", BRANCH)
    assert not branch.push(seen, files, "Propose", EVIDENCE)
    assert git(remote, "rev-parse", BRANCH).strip() == theirs


def test_a_push_whose_answer_was_lost_is_not_made_twice(checkout: Path, remote: Path) -> None:
    hook = remote / "hooks" / "post-receive"
    hook.write_text("#!/bin/sh\nkill -9 $PPID\n")
    hook.chmod(0o755)
    assert propose(checkout, "one").is_current
    assert git(remote, "rev-list", "--count", f"main..{BRANCH}").strip() == "1"


def test_a_refused_push_is_one_clear_error(checkout: Path, remote: Path) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'not for you' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(OutsideError, match=r"(?s)perennial/retrain.*not for you.*Run again"):
        propose(checkout, "one")


WORKFLOW = ".github/workflows/review.yml"


@pytest.fixture
def hub(
    tmp_path: Path, remote: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[GitHubStandIn]:
    """The remote behind GitHub, and the checkout's origin with a token of a job."""
    with github_recorder.running(GitHubStandIn(remote)) as github:
        git(checkout, "remote", "set-url", "origin", f"{github.url}/octo/model.git")
        monkeypatch.setenv("GITHUB_SERVER_URL", github.url)
        monkeypatch.setenv("GITHUB_TOKEN", github.token_for(ACTIONS_BOT, contents="write"))
        yield github
    assert github.violations == []


@pytest.mark.usefixtures("hub")
def test_where_mains_workflows_changed_a_jobs_token_renews_the_branch(
    checkout: Path, person: Path, remote: Path
) -> None:
    first = propose(checkout, "one")
    write(person, {WORKFLOW: "on: push\n", ".github/workflows/new.yml": "on: push\n"})
    moved = commit_and_push(person, "Bump an action")
    propose(checkout, "two")
    assert git(remote, "log", "-1", "--format=%P", BRANCH).split() == [first.tip, moved]
    assert git(remote, "show", f"{BRANCH}:{WORKFLOW}") == "on: push\n"


@pytest.mark.usefixtures("hub")
def test_a_push_that_is_refused_since_main_moved_on_meanwhile_is_one_more_look(
    checkout: Path, person: Path
) -> None:
    finish_run(checkout, "one")
    branch, files = branch_in(checkout), changed(branch_in(checkout))
    seen = branch.state(files)
    write(person, {WORKFLOW: "on: push\n"})
    commit_and_push(person, "Bump an action")  # the workflow that was looked at is on no branch
    assert not branch.push(seen, files, "Propose", EVIDENCE)
    assert branch.push(branch.state(files), files, "Propose", EVIDENCE)


def test_commits_of_people_are_told_from_ours_and_from_plain_merges(
    checkout: Path, person: Path
) -> None:
    propose(checkout, "one")
    write(person, {"code.py": "print()\n"})
    commit_and_push(person, "Main moves on")
    git(person, "fetch", "--quiet", "origin", BRANCH)
    git(person, "checkout", "--quiet", "-B", "theirs", "FETCH_HEAD")
    git(person, "merge", "--quiet", "--no-edit", "main")  # as the button "Update branch" does
    commit_and_push(person, "Empty", BRANCH)
    state = branch_in(checkout).state({})
    empty, merge, ours = state.commits[0], state.commits[1], state.commits[-1]
    assert merge.is_plain_merge
    assert ours.evidence == EVIDENCE
    assert commits_of_people(state.commits) == (empty,)


def test_a_merge_that_hides_a_change_is_not_plain(checkout: Path, person: Path) -> None:
    propose(checkout, "one")
    write(person, {"code.py": "print()\n"})
    commit_and_push(person, "Main moves on")
    git(person, "fetch", "--quiet", "origin", BRANCH)
    git(person, "checkout", "--quiet", "-B", "theirs", "FETCH_HEAD")
    git(person, "merge", "--quiet", "--no-commit", "main")
    write(person, {COMPARISON: "forged\n"})
    commit_and_push(person, "Merge main", BRANCH)
    state = branch_in(checkout).state({})
    assert [c.is_plain_merge for c in state.commits] == [False, False]


@pytest.mark.parametrize("name", ["perennial", "\n\x01%H', `$(id)`"])
def test_a_borrowed_name_without_the_trailer_is_a_person(
    checkout: Path, person: Path, name: str
) -> None:
    propose(checkout, "one")
    git(person, "fetch", "--quiet", "origin", BRANCH)
    git(person, "checkout", "--quiet", "FETCH_HEAD")
    identity = ("-c", f"user.name={name}", "-c", "user.email=perennial@noreply.invalid")
    message = "Perennial-Evidence: sha256:nothing"
    git(person, *identity, "commit", "--quiet", "--allow-empty", f"--message=Forge\n\n{message}")
    git(person, "push", "--quiet", "origin", f"HEAD:refs/heads/{BRANCH}")
    state = branch_in(checkout).state({})
    assert [c.sha for c in commits_of_people(state.commits)] == [state.tip]


def test_a_shallow_checkout_does_not_take_mains_past_for_the_branchs(
    tmp_path: Path, checkout: Path, person: Path, remote: Path
) -> None:
    propose(checkout, "one")
    for number in range(3):
        commit_and_push(person, f"Main moves on {number}")
    shallow = tmp_path / "shallow"
    url = f"file://{remote}"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=main", url, str(shallow))
    finish_run(shallow, "one")
    branch = branch_in(shallow)
    state = branch.state(changed(branch))
    assert len(state.commits) == 1
    assert commits_of_people(state.commits) == ()


def test_once_main_has_the_files_there_is_nothing_to_propose(checkout: Path, person: Path) -> None:
    propose(checkout, "one")
    git(person, "fetch", "--quiet", "origin", BRANCH)
    git(person, "merge", "--quiet", "--squash", "FETCH_HEAD")
    commit_and_push(person, "Squashed")
    branch = branch_in(checkout)
    assert branch.state(changed(branch)).main_has_all


def test_without_a_remote_the_repository_keeps_the_branch_itself(checkout: Path) -> None:
    finish_run(checkout, "one")
    branch = branch_in(checkout, remote=None)
    files = changed(branch)
    assert branch.push(branch.state(files), files, "Propose", EVIDENCE)
    assert branch.state(files).is_current
    assert git(checkout, "rev-parse", "HEAD") == git(checkout, "rev-parse", "main")


def test_a_branch_that_is_checked_out_here_is_left_alone(checkout: Path) -> None:
    git(checkout, "checkout", "--quiet", "-b", BRANCH)
    finish_run(checkout, "one")
    branch = branch_in(checkout, remote=None)
    files = changed(branch)
    with pytest.raises(OutsideError, match="checked out here"):
        branch.push(branch.state(files), files, "Propose", EVIDENCE)


def test_a_repository_without_main_says_what_to_do(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    with pytest.raises(OutsideError, match="no branch main beside it"):
        branch_in(tmp_path, remote=None).main()


@pytest.mark.parametrize(
    "path",
    [
        "../outside",
        "/etc/passwd",
        "artifacts/../code.py",
        "artifacts//x",
        "artifacts/./x",
        "artifacts/.git/config",
        "artifacts/.GIT/config",
        "artifacts/a\nb",
        "artifacts/a\\b",
        "artifacts2/x",
        ".github/workflows/ci.yml",
        "rollouts/other/rollout.yaml",
        f"rollouts/{MODEL}/status.yaml",
        f"rollouts/{MODEL}/champion.yaml",
        "params.yaml.orig",
        "artifacts/package/model",
    ],
)
def test_a_path_that_is_not_the_runs_own_is_never_pushed(checkout: Path, path: str) -> None:
    branch = branch_in(checkout)
    with pytest.raises(ConfigurationError, match=r"files to propose: 1 fault"):
        branch.push(branch.state({}), {path: b"x"}, "Propose", EVIDENCE)
    assert branch.state({}).tip is None


def test_data_and_links_are_refused_before_anything_is_read(checkout: Path) -> None:
    finish_run(checkout, "one")
    (checkout / "artifacts/data.bin").write_bytes(b"0" * 5_000_001)
    (checkout / "artifacts/link.json").symlink_to("/etc/passwd")
    (checkout / "evidence").symlink_to("/etc")
    with pytest.raises(ConfigurationError) as caught:
        branch_in(checkout).present_files()
    assert len(caught.value.faults) == 3
    assert "5,000,001 bytes" in str(caught.value)


def test_a_file_of_another_commit_is_read_without_a_checkout(checkout: Path, remote: Path) -> None:
    state = propose(checkout, "one")
    branch = branch_in(checkout)
    picture = branch.file_at(str(state.tip), "artifacts/report/plots/roc.png")
    assert picture == (checkout / "artifacts/report/plots/roc.png").read_bytes()
    assert branch.file_at(state.main, "artifacts/report/plots/roc.png") is None
