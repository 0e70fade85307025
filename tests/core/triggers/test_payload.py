import json
import random
from datetime import UTC, datetime, timedelta, timezone

import pytest

from pipeline.core.inert import printable, quote
from pipeline.core.triggers.ledger import Event, Ledger
from pipeline.core.triggers.payload import (
    AlertPayload,
    RetrainPayload,
    parse_payload,
    payload_to_json,
)
from pipeline.core.triggers.retrains import plan_retrain
from pipeline.errors import ConfigurationError
from pipeline.trigger_config import Pacing
from tests.core.hostile import TEXTS, nested, scalar

MODELS = ("flight-delay", "churn")
ALERT = {
    "schema": 1,
    "model": "flight-delay",
    "trigger": "performance_degradation",
    "window": "alert/0123456789abcdef",
    "reason": "accuracy 0.61 is below 0.70 — for two weeks",
    "starts_at": "2013-07-02T00:00:00.25Z",
}
RETRAIN = {"schema": 1, "model": "flight-delay", "retrain": "flight-delay-0007"}


def refusal(event_type, value, models=MODELS):
    with pytest.raises(ConfigurationError) as caught:
        parse_payload(event_type, value, models=models)
    assert len(str(caught.value)) <= 2_000
    assert str(caught.value).isascii()
    return caught.value


def test_a_retrain_names_its_model_and_its_id_in_the_ledger():
    parsed = parse_payload("retrain", RETRAIN, models=MODELS)
    assert parsed == RetrainPayload("flight-delay", "flight-delay-0007")
    assert payload_to_json(parsed) == RETRAIN


def test_the_id_that_the_ledger_gives_a_retrain_is_one_that_a_payload_may_name():
    at = datetime(2013, 7, 2, tzinfo=UTC)
    fired = Event("flight-delay", "sha256:a", "data_drift", "a week", "high", "why", at)
    ledger = Ledger(events=(fired,))
    plan = plan_retrain(ledger, Pacing(), model="flight-delay", champion="sha256:a", at=at)
    value = payload_to_json(RetrainPayload("flight-delay", plan.dispatch.id))
    assert parse_payload("retrain", value, models=MODELS).retrain == "flight-delay-0001"


def test_an_alert_comes_back_as_it_was_written():
    parsed = parse_payload("alert", ALERT, models=MODELS)
    assert parsed == AlertPayload(
        model="flight-delay",
        trigger="performance_degradation",
        window="alert/0123456789abcdef",
        reason="accuracy 0.61 is below 0.70 — for two weeks",
        starts_at=datetime(2013, 7, 2, 0, 0, 0, 250_000, UTC),
    )
    assert parse_payload("alert", payload_to_json(parsed), models=MODELS) == parsed
    urgent = {**ALERT, "priority": "high"}
    assert parse_payload("alert", urgent, models=MODELS).priority == "high"


def test_a_time_with_another_zone_and_nanoseconds_is_read_as_utc():
    value = {**ALERT, "starts_at": "2013-07-01T20:00:00.250000999-04:00"}
    assert parse_payload("alert", value, models=MODELS) == parse_payload(
        "alert", ALERT, models=MODELS
    )


@pytest.mark.parametrize(
    "text",
    [
        "2013-07-02",
        "2013-07-02T00:00:00",
        "2013-02-30T00:00:00Z",
        "2013-07-02T24:30:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2013-07-02T00:00:00Z\n",
        "٢٠١٣-07-02T00:00:00Z",
        1372723200,
    ],
)
def test_a_time_that_is_none_is_refused(text):
    assert "starts_at: found" in str(refusal("alert", {**ALERT, "starts_at": text}))


def test_a_payload_written_from_another_zone_says_utc():
    parsed = parse_payload("alert", ALERT, models=MODELS)
    local = parsed.starts_at.astimezone(timezone(timedelta(hours=2)))
    value = payload_to_json(
        AlertPayload(parsed.model, parsed.trigger, parsed.window, parsed.reason, local)
    )
    assert value["starts_at"] == "2013-07-02T00:00:00.250000Z"


@pytest.mark.parametrize("trigger", ["manual_retrain", "scheduled_retrain", "MANUAL_RETRAIN", ""])
def test_an_alert_cannot_speak_for_a_person_or_the_calendar(trigger):
    assert "trigger: found" in str(refusal("alert", {**ALERT, "trigger": trigger}))


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "   ",
        "a" * 501,
        "two\nlines",
        "carriage\rreturn",
        "bell\a",
        "nul\0",
        "\x1b[31mred",
        "right-to-left \u202e override",
        "isolate \u2066 x",
        "zero\u200bwidth",
        "line\u2028separator",
        "surrogate \ud800",
        "\ufeffmark",
    ],
)
def test_a_reason_that_could_hide_or_break_a_line_is_refused(reason):
    assert refusal("alert", {**ALERT, "reason": reason}).faults[0].startswith("reason: found '")


@pytest.mark.parametrize(
    "retrain",
    [
        "flight-delay-7",
        "flight-delay-0000",
        "flight-delay-00007",
        "flight-delay-0007\n",
        "flight-delay-٠٠٠٧",
        "churn-0007",
        "flight-delay-0007;reboot",
        7,
        None,
    ],
)
def test_only_an_id_as_the_ledger_gives_it_to_this_model_is_taken(retrain):
    error = refusal("retrain", {**RETRAIN, "retrain": retrain})
    assert "expected the id of a retrain, such as flight-delay-0001" in str(error)


def test_after_retrain_9999_comes_10000():
    value = {**RETRAIN, "retrain": "flight-delay-10000"}
    assert parse_payload("retrain", value, models=MODELS).retrain == "flight-delay-10000"


def test_all_faults_are_told_at_once():
    error = refusal("alert", {"schema": True, "model": "x", "window": "alert/XYZ", "extra": 1})
    assert str(error) == (
        "repository_dispatch client_payload: 7 faults to mend\n"
        "  - unknown keys 'extra', expected only schema, model, trigger, window, reason, "
        "starts_at, priority\n"
        "  - schema: found true, expected the number 1\n"
        "  - model: found 'x', expected one of 'churn', 'flight-delay'\n"
        "  - trigger: missing, expected one of performance_degradation, concept_drift, "
        "data_drift, new_data_volume\n"
        "  - window: found 'alert/XYZ', expected alert/ and 16 hex digits\n"
        "  - reason: missing, expected 1 to 500 printable characters\n"
        "  - starts_at: missing, expected a time such as 2013-07-02T00:00:00Z"
    )


def test_more_than_ten_keys_are_refused():
    error = refusal("retrain", {**RETRAIN, **{f"k{i}": i for i in range(8)}})
    assert "found 11 keys, expected at most 10" in str(error)


def test_64_kilobytes_are_one_byte_too_many():
    def padded(size):
        room = size - len(json.dumps({**RETRAIN, "pad": ""}))
        return {**RETRAIN, "pad": "x" * room}

    assert "65536 bytes" in str(refusal("retrain", padded(65_536)))
    assert "bytes" not in str(refusal("retrain", padded(65_535)))


def test_the_message_stays_short_with_hundreds_of_models_and_faults():
    models = [f"{'m' * 60}-{i}" for i in range(500)]
    hostile = {f"{i}" + "\u202e" * 200: "\0" * 10_000 for i in range(5_000)}
    hostile |= dict.fromkeys(ALERT, "\u202e" * 10_000)
    refusal("alert", hostile, models)


def test_an_unknown_event_is_refused_whatever_it_carries():
    for event_type in ("deploy", "", None, 1, ["alert"], "alert\n", "x" * 10**6):
        assert "expected retrain or alert" in str(refusal(event_type, ALERT))


def test_hostile_text_is_quoted_in_one_short_line_of_ascii():
    assert quote("a\n\u202eb") == r"'a\n\u202eb'"
    assert len(quote("\u202e" * 10**6)) == 60
    assert quote(10**5_000).startswith("a number of")
    assert printable("a\n\u202eb ", 20) == r"a\n\u202eb"
    assert printable("x" * 501, 500) == "x" * 497 + "..."
    assert len(printable("\n".join("x" * 250), 500)) == 500
    assert [quote(v) for v in (None, True, 0.5, 7)] == ["null", "true", "0.5", "7"]
    assert [quote(v) for v in ({1: 2}, [1], object())] == [
        "an object of 1 keys",
        "a list of 1 items",
        "a object",
    ]


# ---------------------------------------------------------------- ten thousand hostile payloads


def hostile(rng):
    """A payload that is wrong in one field or in many, or is no object at all."""
    event_type, good = rng.choice([("alert", ALERT), ("retrain", RETRAIN)])
    kind = rng.randrange(6)
    if kind == 0:
        return event_type, rng.choice([scalar, nested])(rng)
    if kind == 1:
        return rng.choice(TEXTS), good
    value = dict(good)
    if kind == 2:
        del value[rng.choice(list(value))]
    elif kind == 3:
        value |= {rng.choice(TEXTS): scalar(rng) for _ in range(rng.choice([1, 2, 20]))}
    else:
        for name in rng.sample(list(value), rng.randrange(1, len(value) + 1)):
            value[name] = rng.choice([scalar, scalar, nested])(rng)
        value["schema"] = value["schema"] if type(value["schema"]) is not int else True
    return event_type, value


def test_each_of_10000_hostile_payloads_gets_one_clear_refusal():
    rng = random.Random(20130702)  # noqa: S311 (a seed, not a secret)
    for _ in range(10_000):
        event_type, value = hostile(rng)
        error = refusal(event_type, value)
        assert 1 <= len(error.faults) <= 10
        assert all(line.startswith("  - ") for line in str(error).split("\n")[1:])
