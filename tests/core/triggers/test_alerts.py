import copy
import random
from datetime import UTC, datetime

import pytest

from pipeline.core.triggers.alerts import alert_payloads, labels_fingerprint
from pipeline.core.triggers.payload import parse_payload, payload_to_json
from pipeline.errors import ConfigurationError
from tests.core.hostile import nested, scalar

MODELS = ("flight-delay", "churn")
LABELS = {
    "alertname": "AccuracyLow",
    "model": "flight-delay",
    "trigger": "performance_degradation",
}
ALERTMANAGER = {
    "receiver": "perennial",
    "status": "firing",
    "alerts": [
        {
            "status": "firing",
            "labels": LABELS,
            "annotations": {"summary": "accuracy 0.61 is below 0.70"},
            "startsAt": "2013-07-02T00:00:00.5Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus/graph",
            "fingerprint": "c6eadffa33fcdf37",
        }
    ],
    "groupLabels": {},
    "commonLabels": LABELS,
    "commonAnnotations": {},
    "externalURL": "http://alertmanager",
    "version": "4",
    "groupKey": '{}:{alertname="AccuracyLow"}',
    "truncatedAlerts": 0,
}


def body(*changes, **more):
    """Alertmanager's body with an alert for each of `changes`, changed like that."""
    alert = ALERTMANAGER["alerts"][0]
    return {**ALERTMANAGER, "alerts": [{**alert, **change} for change in changes], **more}


def window(change):
    payloads, refusals = alert_payloads(body(change), MODELS)
    assert refusals == ()
    return payloads[0].window


def refused(change):
    payloads, refusals = alert_payloads(body(change), MODELS)
    assert payloads == ()
    assert len(refusals) == 1
    return refusals[0]


def test_a_firing_alert_becomes_a_payload_that_the_workflow_accepts():
    (payload,), refusals = alert_payloads(ALERTMANAGER, MODELS)
    assert refusals == ()
    assert (payload.model, payload.trigger) == ("flight-delay", "performance_degradation")
    assert payload.reason == "accuracy 0.61 is below 0.70"
    assert payload.starts_at == datetime(2013, 7, 2, 0, 0, 0, 500_000, UTC)
    assert parse_payload("alert", payload_to_json(payload), models=MODELS) == payload


def test_grafanas_body_reads_alike_and_its_extras_do_not_matter():
    grafana = copy.deepcopy(ALERTMANAGER) | {
        "version": "1",
        "orgId": 1,
        "title": "[FIRING:1] AccuracyLow",
        "state": "alerting",
        "message": "**Firing**",
    }
    grafana["alerts"][0] |= {
        "startsAt": "2013-07-02T02:00:00.5+02:00",
        "silenceURL": "http://grafana/alerting/silence/new",
        "dashboardURL": "",
        "panelURL": "",
        "values": {"B": 0.61},
        "valueString": "[ var='B' labels={} value=0.61 ]",
    }
    assert alert_payloads(grafana, MODELS) == alert_payloads(ALERTMANAGER, MODELS)


def test_grafanas_alert_about_missing_data_asks_for_no_retrain():
    for name in ("DatasourceNoData", "DatasourceError"):
        line = refused({"labels": {**LABELS, "alertname": name}})
        assert line.startswith(f"alert 0 ('{name}'): the monitor could not judge")


def test_a_resolved_alert_is_neither_an_event_nor_a_fault():
    assert alert_payloads(body({"status": "resolved"}), MODELS) == ((), ())


def test_repeats_of_one_alert_are_one_event_and_a_later_firing_is_another():
    first = window({})
    assert window({"endsAt": "2013-07-03T00:00:00Z", "annotations": {}}) == first
    assert window({"startsAt": "2013-07-05T00:00:00Z"}) != first
    assert window({"fingerprint": "0000000000000001"}) != first
    assert len(alert_payloads(body({}, {}, {}), MODELS)[0]) == 1


def test_one_fingerprint_for_two_models_still_means_two_events():
    other = {"labels": {**LABELS, "model": "churn"}}
    assert len({p.window for p in alert_payloads(body({}, other), MODELS)[0]}) == 2


def test_without_a_fingerprint_the_labels_tell_alerts_apart():
    assert window({"fingerprint": None}) == window({"fingerprint": labels_fingerprint(LABELS)})
    assert window({"fingerprint": None, "labels": {**LABELS, "instance": "b"}}) != window(
        {"fingerprint": None}
    )


def test_the_computed_fingerprint_is_alertmanagers_own():
    # the empty label set is FNV-1a's offset basis; the other was read from Alertmanager 0.25's API
    assert labels_fingerprint({}) == "cbf29ce484222325"
    assert labels_fingerprint(LABELS) == "d584f58aa0f244b3"


def test_a_bad_alert_is_refused_and_the_good_one_beside_it_goes_on():
    payloads, refusals = alert_payloads(body({"labels": {"alertname": "Disk"}}, {}), MODELS)
    assert len(payloads) == 1
    assert len(refusals) == 1
    assert refusals[0].startswith("alert 0 ('Disk'): model: missing, expected one of 'churn', ")
    assert "; trigger: missing, expected one of performance_degradation" in refusals[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": {**LABELS, "model": "../x"}}, "model: found '../x'"),
        ({"labels": {**LABELS, "trigger": "manual_retrain"}}, "trigger: found 'manual_retrain'"),
        ({"labels": {**LABELS, "priority": "urgent"}}, "priority: found 'urgent'"),
        ({"labels": [1]}, "model: missing"),
        ({"startsAt": None}, "starts_at: missing"),
        ({"startsAt": "yesterday\n"}, r"starts_at: found 'yesterday\n'"),
        ({"status": "pending"}, "status: found 'pending', expected firing or resolved"),
    ],
)
def test_a_refusal_says_what_was_found_and_what_was_expected(change, words):
    assert words in refused(change)


def test_annotations_that_could_break_a_line_are_escaped_and_cut():
    def reason(**annotations):
        return alert_payloads(body({"annotations": annotations}), MODELS)[0][0].reason

    assert reason(summary="a\nb\u202e") == r"a\nb\u202e"
    assert reason(description="x" * 900) == "x" * 497 + "..."
    assert reason(summary=" \n") == "AccuracyLow"


def test_alerts_that_the_sender_left_out_are_told():
    assert alert_payloads(body(truncatedAlerts=3), MODELS)[1] == (
        "3 alerts were left out by the sender: set its max_alerts to 0",
    )


@pytest.mark.parametrize("hostile", [None, [], "text", {}, {"alerts": {}}, {"alerts": None}, 7])
def test_a_body_of_another_shape_is_refused_as_a_whole(hostile):
    with pytest.raises(ConfigurationError, match="expected an object with a list of alerts"):
        alert_payloads(hostile, MODELS)


def test_alerts_that_are_no_objects_are_refused_one_by_one():
    payloads, refusals = alert_payloads({"alerts": [None, [[]], 1, "x"]}, MODELS)
    assert payloads == ()
    assert len(refusals) == 4


def test_a_flood_of_bad_alerts_is_told_in_fifty_lines():
    _, refusals = alert_payloads({"alerts": [{}] * 1_000}, MODELS)
    assert len(refusals) == 51
    assert refusals[-1] == "and 950 refusals more"


def test_hostile_bodies_are_read_or_refused_in_short_lines_and_never_crash():
    rng = random.Random(20130702)  # noqa: S311 (a seed, not a secret)
    firing = 0
    for _ in range(3_000):
        alert = copy.deepcopy(ALERTMANAGER["alerts"][0])
        for place in rng.choices([alert, alert["labels"], alert["annotations"]], k=2):
            name = rng.choice(list(place))
            place[name] = rng.choice([scalar, nested])(rng)
            if not isinstance(alert["labels"], dict) or not isinstance(alert["annotations"], dict):
                break
        payloads, refusals = alert_payloads({"alerts": [alert], "truncatedAlerts": 0}, MODELS)
        assert len(payloads) + len(refusals) <= 1
        firing += len(payloads)
        for payload in payloads:
            assert parse_payload("alert", payload_to_json(payload), models=MODELS) == payload
        for line in refusals:
            assert line.isascii()
            assert line.isprintable()
            assert len(line) <= 2_000
    assert firing > 100
