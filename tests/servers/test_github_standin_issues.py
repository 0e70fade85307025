"""Issues, comments, labels and pages at the stand-in, seen through PyGithub."""

from datetime import UTC, datetime, timedelta

import pytest
import requests
from github import Auth, Github, GithubException

from tests.servers import github_recorder
from tests.servers.github_standin import APP_BOT, Clone, GitHubStandIn


@pytest.fixture
def github(tmp_path):
    with github_recorder.running(GitHubStandIn(tmp_path / "bare.git")) as standin:
        standin.add_person("alice")
        yield standin
    assert standin.violations == []


@pytest.fixture
def repository(github):
    client = Github(
        auth=Auth.Token(github.token_for(APP_BOT)),
        base_url=github.url,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )
    return client.get_repo("octo/model")


def refused(call, status, words):
    with pytest.raises((GithubException, requests.HTTPError)) as caught:
        call()
    error = caught.value
    got = error.response.status_code if hasattr(error, "response") else error.status
    assert (got, words in str(error)) == (status, True), error


def test_issues_and_pull_requests_share_their_numbers(github, repository, tmp_path):
    Clone(github.world.git, tmp_path / "clone").push("x", {"a": "1"})
    assert repository.create_issue("First").number == 1
    assert repository.create_pull("main", "x", title="Second", body="").number == 2
    assert repository.create_issue("Third").number == 3
    found = {issue.number: issue.pull_request is not None for issue in repository.get_issues()}
    assert found == {3: False, 2: True, 1: False}
    refused(lambda: repository.get_pull(1), 404, "Not Found")
    refused(lambda: repository.get_issue(4), 404, "Not Found")


def test_an_issue_is_edited_closed_and_opened_again(github, repository):
    issue = repository.create_issue("Dashboard", body="One")
    issue.edit(title="Other", body="Two", state="closed")
    closed = repository.get_issue(1)
    assert (closed.title, closed.body, closed.state) == ("Other", "Two", "closed")
    assert (closed.closed_by.login, closed.state_reason) == (APP_BOT, "completed")
    assert [i.number for i in repository.get_issues()] == []
    github.reopen(1, "alice")
    again = repository.get_issue(1)
    assert (again.state, again.closed_by, again.closed_at) == ("open", None, None)
    github.close(1, "alice")
    assert repository.get_issue(1).closed_by.login == "alice"


def test_an_issue_that_github_does_not_take_is_refused(github, repository):
    refused(lambda: repository.create_issue("  "), 422, "missing_field")
    refused(lambda: repository.create_issue("T", body="x" * 65_537), 422, "65536 characters")
    refused(lambda: repository.create_issue("T", assignees=["nobody"]), 422, "assignees")
    issue = repository.create_issue("T", body="x" * 65_536)
    refused(lambda: issue.edit(body="x" * 65_537), 422, "65536 characters")
    assert repository.get_issues().totalCount == 1


def test_issues_are_found_by_label_state_and_author(github, repository):
    repository.create_issue("One", labels=["Dashboard", "model: x"])
    github.act("alice", "POST", "/issues", {"title": "Two", "labels": ["dashboard"]})
    repository.create_issue("Three")

    def found(**query):
        return [issue.number for issue in repository.get_issues(**query)]

    assert found(labels=["dashboard"]) == [2, 1]
    assert found(labels=["dashboard", "model: x"]) == [1]
    assert found(labels=["missing"]) == []
    assert found(creator="alice") == [2]
    assert found(direction="asc") == [1, 2, 3]
    assert found(state="closed") == []


def test_comments_are_added_edited_and_listed_oldest_first(github, repository):
    issue = repository.create_issue("T")
    comment = issue.create_comment("One")
    github.comment(1, "alice", "Two")
    comment.edit("Changed")
    listed = [(c.user.login, c.body) for c in issue.get_comments()]
    assert listed == [(APP_BOT, "Changed"), ("alice", "Two")]
    assert issue.get_comment(comment.id).body == "Changed"
    assert repository.get_issue(1).comments == 2
    refused(lambda: issue.create_comment(" "), 422, "cannot be blank")
    refused(lambda: comment.edit("x" * 65_537), 422, "65536 characters")
    refused(lambda: issue.get_comment(1), 404, "Not Found")


def test_nobody_but_a_writer_edits_another_ones_words(github, repository):
    repository.create_issue("T")
    number = github.comment(1, "alice", "Mine")["id"]
    github.add_person("reader", "read")
    body = {"body": "Yours"}
    own = github.comment(1, "reader", "Own")["id"]
    github.act("reader", "PATCH", f"/issues/comments/{own}", body)
    path = f"/issues/comments/{number}"
    refused(lambda: github.act("reader", "PATCH", path, body), 403, "push access")
    refused(lambda: github.close(1, "reader"), 403, "triage access")
    github.act("octo", "PATCH", path, body)


def test_labels_are_made_once_whatever_their_case_and_come_with_their_use(github, repository):
    repository.create_label("Retrain", "ff0000", "A retrain")
    refused(lambda: repository.create_label("retrain", "ff0000"), 422, "already_exists")
    refused(lambda: repository.create_label("x" * 51, "ff0000"), 422, "invalid")
    refused(lambda: repository.get_label("missing"), 404, "Not Found")
    assert repository.get_label("RETRAIN").color == "ff0000"
    repository.create_issue("T")
    labels = {"labels": ["retrain", "model: ünïcode"]}
    github.act(APP_BOT, "POST", "/issues/1/labels", labels)
    github.act(APP_BOT, "POST", "/issues/1/labels", labels)
    names = [label.name for label in repository.get_issue(1).get_labels()]
    assert names == ["Retrain", "model: ünïcode"]
    assert {label.name for label in repository.get_labels()} == set(names)
    repository.get_issue(1).remove_from_labels("model: ünïcode")
    refused(lambda: repository.get_issue(1).remove_from_labels("missing"), 404, "does not exist")
    repository.get_issue(1).edit(labels=["other"])
    assert [label.name for label in repository.get_issue(1).labels] == ["other"]


def test_who_cannot_be_assigned_is_left_out_without_a_word(github, repository):
    issue = repository.create_issue("T")
    issue.add_to_assignees("alice", "nobody")
    issue.add_to_assignees("alice")
    assert [user.login for user in repository.get_issue(1).assignees] == ["alice"]


def test_a_list_comes_in_pages_with_links_to_the_others(github, repository):
    issue = repository.create_issue("T")
    for number in range(7):
        github.comment(1, "alice", f"{number}")
    repository.requester.per_page = 3
    assert [c.body for c in issue.get_comments()] == [str(number) for number in range(7)]
    asked = [r.path for r in github.requests_of(APP_BOT) if "comments" in r.path]
    assert len(asked) == 3
    url = f"{github.world.api}/issues/1/comments?per_page=3&page=2"
    headers = {"Authorization": f"Bearer {github.token_for('alice')}"}
    links = requests.get(url, headers=headers, timeout=5).links
    assert {name: link["url"][-1] for name, link in links.items()} == {
        "prev": "1",
        "next": "3",
        "last": "3",
        "first": "1",
    }


def test_what_has_changed_since_is_told(github, repository):
    now = datetime(2013, 7, 2, tzinfo=UTC)
    github.world.clock = lambda: now
    repository.create_issue("Old")
    repository.create_issue("Touched")
    now += timedelta(hours=1)
    github.comment(2, "alice", "New")
    found = repository.get_issues(since=now)
    assert [(issue.number, issue.updated_at) for issue in found] == [(2, now)]
