"""The stand-in is worth trusting only if it finds what does not fit GitHub's description."""

import pytest
import requests

from tests.servers import github_recorder
from tests.servers.github_recorder import TOKEN, Answer, secondary_limit

PATH = "/repos/octo/model/dispatches"


@pytest.fixture
def recorder():
    with github_recorder.running() as server:
        yield server


def post(recorder, body, path=PATH):
    headers = {"Authorization": f"token {TOKEN}"}
    return requests.post(recorder.url + path, json=body, headers=headers, timeout=5)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"event_type": "x" * 101},
        {"event_type": 7},
        {"event_type": "x", "client_payload": {str(i): i for i in range(11)}},
    ],
)
def test_a_request_that_github_does_not_describe_is_refused_and_noted(recorder, body):
    assert post(recorder, body).status_code == 422
    assert recorder.dispatches == []
    assert "Request body validation error" in recorder.violations[0]


def test_an_answer_that_github_does_not_describe_is_noted(recorder):
    recorder.route("GET", "/repos/{owner}/{repo}/actions/runs/{run_id}", lambda _: Answer(200, {}))
    recorder._routes.reverse()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"{recorder.url}/repos/octo/model/actions/runs/1"
    assert requests.get(url, headers=headers, timeout=5).status_code == 200
    assert "answer 200 to GET" in recorder.violations[0]


def test_an_endpoint_that_is_not_in_the_description_is_noted(recorder):
    assert post(recorder, {}, "/repos/octo/model/hooks").status_code == 422
    assert "Path not found" in recorder.violations[0]


def test_a_request_before_retry_after_is_noted(recorder):
    recorder.next_answers.append(secondary_limit(60))
    assert post(recorder, {"event_type": "x"}).status_code == 403
    assert recorder.violations == []
    assert post(recorder, {"event_type": "x"}).status_code == 204
    assert "came before its Retry-After" in recorder.violations[0]


def test_the_stand_in_takes_no_token_but_its_own(recorder):
    assert (
        requests.post(recorder.url + PATH, json={"event_type": "x"}, timeout=5).status_code == 401
    )
