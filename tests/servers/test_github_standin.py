"""Pull requests at the stand-in behave as GitHub's do, seen through PyGithub."""

from subprocess import CalledProcessError

import pytest
from github import Auth, Github, GithubException

from tests.repository import git
from tests.servers import github_recorder
from tests.servers.github_api import description_fault
from tests.servers.github_standin import APP_BOT, Clone, GitHubStandIn

BRANCH = "perennial/retrain/flight-delay-0004"


@pytest.fixture
def github(tmp_path):
    with github_recorder.running(GitHubStandIn(tmp_path / "bare.git")) as standin:
        yield standin
    assert standin.violations == []


@pytest.fixture
def clone(github, tmp_path):
    return Clone(github.world.git, tmp_path / "clone")


@pytest.fixture
def repository(github, clone):
    return client(github, APP_BOT).get_repo("octo/model")


def client(github, login):
    return Github(
        auth=Auth.Token(github.token_for(login)),
        base_url=github.url,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )


def propose(repository, branch=BRANCH, title="Retrain", body="Why now", **options):
    return repository.create_pull("main", branch, title=title, body=body, **options)


def refused(call, status, words):
    with pytest.raises(GithubException) as caught:
        call()
    assert (caught.value.status, words in str(caught.value.data)) == (status, True), caught.value


def test_the_description_itself_is_valid():
    assert description_fault() is None


def test_the_server_says_that_it_is_a_stand_in(github):
    answer = client(github, "alice").requester.requestJson("GET", "/user")
    assert "stand-in" in answer[1]["server"]


def test_a_push_shows_at_once_in_head_files_commits_and_refs(repository, clone, github):
    first = clone.push(BRANCH, {"a.json": "1\n"})
    pull = propose(repository)
    assert (pull.number, pull.head.sha, pull.base.ref, pull.state) == (1, first, "main", "open")
    second = clone.push(BRANCH, {"b.json": "1\n2\n"})
    pull.update()
    assert pull.head.sha == second
    assert [(f.filename, f.status, f.additions) for f in pull.get_files()] == [
        ("a.json", "added", 1),
        ("b.json", "added", 2),
    ]
    assert [commit.sha for commit in pull.get_commits()] == [first, second]
    refs = github.world.git.refs()
    assert refs["refs/pull/1/head"] == second
    assert refs["refs/pull/1/merge"] == pull.merge_commit_sha


def test_renamed_removed_and_changed_files_are_told_apart(repository, clone):
    clone.push("main", {"old.txt": "long enough to be known again\n" * 5, "gone": "x", "c": "1\n"})
    clone.push(BRANCH, {})
    (clone.folder / "old.txt").rename(clone.folder / "new.txt")
    (clone.folder / "gone").unlink()
    clone.push(BRANCH, {"c": "2\n"}, start=None)
    files = {f.filename: (f.status, f.previous_filename) for f in propose(repository).get_files()}
    assert files == {
        "new.txt": ("renamed", "old.txt"),
        "gone": ("removed", None),
        "c": ("modified", None),
    }


def test_a_pull_request_is_found_by_branch_state_and_base(repository, clone):
    clone.push(BRANCH, {"a": "1"})
    clone.push("other", {"b": "1"})
    propose(repository)
    propose(repository, "other").edit(state="closed")

    def found(**query):
        return [pull.number for pull in repository.get_pulls(**query)]

    assert found() == [1]
    assert found(state="all") == [2, 1]
    assert found(state="all", direction="asc") == [1, 2]
    assert found(state="all", head=f"octo:{BRANCH}") == [1]
    assert found(state="all", head=BRANCH) == [2, 1], "without an owner it filters nothing"
    assert found(base="release") == []


def test_a_second_pull_request_of_a_branch_is_refused(repository, clone):
    clone.push(BRANCH, {"a": "1"})
    propose(repository)
    words = f"A pull request already exists for octo:{BRANCH}."
    refused(lambda: propose(repository), 422, words)


def test_what_cannot_be_proposed_is_refused(repository, clone):
    clone.push("same", {})
    clone.push("main", {"a": "1"})
    clone.push("behind", {}, is_forced=True)
    clone.push(BRANCH, {"b": "1"})
    refused(lambda: propose(repository, "missing"), 422, "'field': 'head'")
    refused(
        lambda: repository.create_pull("missing", BRANCH, title="T", body=""),
        422,
        "'field': 'base'",
    )
    refused(lambda: propose(repository, "main"), 422, "No commits between main and main")
    refused(lambda: propose(repository, title="  "), 422, "missing_field")
    refused(lambda: propose(repository, title="x" * 257), 422, "too long")
    refused(lambda: propose(repository, body="x" * 65_537), 422, "maximum is 65536 characters")
    assert propose(repository, body="x" * 65_536).number == 1


def test_a_merge_is_a_real_merge_commit(repository, clone, github):
    head = clone.push(BRANCH, {"a": "1"})
    tip = clone.push("main", {"b": "1"})
    pull = propose(repository)
    merged = pull.merge(sha=head, commit_title="Merge it", commit_message="Because")
    bare = github.world.git
    assert bare.commit_of("main") == merged.sha
    assert bare.run("show", "-s", "--format=%P", merged.sha).split() == [tip, head]
    words = bare.run("show", "-s", "--format=%an|%B", merged.sha)
    assert words == f"{APP_BOT}|Merge it\n\nBecause"
    assert bare.run("ls-tree", "--name-only", "main").split() == ["README.md", "a", "b"]
    pull.update()
    assert (pull.merged, pull.state, pull.merge_commit_sha) == (True, "closed", merged.sha)
    assert pull.merged_by.login == pull.as_issue().closed_by.login == APP_BOT
    assert pull.is_merged()
    refused(pull.merge, 405, "not mergeable")


def test_a_squash_has_one_parent(repository, clone, github):
    clone.push(BRANCH, {"a": "1"})
    clone.push(BRANCH, {"a": "2"})
    merged = propose(repository).merge(merge_method="squash")
    words = github.world.git.run("show", "-s", "--format=%s|%P", merged.sha).split("|")
    assert words[0] == "Retrain (#1)"
    assert len(words[1].split()) == 1
    clone.push("other", {"b": "1"})
    pull = propose(repository, "other")
    refused(lambda: pull.merge(merge_method="rebase"), 405, "not allowed on this repository")


def test_a_merge_of_another_head_than_was_seen_is_refused(repository, clone):
    old = clone.push(BRANCH, {"a": "1"})
    pull = propose(repository)
    clone.push(BRANCH, {"a": "2"})
    refused(lambda: pull.merge(sha=old), 409, "Head branch was modified")


def test_a_conflict_and_a_draft_are_not_mergeable(repository, clone):
    clone.push(BRANCH, {"a": "1"})
    pull = propose(repository, draft=True)
    assert (pull.draft, pull.mergeable, pull.mergeable_state) == (True, True, "draft")
    refused(pull.merge, 405, "draft")
    clone.push("other", {"a": "2"})
    other = propose(repository, "other")
    clone.push("main", {"a": "3"})
    other.update()
    assert (other.mergeable, other.mergeable_state) == (False, "dirty")
    refused(other.merge, 405, "not mergeable")


def test_a_push_of_the_head_to_the_base_merges_and_one_of_the_base_to_the_head_closes(
    repository, clone, github
):
    head = clone.push(BRANCH, {"a": "1"})
    clone.push("other", {"b": "1"})
    pull, other = propose(repository), propose(repository, "other")
    github.world.pusher = "alice"
    github.add_person("alice")
    clone.push("other", {}, is_forced=True)
    github.world.git.update_ref("refs/heads/other", github.world.git.commit_of("main"))
    other.update()
    assert (other.state, other.merged) == ("closed", False)
    github.world.git.update_ref("refs/heads/main", head)
    pull.update()
    assert (pull.merged, pull.merged_by.login, pull.merge_commit_sha) == (True, "alice", head)


def test_a_deleted_branch_closes_its_pull_request(repository, clone, github):
    clone.push(BRANCH, {"a": "1"})
    clone.push("other", {"b": "1"})
    pull, other = propose(repository), propose(repository, "other")
    github.add_person("alice")
    github.act("alice", "DELETE", f"/git/refs/heads/{BRANCH}")
    assert pull.as_issue().closed_by.login == "alice"
    clone.delete("other")
    other.update()
    assert (other.state, other.merged) == ("closed", False)
    refused(lambda: repository.get_git_ref("heads/other"), 404, "Not Found")


def test_a_closed_pull_request_keeps_its_head_and_opens_again_only_if_the_branch_grew(
    repository, clone
):
    first = clone.push(BRANCH, {"a": "1"})
    pull = propose(repository)
    pull.edit(state="closed")
    assert pull.closed_at is not None
    second = clone.push(BRANCH, {"a": "2"})
    pull.update()
    assert pull.head.sha == first
    pull.edit(state="open")
    assert (pull.head.sha, pull.closed_at) == (second, None)
    pull.edit(state="closed")
    twin = propose(repository)
    refused(lambda: pull.edit(state="open"), 422, "There is already an open pull request")
    twin.edit(state="closed")
    clone.push(BRANCH, {"a": "3"}, is_forced=True)
    refused(lambda: pull.edit(state="open"), 422, "was force-pushed or recreated")
    clone.delete(BRANCH)
    refused(lambda: pull.edit(state="open"), 422, "has been deleted")


def test_title_body_and_base_are_edited(repository, clone):
    clone.push("release", {"r": "1"})
    clone.push(BRANCH, {"a": "1"})
    pull = propose(repository)
    pull.edit(title="New", body="Other", base="release")
    pull = repository.get_pull(1)
    assert (pull.title, pull.body, pull.base.ref) == ("New", "Other", "release")
    refused(lambda: pull.edit(body="x" * 65_537), 422, "too long")
    refused(lambda: pull.edit(base="missing"), 422, "base")


def test_a_protected_main_takes_merges_and_no_pushes(repository, clone, github):
    head = clone.push(BRANCH, {"a": "1"})
    pull = propose(repository)
    github.protect_main()
    with pytest.raises(CalledProcessError) as caught:
        clone.push("main", {"b": "1"})
    assert "GH013" in caught.value.stderr
    with pytest.raises(CalledProcessError) as caught:
        git(clone.folder, "push", "origin", "HEAD:refs/pull/1/head")
    assert "hidden ref" in caught.value.stderr
    assert clone.push(BRANCH, {"a": "2"}) != head
    pull.merge()


def test_a_fork_proposes_from_its_own_branch_of_the_same_name(repository, clone, github, tmp_path):
    clone.push(BRANCH, {"a": "1"})
    ours = propose(repository)
    fork = github.add_fork("mallory", tmp_path / "fork.git")
    theirs = Clone(fork, tmp_path / "mallory")
    with pytest.raises(Exception, match="403"):
        github.act("mallory", "POST", "/pulls", {"title": "T", "head": BRANCH, "base": "main"})
    head = theirs.push(BRANCH, {"evil": "1"})
    body = {"title": "T", "head": f"mallory:{BRANCH}", "base": "main"}
    assert github.act("mallory", "POST", "/pulls", body)["head"]["label"] == f"mallory:{BRANCH}"
    pull = repository.get_pull(2)
    assert (pull.head.sha, pull.head.repo.full_name) == (head, "mallory/model")
    assert github.world.git.refs()["refs/pull/2/head"] == head
    assert github.world.git.refs()[f"refs/heads/{BRANCH}"] == ours.head.sha
    assert [p.number for p in repository.get_pulls(head=f"mallory:{BRANCH}")] == [2]
    github.world.forks["mallory"] = None
    assert repository.get_pull(2).head.repo is None
