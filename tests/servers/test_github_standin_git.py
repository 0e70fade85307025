"""Git over HTTP at the stand-in: whose token may clone and push, and who is said to have pushed."""

import subprocess

import pytest

from tests.repository import git
from tests.servers import github_recorder
from tests.servers.github_standin import ACTIONS_BOT, APP_BOT, Clone, GitHubStandIn


@pytest.fixture
def github(tmp_path):
    with github_recorder.running(GitHubStandIn(tmp_path / "bare.git")) as standin:
        Clone(standin.world.git, tmp_path / "first")
        yield standin
    assert standin.violations == []


def address(github, token, owner="octo"):
    return github.url.replace("//", f"//any:{token}@") + f"/{owner}/model.git"


def cloned(github, token, folder):
    done = run(folder.parent, "clone", "--quiet", address(github, token), str(folder))
    return done.returncode == 0, done.stderr


def run(folder, *arguments):
    command = ["git", "-c", "credential.helper=", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("login", "grants", "words"),
    [
        (ACTIONS_BOT, {"contents": "read"}, None),
        (APP_BOT, {"contents": "write"}, None),
        ("reader", {}, None),
        (ACTIONS_BOT, {"issues": "write"}, "403"),
        ("stranger", {}, "not found"),
    ],
)
def test_a_clone_of_a_private_repository_needs_leave_to_read(
    github, tmp_path, login, grants, words
):
    github.add_person("reader", "read")
    github.add_person("stranger", "none")
    is_cloned, told = cloned(github, github.token_for(login, **grants), tmp_path / "c")
    assert is_cloned is (words is None)
    assert words is None or words in told


def test_an_unknown_or_revoked_token_is_nobodys(github, tmp_path):
    token = github.world.people.mint(ACTIONS_BOT, {"contents": "write"})
    assert cloned(github, token, tmp_path / "a")[0]
    github.world.people.revoked.add(token)
    for wrong in (token, "ghs_unknown"):
        is_cloned, told = cloned(github, wrong, tmp_path / "b")
        assert not is_cloned
        assert "Authentication failed" in told


@pytest.mark.parametrize(
    ("login", "grants", "is_let"),
    [
        ("alice", {}, True),
        (ACTIONS_BOT, {"contents": "write"}, True),
        (ACTIONS_BOT, {"contents": "read"}, False),
        ("reader", {}, False),
    ],
)
def test_a_push_needs_leave_to_write_and_is_put_down_to_its_token(
    github, tmp_path, login, grants, is_let
):
    events = []
    github.look()
    github.world.listeners.append(events.append)
    github.add_person("alice")
    github.add_person("reader", "read")
    folder = tmp_path / "c"
    assert cloned(github, github.token_for(login, **grants), folder)[0]
    (folder / "big").write_bytes(bytes(range(256)) * 8000)  # more than git sends in one piece
    git(folder, "add", "big")
    git(folder, "-c", "core.compression=0", "commit", "--quiet", "--message=Add")
    done = run(folder, "push", "--quiet", "origin", "HEAD:refs/heads/new")
    assert (done.returncode == 0) is is_let
    pushed = [(event.name, event.actor, event.ref, event.paths) for event in events]
    assert pushed == ([("push", login, "refs/heads/new", ["big"])] if is_let else [])


CI = ".github/workflows/ci.yml"


@pytest.mark.parametrize(
    ("login", "content", "is_let"),
    [
        (APP_BOT, "main's now", True),  # on a branch that has another: main has the same
        (ACTIONS_BOT, "main's before", False),  # no branch has it any more
        (ACTIONS_BOT, "anything", False),
        ("alice", "anything", True),
    ],
)
def test_a_bot_pushes_workflows_only_as_some_branch_has_them(
    github, tmp_path, login, content, is_let
):
    github.add_person("alice")
    first = Clone(github.world.git, tmp_path / "c")
    first.push("main", {CI: "main's before"})
    first.push("main", {CI: "main's now"})
    github.world.git.run("branch", "theirs", "main~2")  # from before there was any
    folder = tmp_path / "d"
    assert cloned(github, github.token_for(login, contents="write"), folder)[0]
    git(folder, "checkout", "--quiet", "--detach", "origin/theirs")
    (folder / CI).parent.mkdir(parents=True)
    (folder / CI).write_text(content)
    git(folder, "add", CI)
    git(folder, "commit", "--quiet", "--message=Change a workflow")
    done = run(folder, "push", "--quiet", "origin", "HEAD:refs/heads/theirs")
    assert (done.returncode == 0) is is_let, done.stderr
    assert is_let or f"create or update workflow `{CI}`" in done.stderr


def test_pushes_over_the_file_path_are_the_pushers_and_found_at_the_next_request(github, tmp_path):
    events = []
    github.look()
    github.world.listeners.append(events.append)
    github.world.pusher = "octo"
    clone = Clone(github.world.git, tmp_path / "c")
    before = clone.push("main", {"a": "1"})
    clone.push("main", {"a": "2", "b": "1"})
    clone.push("gone", {"c": "1"})
    github.look()
    clone.delete("gone")
    github.look()
    gone, main, deleted = events
    assert (main.actor, main.ref, main.paths) == ("octo", "refs/heads/main", ["a", "b"])
    payload = main.payload
    assert payload["commits"][0]["id"] == before
    assert payload["head_commit"]["modified"] == ["a"]
    assert payload["head_commit"]["added"] == ["b"]
    assert (gone.payload["created"], gone.paths) == (True, ["c"])
    assert (deleted.payload["deleted"], deleted.payload["head_commit"]) == (True, None)


def test_a_fork_is_its_owners(github, tmp_path):
    github.add_person("mallory", "read")
    github.add_fork("mallory", tmp_path / "fork.git")
    url = address(github, github.token_for("mallory"), owner="mallory")
    assert run(tmp_path, "clone", "--quiet", url, "c").returncode == 0
    git(tmp_path / "c", "commit", "--quiet", "--allow-empty", "--message=Add")
    assert run(tmp_path / "c", "push", "--quiet", "origin", "HEAD:main").returncode == 0
    url = address(github, github.token_for("mallory"))
    assert run(tmp_path / "c", "push", "--quiet", url, "HEAD:main").returncode != 0
