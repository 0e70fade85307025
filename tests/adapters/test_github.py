import subprocess
import sys
import time

import pytest
import requests

from pipeline.adapters.github import Busy, GitHub, Patience, Refused, RunPeople
from pipeline.errors import ConfigurationError, OutsideError
from tests.servers import github_recorder
from tests.servers.github_recorder import (
    BROKEN,
    DROPPED,
    INVALID,
    SERVER_NAME,
    TAKEN_AND_DROPPED,
    TOKEN,
    Answer,
    secondary_limit,
)
from tests.servers.ports import free_port

HASTY = Patience(attempts=3, first_wait_seconds=0.01, longest_wait_seconds=2, timeout_seconds=5)
PAYLOAD = {"schema": 1, "model": "flight-delay", "retrain": "flight-delay-0001"}
SENT = {"event_type": "retrain", "client_payload": PAYLOAD}


@pytest.fixture
def recorder():
    with github_recorder.running() as server:
        yield server
    assert server.violations == []


@pytest.fixture
def github(recorder):
    return GitHub("octo/model", TOKEN, recorder.url, patience=HASTY)


def test_a_dispatch_arrives_as_github_describes_it(github, recorder):
    github.dispatch("retrain", PAYLOAD)
    assert recorder.dispatches == [SENT]
    (request,) = recorder.requests
    assert (request.method, request.path) == ("POST", "/repos/octo/model/dispatches")


def test_every_answer_of_the_stand_in_says_that_it_is_one(recorder):
    answer = requests.get(f"{recorder.url}/repos/octo/model/actions/runs/1", timeout=5)
    assert answer.status_code == 401
    assert SERVER_NAME in answer.headers["Server"]


@pytest.mark.parametrize("fault", [BROKEN, DROPPED, secondary_limit(0)])
def test_what_passes_by_itself_is_tried_again(github, recorder, fault):
    recorder.next_answers.extend([fault, fault])
    github.dispatch("retrain", PAYLOAD)
    assert recorder.dispatches == [SENT]
    assert len(recorder.requests) == 3


def test_the_wait_that_github_asks_for_is_kept(github, recorder):
    recorder.next_answers.append(secondary_limit(1))
    github.dispatch("retrain", PAYLOAD)
    assert recorder.dispatches == [SENT]  # and a request that came too early is a violation


def test_a_connection_that_broke_after_the_request_means_twice_rather_than_never(github, recorder):
    recorder.next_answers.append(TAKEN_AND_DROPPED)
    github.dispatch("retrain", PAYLOAD)
    assert recorder.dispatches == [SENT, SENT]


def test_tries_are_bounded_and_the_error_says_what_to_do(github, recorder):
    recorder.next_answers.extend([BROKEN] * 9)
    with pytest.raises(OutsideError, match=r"answered 500 \(Server Error\). Run again later."):
        github.dispatch("retrain", PAYLOAD)
    assert len(recorder.requests) == 3


def test_a_limit_that_asks_for_more_than_the_longest_wait_is_told_at_once(github, recorder):
    recorder.next_answers.append(secondary_limit(90))
    with pytest.raises(Busy) as caught:
        github.dispatch("retrain", PAYLOAD)
    assert caught.value.retry_after_seconds == 90
    assert len(recorder.requests) == 1


def test_a_limit_without_a_time_asks_for_a_minute(github, recorder):
    recorder.next_answers.append(secondary_limit(None))
    with pytest.raises(Busy) as caught:
        github.dispatch("retrain", PAYLOAD)
    assert caught.value.retry_after_seconds == 60


def test_a_used_up_quota_is_waited_for_until_its_reset(github, recorder):
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 1000)}
    recorder.next_answers.append(Answer(403, {"message": "API rate limit exceeded"}, headers))
    with pytest.raises(Busy) as caught:
        github.dispatch("retrain", PAYLOAD)
    assert 900 < caught.value.retry_after_seconds <= 1002


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (INVALID, Refused, "repeating it does not help"),
        (Answer(403, {"message": "Resource not accessible"}), OutsideError, "lacks a permission"),
        (Answer(404, {"message": "Not Found"}), OutsideError, "Check the repository's name"),
        (Answer(401, {"message": "Bad credentials"}), OutsideError, "set another one"),
        (Answer(307, {"message": "Moved"}), OutsideError, "has moved"),
    ],
)
def test_a_final_answer_is_an_error_at_once(github, recorder, answer, kind, words):
    recorder.next_answers.append(answer)
    with pytest.raises(OutsideError, match=words) as caught:
        github.dispatch("retrain", PAYLOAD)
    assert type(caught.value) is kind
    assert len(recorder.requests) == 1


def test_a_slow_github_is_given_up_on(recorder):
    recorder.next_answers.append(Answer(delay_seconds=2))
    hasty = Patience(attempts=1, timeout_seconds=1)
    github = GitHub("octo/model", TOKEN, recorder.url, patience=hasty)
    with pytest.raises(OutsideError, match="got no answer in 1 tries"):
        github.dispatch("retrain", PAYLOAD)


@pytest.mark.parametrize(
    ("event_type", "payload", "words"),
    [
        ("x" * 101, PAYLOAD, "101 characters"),
        ("", PAYLOAD, "0 characters"),
        ("retrain", {str(i): i for i in range(11)}, "11 top-level keys"),
        ("retrain", {"pad": "x" * 65_526}, "65537 bytes"),
        ("retrain", {"x": float("nan")}, "not JSON"),
    ],
)
def test_what_github_would_refuse_is_not_sent(github, recorder, event_type, payload, words):
    with pytest.raises(Refused, match=words):
        github.dispatch(event_type, payload)
    assert recorder.requests == []


def test_the_limits_themselves_are_allowed(github, recorder):
    pad = {str(i): "" for i in range(9)}
    pad["pad"] = "x" * (65_535 - len(str({**pad, "pad": ""}).replace("'", '"')))
    github.dispatch("x" * 100, pad)
    assert len(recorder.dispatches) == 1


def test_no_error_shows_the_token(recorder):
    echo = Answer(500, {"message": f"you sent {TOKEN}\n\x1b[31mand more"})
    recorder.next_answers.append(echo)
    once = Patience(attempts=1)
    with pytest.raises(OutsideError) as caught:
        GitHub("octo/model", TOKEN, recorder.url, patience=once).dispatch("retrain", PAYLOAD)
    assert TOKEN not in str(caught.value)
    assert "you sent *** [31mand more" in str(caught.value)
    gone = GitHub("octo/model", TOKEN, f"http://127.0.0.1:{free_port()}", patience=once)
    with pytest.raises(OutsideError, match="Check the network") as caught:
        gone.dispatch("retrain", PAYLOAD)
    assert TOKEN not in str(caught.value)


def test_all_faults_of_the_settings_are_told_at_once_and_without_the_token():
    with pytest.raises(ConfigurationError) as caught:
        GitHub("octo", "s3cret\n", "http://api.example.org")
    assert len(caught.value.faults) == 3
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "repository", ["", "octo", "octo/..", "octo/a/b", "octo/m\n", "../x", "o/m?x"]
)
def test_a_repository_is_an_owner_and_a_name(repository):
    with pytest.raises(ConfigurationError, match="expected owner/name"):
        GitHub(repository, TOKEN)


def test_an_enterprise_server_is_asked_below_its_own_path(recorder):
    server = GitHub("octo_corp/m.del", TOKEN, recorder.url + "/api/v3/", patience=HASTY)
    with pytest.raises(OutsideError):
        server.dispatch("retrain", PAYLOAD)
    assert recorder.requests[0].path == "/api/v3/repos/octo_corp/m.del/dispatches"
    recorder.violations.clear()  # the stand-in serves no such path


def test_the_people_of_a_run_are_who_asked_and_who_approved(github, recorder):
    reviews = [("zoe", "approved"), ("ann", "approved"), ("bob", "rejected"), ("ann", "approved")]
    recorder.add_run(7, "eve", "dan", reviews)
    assert github.run_people(7) == RunPeople("eve", "dan", ("ann", "zoe"))


def test_a_run_that_nobody_reviewed_has_no_approvers(github, recorder):
    recorder.add_run(7, "eve", "eve", [])
    assert github.run_people(7).approvers == ()


def test_a_run_that_is_not_there_is_a_clear_error(github, recorder):
    with pytest.raises(OutsideError, match=r"GET /actions/runs/8 of octo/model answered 404"):
        github.run_people(8)


def test_an_answer_without_people_is_a_clear_error(github, recorder):
    recorder.next_answers.extend([Answer(200, {"actor": None}), Answer(200, [])])
    with pytest.raises(OutsideError, match="does not say who it is of"):
        github.run_people(7)


def test_pygithub_is_imported_only_when_it_is_used():
    code = (
        "import sys; from pipeline.adapters.github import GitHub; GitHub('o/r', 'x' * 20); "
        "sys.exit('github' in sys.modules or 'requests' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
