"""Whoever asks is known by their token, and gets what it grants and no more."""

import pytest
import requests

from tests.servers import github_recorder
from tests.servers.github_standin import ACTIONS_BOT, APP_BOT, Clone, GitHubStandIn

BRANCH = "perennial/retrain/flight-delay-0004"
PULL = {"title": "Retrain", "head": BRANCH, "base": "main"}


@pytest.fixture
def github(tmp_path):
    with github_recorder.running(GitHubStandIn(tmp_path / "bare.git")) as standin:
        Clone(standin.world.git, tmp_path / "clone").push(BRANCH, {"a": "1"})
        standin.act(APP_BOT, "POST", "/pulls", PULL)
        standin.act(APP_BOT, "POST", "/issues", {"title": "Dashboard"})
        yield standin
    assert standin.violations == []


def ask(github, token, method, path, body=None):
    url = github.url + path if path.startswith("/user") else github.world.api + path
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.request(method, url, json=body, headers=headers, timeout=5)
    return answer.status_code, answer.json() if answer.content else None


@pytest.mark.parametrize("token", ["ghp_unknown", ""])
def test_an_unknown_token_is_refused(github, token):
    assert ask(github, token, "GET", "/pulls") == (401, {"message": "Bad credentials"})


def test_a_person_and_a_bot_are_told_apart(github):
    github.add_person("alice")
    assert ask(github, github.token_for("alice"), "GET", "/user")[1]["login"] == "alice"
    bot = github.token_for(APP_BOT)
    assert ask(github, bot, "GET", "/user") == (
        403,
        {
            "message": "Resource not accessible by integration",
            "documentation_url": "https://docs.github.com/rest",
        },
    )
    assert ask(github, bot, "GET", f"/users/{APP_BOT}")[1]["type"] == "Bot"
    assert ask(github, bot, "GET", "/users/alice")[1]["type"] == "User"
    assert ask(github, bot, "GET", "/users/nobody")[0] == 404
    pull = ask(github, bot, "GET", "/pulls/1")[1]
    assert (pull["user"]["login"], pull["user"]["type"]) == (APP_BOT, "Bot")


def test_a_bot_learns_its_name_from_graphql(github):
    for login in (ACTIONS_BOT, APP_BOT):
        answer = requests.post(
            f"{github.url}/graphql",
            json={"query": "query { viewer { login } }"},
            headers={"Authorization": f"Bearer {github.token_for(login)}"},
            timeout=5,
        )
        assert answer.json() == {"data": {"viewer": {"login": login}}}
    answer = requests.post(f"{github.url}/graphql", json={"query": ""}, timeout=5)
    assert answer.status_code == 401


GRANTS = [
    ("pull_requests", "POST", "/pulls", PULL),
    ("pull_requests", "PATCH", "/pulls/1", {"title": "T"}),
    ("pull_requests", "PATCH", "/issues/1", {"title": "T"}),
    ("issues", "PATCH", "/issues/2", {"title": "T"}),
    ("pull_requests", "POST", "/issues/1/comments", {"body": "x"}),
    ("issues", "POST", "/issues/2/comments", {"body": "x"}),
    ("issues", "POST", "/issues", {"title": "T"}),
    ("issues", "POST", "/labels", {"name": "x"}),
    ("issues", "POST", "/issues/2/labels", {"labels": ["x"]}),
    ("pull_requests", "POST", "/issues/1/assignees", {"assignees": ["octo"]}),
    ("pull_requests", "POST", "/pulls/1/reviews", {"event": "COMMENT", "body": "x"}),
    ("pull_requests", "POST", "/pulls/1/requested_reviewers", {"reviewers": ["octo"]}),
    ("contents", "PUT", "/pulls/1/merge", {}),
    ("contents", "DELETE", "/git/refs/heads/none", None),
    ("contents", "POST", "/dispatches", {"event_type": "x"}),
    ("actions", "POST", "/actions/workflows/x.yml/dispatches", {"ref": "main"}),
    ("statuses", "POST", "/statuses/{sha}", {"state": "success"}),
    ("checks", "POST", "/check-runs", {"name": "x", "head_sha": "x"}),
]


@pytest.mark.parametrize(("scope", "method", "path", "body"), GRANTS)
def test_a_write_needs_its_grant(github, scope, method, path, body):
    path = path.format(sha=github.world.git.commit_of("main"))
    others = {name: "write" for name, *_ in GRANTS if name != scope}
    without = github.token_for(ACTIONS_BOT, **others, **{scope: "read"})
    status, answer = ask(github, without, method, path, body)
    assert (status, answer["message"]) == (403, "Resource not accessible by integration")
    alone = github.token_for(ACTIONS_BOT, **{scope: "write"})
    assert ask(github, alone, method, path, body)[0] != 403


def test_a_token_of_a_fork_reads_everything_and_writes_nothing(github):
    token = github.read_only_token()
    for path in ("/pulls/1", "/issues/2", "/issues/1/comments", "/contents/README.md"):
        assert ask(github, token, "GET", path)[0] == 200
    assert ask(github, token, "POST", "/issues/1/comments", {"body": "x"})[0] == 403


def test_a_private_repository_is_read_with_a_grant_and_hidden_from_strangers(github):
    token = github.token_for(ACTIONS_BOT, contents="read")
    assert ask(github, token, "GET", "/pulls")[0] == 403
    assert ask(github, token, "GET", "")[0] == 200
    stranger = github.add_person("mallory", "none")
    assert ask(github, stranger, "GET", "/pulls")[0] == 404
    github.world.is_private = False
    for path in ("/pulls", "/issues/2", "/issues/1/comments"):
        assert ask(github, token, "GET", path)[0] == 200
        assert ask(github, stranger, "GET", path)[0] == 200


def test_a_label_that_is_not_there_is_made_only_with_the_grant_for_issues(github):
    token = github.token_for(ACTIONS_BOT, pull_requests="write")
    labels = {"labels": ["retrain"]}
    status, answer = ask(github, token, "POST", "/issues/1/labels", labels)
    assert (status, "permission to create labels" in answer["message"]) == (403, True)
    github.act("octo", "POST", "/labels", {"name": "retrain"})
    assert ask(github, token, "POST", "/issues/1/labels", labels)[0] == 200


def test_roles_are_told_and_kept_to(github):
    github.add_person("reader", "read")
    for role, shown in (("maintain", "write"), ("triage", "read"), ("admin", "admin")):
        token = github.add_person("alice", role)
        told = github.act("octo", "GET", "/collaborators/alice/permission")
        assert (told["permission"], told["role_name"]) == (shown, role)
        assert ask(github, token, "GET", "")[1]["permissions"]["admin"] == (role == "admin")
    assert ask(github, github.token_for("reader"), "PUT", "/pulls/1/merge", {})[0] == 403
    assert ask(github, github.token_for("octo"), "GET", "/collaborators/x/permission")[0] == 404


def test_another_repository_is_not_here(github):
    headers = {"Authorization": f"Bearer {github.token_for('octo')}"}
    url = f"{github.url}/repos/octo/other/pulls"
    assert requests.get(url, headers=headers, timeout=5).status_code == 404
    url = f"{github.url}/repos/Octo/Model/pulls"
    assert requests.get(url, headers=headers, timeout=5).status_code == 200
