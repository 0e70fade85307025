import json
import socket
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import requests
import uvicorn
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures
from starlette.requests import ClientDisconnect

from pipeline.serving.app import MAX_BODY_BYTES, make_app
from pipeline.serving.model import ServedModel
from tests.servers.binaries import wait_for

DIGEST = "sha256:" + "3f2a9c1d8e4b" + "0" * 52
AS_OF = datetime(2013, 7, 2, tzinfo=UTC)
VERSION = f"2013-07-02-{DIGEST[7:19]}"
SCHEMA = {
    "properties": {
        "hour": {"type": "integer", "x-kind": "integer"},
        "carrier": {"type": ["string", "null"], "x-kind": "category", "x-categories": ["AA"]},
    },
    "x-order": ["hour", "carrier"],
}
ROW = {"hour": 12, "carrier": "AA"}


class Estimator:
    """Scores an hour as its share of the day, and breaks where it is told to."""

    is_broken = False

    def predict_proba(self, frame):
        if self.is_broken:
            raise RuntimeError("a secret of the model")
        score = frame["hour"].to_numpy() / 24
        return np.column_stack([1 - score, score])


@contextmanager
def serving(estimator, schema=SCHEMA, **options):
    served = ServedModel("flight-delay", DIGEST, AS_OF, 0.5, schema, estimator)
    config = uvicorn.Config(make_app(served, **options), lifespan="off", log_level="critical")
    server, listener = uvicorn.Server(config), socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.fixture
def estimator():
    return Estimator()


@pytest.fixture
def url(estimator):
    with serving(estimator) as address:
        yield address


def post(url, value, path="/predict"):
    body = value if isinstance(value, bytes) else json.dumps(value)
    return requests.post(url + path, data=body, timeout=10)


def counted(url):
    lines = requests.get(f"{url}/metrics", timeout=10).text.splitlines()
    samples = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    found = {}
    for name, value in samples:
        assert f'model_version="{VERSION}"' in name
        code = next((c for c in ("2xx", "4xx", "5xx") if f'code="{c}"' in name), "")
        if "_bucket" not in name:
            found[name.partition("{")[0] + code] = float(value)
    return found


def test_each_row_is_scored_in_order_and_answered_by_the_threshold(url):
    answer = post(url, {"rows": [{**ROW, "hour": hour} for hour in (6, 12, 18)]})
    assert answer.json() == {
        "model_version": VERSION,
        "scores": [0.25, 0.5, 0.75],
        "answers": [False, True, True],
    }
    assert answer.headers["x-model-version"] == VERSION


def test_what_never_happened_is_counted_as_0_from_the_start(url):
    found = counted(url)
    for name in ("model_requests_total2xx", "model_requests_total4xx", "model_requests_total5xx"):
        assert found.pop(name) == 0
    assert found.pop("model_newest_outcome_timestamp_seconds") == 0
    assert found.pop("model_labelled_total") == found.pop("model_correct_total") == 0
    assert found.pop("model_request_seconds_count") == 0
    assert found.pop("model_predictions_total") == found.pop("model_request_seconds_sum") == 0
    assert found == {}


def test_requests_are_counted_by_the_class_of_their_answer(url, estimator):
    post(url, {"rows": [ROW, ROW]})
    post(url, {"rows": []})
    estimator.is_broken = True
    broken = post(url, {"rows": [ROW]})
    assert broken.status_code == 500
    assert "secret" not in broken.text
    assert broken.headers["x-model-version"] == VERSION
    found = counted(url)
    codes = [found[f"model_requests_total{code}"] for code in ("2xx", "4xx", "5xx")]
    assert codes == [1, 1, 1]
    assert found["model_predictions_total"] == 2
    assert found["model_request_seconds_count"] == 3


def test_a_score_that_is_no_number_is_a_500(url):
    def nothing(frame):
        return np.full((len(frame), 2), np.nan)

    estimator = Estimator()
    estimator.predict_proba = nothing
    with serving(estimator) as other:
        assert post(other, {"rows": [ROW]}).status_code == 500
        assert counted(other)["model_requests_total5xx"] == 1


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "expected JSON"),
        (b"\xff", 400, "expected JSON"),
        (b"[" * 100_000, 400, "expected JSON"),
        (b"x" * (MAX_BODY_BYTES + 1), 413, "at most"),
        ([], 422, "rows: expected 1 to"),
        ({"rows": {}}, 422, "rows: expected 1 to"),
        ({"rows": [1]}, 422, "rows: expected 1 to"),
        ({"rows": [{}] * 10_001}, 422, "rows: expected 1 to"),
        ({"rows": [{"carrier": "AA"}]}, 422, "hour: missing"),
        ({"rows": [{**ROW, "hour": 1.5}]}, 422, "whole numbers"),
        ({"rows": [{**ROW, "hour": {"a": [1]}}]}, 422, "hour"),
        ({"rows": [{**ROW, "hour": None}]}, 422, "null"),
        ({"rows": [{**ROW, "hour": 10**400}]}, 422, "too large"),
        ({"rows": [{**ROW, "hour": 2**63}]}, 422, "hour: found 9223372036854775808 in 1 row"),
        ({"rows": [{**ROW, "hour": -(2**63) - 1025}]}, 422, "whole numbers of 64 bits"),
        ({"rows": [{**ROW, "hour": 2**64}, ROW]}, 422, "whole numbers of 64 bits"),
        ({"rows": [{**ROW, "hour": "9223372036854775808"}]}, 422, "whole numbers of 64 bits"),
        ({"rows": [{**ROW, "hour": 1e19}]}, 422, "whole numbers of 64 bits"),
        ({"rows": [{**ROW, "hour": 1e39}]}, 422, "numbers up to 3.4e+38"),
        ({"rows": [{**ROW, "hour": "\ud800"}]}, 422, "\\ud800"),
        ({"rows": [{**ROW, "carrier": "\ud800"}]}, 422, "\\ud800"),
        ({"rows": [{**ROW, "\ud800": 1}]}, 422, "\\ud800"),
        ({"rows": [{**ROW, "hour": json.loads("[" * 900 + "]" * 900)}]}, 422, "hour"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_with_the_reason(url, body, status, words):
    answer = post(url, body)
    assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text
    assert counted(url)["model_requests_total4xx"] == 1


@pytest.mark.parametrize("error", [OverflowError, UnicodeError, RecursionError, ClientDisconnect])
def test_whatever_a_model_raises_is_no_fault_of_the_asker(estimator, url, error):
    def broken(_):
        raise error

    estimator.predict_proba = broken
    assert post(url, {"rows": [ROW]}).status_code == 500
    assert counted(url)["model_requests_total5xx"] == 1


@pytest.fixture(scope="module")
def wide():
    """Forests on one number: as it is, squared twice, and with an infinity made of every zero."""
    X = pd.DataFrame({"distance": np.arange(200.0)})
    schema = {
        "properties": {"distance": {"type": ["number", "null"], "x-kind": "number"}},
        "x-order": ["distance"],
    }
    found = {}
    with np.errstate(divide="ignore", over="ignore"):
        for name, step in {
            "plain": "passthrough",
            "powers": PolynomialFeatures(4),
            "broken": FunctionTransformer(lambda frame: 1 / frame),
        }.items():
            model = make_pipeline(step, RandomForestClassifier(3, random_state=0))
            found[name] = model.fit(X.iloc[1:], X.iloc[1:, 0] > 100)
        yield lambda name: serving(found[name], schema=schema)


@pytest.mark.parametrize(
    ("name", "number", "status"),
    [
        ("plain", 1e300, 422),
        ("plain", 3.3e38, 200),
        ("powers", 1e30, 422),
        ("powers", 1e7, 200),
        ("broken", 0.0, 500),
        ("broken", 1e30, 200),
    ],
)
def test_no_number_of_an_asker_makes_a_model_look_broken(wide, name, number, status):
    with wide(name) as url:
        assert post(url, {"rows": [{"distance": number}]}).status_code == status
        assert counted(url)["model_requests_total5xx"] == (status == 500)


def test_a_model_that_makes_an_infinity_of_a_sound_row_is_broken_beside_a_huge_one(wide):
    with wide("broken") as url:
        assert post(url, {"rows": [{"distance": 0.0}, {"distance": 1e30}]}).status_code == 500


def begun(url, path="/predict"):
    """A connection that announced a body and sent less of it."""
    host, _, port = url.rpartition("/")[2].partition(":")
    connection = socket.create_connection((host, int(port)))
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n"
    connection.sendall(head.encode() + b'{"rows": [')
    return connection


@pytest.mark.parametrize("path", ["/predict", "/feedback"])
def test_an_asker_who_goes_away_is_no_error_of_the_model_and_has_no_latency(url, path):
    for _ in range(3):
        connection = begun(url, path)
        time.sleep(0.05)
        connection.close()
    expected = 3 if path == "/predict" else 0
    wait_for(lambda: counted(url)["model_requests_total4xx"] == expected, 10)
    found = counted(url)
    assert found["model_requests_total5xx"] == found["model_request_seconds_count"] == 0


def test_a_body_that_does_not_come_is_not_waited_for(estimator):
    with serving(estimator, body_seconds=0.2) as url, begun(url) as connection:
        assert connection.recv(20).startswith(b"HTTP/1.1 408")
        found = counted(url)
        assert (found["model_requests_total4xx"], found["model_request_seconds_count"]) == (1, 0)


def test_the_time_that_a_body_takes_is_not_the_models(url):
    host, _, port = url.rpartition("/")[2].partition(":")
    body = json.dumps({"rows": [ROW]}).encode()
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode())
        time.sleep(1)
        connection.sendall(body)
        assert connection.recv(20).startswith(b"HTTP/1.1 200")
    found = counted(url)
    assert found["model_request_seconds_count"] == 1
    assert found["model_request_seconds_sum"] < 0.9


def test_feedback_counts_what_was_right(url):
    outcomes = [{"answer": True, "label": True}, {"answer": False, "label": True}]
    answer = post(url, {"model_version": VERSION, "outcomes": outcomes}, "/feedback")
    assert answer.json() == {"labelled": 2, "correct": 1}
    found = counted(url)
    assert (found["model_labelled_total"], found["model_correct_total"]) == (2, 1)
    assert found["model_requests_total2xx"] == 0  # no prediction was asked for


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model_version": "another", "outcomes": [{"answer": True, "label": True}]}, 409),
        ({"model_version": VERSION, "outcomes": [{"answer": 1, "label": True}]}, 422),
        ({"model_version": VERSION, "outcomes": [{"answer": True}]}, 422),
        ({"model_version": VERSION}, 422),
    ],
)
def test_feedback_on_another_model_or_without_a_truth_counts_nothing(url, body, status):
    assert post(url, body, "/feedback").status_code == status
    assert counted(url)["model_labelled_total"] == 0


NOW = datetime(2013, 7, 4, 12, tzinfo=UTC)


@pytest.fixture
def patient(estimator):
    """A server whose labels need a day to mature, at a time that stands still."""
    with serving(estimator, maturity=timedelta(days=1), clock=lambda: NOW) as url:
        yield url


def outcomes_at(*times):
    answers = [{"answer": True, "label": True, "answered_at": time} for time in times]
    return {"model_version": VERSION, "outcomes": answers}


def test_only_outcomes_that_had_time_to_mature_are_counted(patient):
    mature = outcomes_at("2013-07-03T12:00:00Z", "2013-07-02T08:00:00")
    assert post(patient, mature, "/feedback").json() == {"labelled": 2, "correct": 2}
    early = outcomes_at("2013-07-02T08:00:00Z", "2013-07-03T12:00:01Z")
    refused = post(patient, early, "/feedback")
    assert refused.status_code == 425
    assert "1 of 2 outcomes were answered after 2013-07-03T12:00:00Z" in refused.json()["error"]
    assert counted(patient)["model_labelled_total"] == 2
    newest = counted(patient)["model_newest_outcome_timestamp_seconds"]
    assert newest == datetime(2013, 7, 3, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("times", [[None], ["2013-07-02T08:00:00Z", None], ["soon"], [5], [[]]])
def test_an_outcome_that_does_not_say_when_it_was_answered_is_not_believed(patient, times):
    assert post(patient, outcomes_at(*times), "/feedback").status_code == 422
    assert counted(patient)["model_labelled_total"] == 0


@pytest.mark.parametrize("time", ["2013-07-04T12:01:01Z", "9999-12-31T23:59:59-14:00"])
def test_an_outcome_of_the_future_is_not_believed(estimator, time):
    with serving(estimator, clock=lambda: NOW) as url:
        refused = post(url, outcomes_at("2013-07-03T12:00:00Z", time), "/feedback")
        assert (refused.status_code, "in the past" in refused.text) == (422, True)
        assert counted(url)["model_newest_outcome_timestamp_seconds"] == 0
        assert counted(url)["model_labelled_total"] == 0
        ahead = outcomes_at("2013-07-04T12:01:00Z")  # a clock that is a minute ahead
        assert post(url, ahead, "/feedback").json() == {"labelled": 1, "correct": 1}


def test_health_names_the_digest(url):
    assert requests.get(f"{url}/healthz", timeout=10).json() == {
        "model": "flight-delay",
        "digest": DIGEST,
    }
