"""The forge in a folder: what is written there, and how people take part with an editor and git."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.adapters.git.branches import GitBranches
from pipeline.adapters.local_forge import LocalForge
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.forge import PullState, ReviewState, StatusState
from tests.repository import commit, git

BRANCH = "perennial/retrain/flight-delay-0001"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "Start")
    git(folder, "checkout", "--quiet", "-b", BRANCH)
    commit(folder, "Propose")
    git(folder, "checkout", "--quiet", "main")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "forge"


@pytest.fixture
def forge(root: Path, folder: Path) -> LocalForge:
    return LocalForge(folder, GitBranches(root))


def open_one(forge: LocalForge) -> int:
    return forge.open_pull(branch=BRANCH, base="main", title="Retrain", body="# Body\n").number


def test_a_pull_request_is_two_files(forge: LocalForge, folder: Path, root: Path) -> None:
    number = open_one(forge)
    assert (folder / "pulls/1.md").read_text() == "# Body\n"
    assert json.loads((folder / "pulls/1.json").read_text())["title"] == "Retrain"
    pull = forge.pull(number)
    assert pull.head == git(root, "rev-parse", BRANCH).strip()
    assert (pull.state, pull.author, pull.closed_by) == (PullState.OPEN, "local", None)
    assert forge.pulls("perennial/") == (pull,)
    assert forge.pulls("other/") == ()
    assert forge.open_pulls("perennial/") == (pull,)


def test_opening_it_again_finds_it(forge: LocalForge) -> None:
    assert open_one(forge) == open_one(forge) == 1


def test_a_branch_that_is_not_there_is_not_opened(forge: LocalForge) -> None:
    with pytest.raises(OutsideError, match="no branch nothing to open"):
        forge.open_pull(branch="nothing", base="main", title="t", body="b")


def test_a_number_that_nobody_opened_is_a_wrong_argument(forge: LocalForge) -> None:
    with pytest.raises(ConfigurationError, match="found no pulls/7, and nothing is there"):
        forge.pull(7)
    number = open_one(forge)
    with pytest.raises(ConfigurationError, match=f"expected a number such as {number}"):
        forge.pull(7)


def test_it_is_renewed_in_place(forge: LocalForge) -> None:
    number = open_one(forge)
    forge.edit_pull(number, body="New")
    forge.edit_pull(number, title="Newer")
    assert (forge.pull(number).title, forge.pull(number).body) == ("Newer", "New")


@pytest.mark.parametrize("how", ["--no-ff", "--ff-only"])
def test_a_merge_in_git_merges_it(forge: LocalForge, root: Path, how: str) -> None:
    number = open_one(forge)
    git(root, "merge", "--quiet", "--no-edit", how, BRANCH)
    assert forge.pull(number).state is PullState.MERGED
    assert forge.pull(number).merge_commit == git(root, "rev-parse", "HEAD").strip()
    git(root, "branch", "--quiet", "--delete", BRANCH)
    assert forge.pull(number).state is PullState.MERGED


def test_who_closed_it_is_told_by_its_file(forge: LocalForge, folder: Path) -> None:
    ours = open_one(forge)
    forge.close_pull(ours)
    forge.close_pull(ours)
    assert (forge.pull(ours).state, forge.pull(ours).closed_by) == (PullState.CLOSED, "local")
    assert forge.open_pulls() == ()
    theirs = open_one(forge)
    assert theirs == 2
    path = folder / "pulls/2.json"
    path.write_text(path.read_text().replace('"open"', '"closed"'))
    assert (forge.pull(theirs).state, forge.pull(theirs).closed_by) == (PullState.CLOSED, None)


def test_comments_belong_to_one_number_and_can_be_edited(forge: LocalForge) -> None:
    first = forge.add_comment(1, "one")
    forge.add_comment(2, "two")
    forge.edit_comment(first.id, "one, edited")
    assert [(c.author, c.body) for c in forge.comments(1)] == [("local", "one, edited")]


def test_people_are_written_down_once(forge: LocalForge, folder: Path) -> None:
    number = open_one(forge)
    for _ in range(2):
        refused = forge.ask(number, labels=["retrain"], reviewers=["ada"], assignees=["ben"])
        assert refused == ()
    kept = json.loads((folder / "pulls/1.json").read_text())
    assert (kept["labels"], kept["reviewers"], kept["assignees"]) == (["retrain"], ["ada"], ["ben"])
    assert forge.pull(number).labels == ("retrain",)


def test_issues_share_their_numbers_with_pull_requests(forge: LocalForge) -> None:
    open_one(forge)
    issue = forge.open_issue(title="State", body="all well", labels=["dashboard"])
    assert issue.number == 2
    forge.edit_issue(2, body="not well", is_open=False)
    (found,) = forge.issues("dashboard")
    assert (found.body, found.is_open) == ("not well", False)
    assert forge.issues("other") == ()


def test_reviews_are_what_people_wrote_down_oldest_first(forge: LocalForge, folder: Path) -> None:
    assert forge.reviews(1) == ()
    (folder / "reviews").mkdir(parents=True)
    entries = [
        {"author": "ada", "state": "APPROVED", "commit": "a" * 40, "submitted_at": at}
        for at in ("2013-07-03T00:00:00Z", "2013-07-02T00:00:00Z")
    ]
    (folder / "reviews/1.json").write_text(json.dumps(entries))
    first, _ = forge.reviews(1)
    assert first.state is ReviewState.APPROVED
    assert first.submitted_at == datetime(2013, 7, 2, tzinfo=UTC)


def test_the_newest_status_of_a_context_is_kept(forge: LocalForge, folder: Path) -> None:
    for state in (StatusState.PENDING, StatusState.SUCCESS):
        forge.set_status("a" * 40, context="review", state=state, description="x" * 200)
    kept = json.loads((folder / "statuses" / f"{'a' * 40}.json").read_text())
    assert kept == {"review": {"state": "success", "description": "x" * 140, "url": None}}
    status = forge.status_of("a" * 40, "review")
    assert status is not None
    assert (status.state, status.description, status.url) == (StatusState.SUCCESS, "x" * 140, None)
    assert status.at.tzinfo is UTC
    assert forge.status_of("a" * 40, "other") is None
    assert forge.status_of("b" * 40, "review") is None
    assert forge.start_review(1) == ()


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("pulls", '{"branch": "x"}', "base: Field required"),
        ("pulls", '{"state": "merged?"', "not JSON"),
        ("reviews", '[{"author": "ada", "state": "YES"}]', "state"),
    ],
)
def test_a_file_that_a_person_broke_is_named(
    forge: LocalForge, folder: Path, kind: str, text: str, words: str
) -> None:
    (folder / kind).mkdir(parents=True)
    (folder / kind / "1.json").write_text(text)
    with pytest.raises(OutsideError, match=rf"{kind}/1\.json.*{words}"):
        forge.pull(1) if kind == "pulls" else forge.reviews(1)
