"""The trigger configuration: the protocol's document as it stands, and every mistake said."""

import re
from datetime import time, timedelta
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from pipeline.config import MetricName, parse_section
from pipeline.errors import ConfigurationError
from pipeline.strict_yaml import parse_yaml
from pipeline.trigger_config import (
    DEFAULT_PRIORITIES,
    PRIORITIES,
    TRIGGER_NAMES,
    TriggerConfig,
    is_fraction,
    load_triggers,
)

ROOT = Path(__file__).parent.parent

# Protocol 24, step 1, letter for letter.
PROTOCOL = """\
# retraining/trigger-config.yaml

retraining_triggers:
  # Performance-based triggers
  performance_degradation:
    enabled: true
    metric: accuracy
    threshold: 0.85
    window: 7d
    consecutive_violations: 3
    
  # Drift-based triggers
  data_drift:
    enabled: true
    psi_threshold: 0.2
    affected_features_threshold: 3
    window: 24h
    
  concept_drift:
    enabled: true
    accuracy_drop: 0.05
    f1_drop: 0.05
    window: 7d
    
  # Time-based triggers
  scheduled_retrain:
    enabled: true
    frequency: monthly
    day_of_month: 1
    time: "02:00"
    timezone: "UTC"
    
  # Data-based triggers
  new_data_volume:
    enabled: true
    min_new_samples: 10000
    quality_threshold: 0.95
    
  # Manual trigger
  manual_retrain:
    enabled: true
    requires_approval: true
    approvers: ["ml_lead", "product_owner"]

# Trigger priorities
trigger_priorities:
  critical:
    - concept_drift
    - performance_degradation
  high:
    - data_drift
  medium:
    - new_data_volume
  low:
    - scheduled_retrain
"""  # noqa: W293


def parse(text: str) -> TriggerConfig:
    return parse_section(TriggerConfig, parse_yaml(text, "triggers.yaml"), "triggers.yaml")


def asked_of_prometheus(*metrics: str) -> str:
    """The section that has Prometheus, and not the warehouse, answer for these."""
    queries = ", ".join(f"{name}: figure" for name in metrics)
    source = f"{{rows: rows, labelled: labelled, metrics: {{{queries}}}}}"
    return f"metrics: {{source: prometheus, prometheus: {source}}}\n"


def faults_of(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    return "\n".join(caught.value.faults)


def test_the_document_of_the_protocol_loads_as_it_stands() -> None:
    config = parse(PROTOCOL)
    rules = config.retraining_triggers
    assert rules.performance_degradation.window == timedelta(days=7)
    assert rules.performance_degradation.consecutive_violations == 3
    assert rules.data_drift.window == timedelta(hours=24)
    assert rules.data_drift.affected_features_threshold == 3
    assert (rules.concept_drift.accuracy_drop, rules.concept_drift.f1_drop) == (0.05, 0.05)
    assert rules.scheduled_retrain.time == time(2)
    assert rules.scheduled_retrain.timezone == ZoneInfo("UTC")
    assert rules.new_data_volume.quality_threshold == 0.95
    assert rules.manual_retrain.approvers == ("ml_lead", "product_owner")
    assert config.priority_of("concept_drift") == "critical"
    assert config.priority_of("manual_retrain") == "medium"


def test_the_shipped_configuration_loads_with_all_six_triggers_on() -> None:
    rules = load_triggers(ROOT).retraining_triggers
    assert all(getattr(rules, name).enabled for name in TRIGGER_NAMES)


def test_every_number_of_the_shipped_configuration_has_its_reason_beside_it() -> None:
    lines = (ROOT / "configs" / "triggers.yaml").read_text().splitlines()
    bare = [x for x in lines if re.search(r":\s*[\"\[]?[0-9]", x) and "#" not in x]
    assert bare == []


def test_without_priorities_the_defaults_hold() -> None:
    config = parse("retraining_triggers: {}")
    assert {name: config.priority_of(name) for name in TRIGGER_NAMES} == DEFAULT_PRIORITIES
    assert set(DEFAULT_PRIORITIES.values()) == set(PRIORITIES)


def test_a_listed_priority_wins_over_the_default() -> None:
    config = parse("retraining_triggers: {}\ntrigger_priorities: {low: [concept_drift]}")
    assert config.priority_of("concept_drift") == "low"
    assert config.priority_of("data_drift") == "high"


@pytest.mark.parametrize(
    ("text", "length"),
    [("30m", timedelta(minutes=30)), ("24h", timedelta(days=1)), ("2w", timedelta(days=14))],
)
def test_durations_are_a_number_and_a_unit(text: str, length: timedelta) -> None:
    config = parse(PROTOCOL.replace("window: 24h", f"window: {text}"))
    assert config.retraining_triggers.data_drift.window == length


@pytest.mark.parametrize(
    "text", ["0h", "-1d", "7", "7 d", "1y", "1.5h", "9999999d", "[7d]", "٣d", "null"]
)
def test_anything_else_is_no_duration(text: str) -> None:
    assert "expected a duration such as" in faults_of(PROTOCOL.replace("24h", text))


@pytest.mark.parametrize("text", ["12:30", '"25:00"', '"2:00"', '"02:00:00"', '"02:60"', "null"])
def test_a_time_of_day_needs_quotes_and_two_digits(text: str) -> None:
    faults = faults_of(PROTOCOL.replace('"02:00"', text))
    assert "scheduled_retrain" in faults
    assert "time" in faults


@pytest.mark.parametrize(
    "zone", ['"Mars/Base"', '"../../etc/passwd"', '"/etc/localtime"', "5", '""', '"Europe"']
)
def test_a_zone_is_an_iana_name(zone: str) -> None:
    assert "expected an IANA time zone" in faults_of(
        PROTOCOL.replace('timezone: "UTC"', f"timezone: {zone}")
    )


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ("frequency: monthly, time: '02:00'", "frequency monthly needs day_of_month"),
        ("frequency: monthly, day_of_month: 1", "frequency monthly needs time"),
        ("frequency: weekly, day_of_month: 1, time: '02:00'", "weekly has no day_of_month"),
        ("frequency: weekly, day_of_week: someday, time: '02:00'", "day_of_week"),
        ("frequency: cron, cron: '0 2 * * *', time: '02:00'", "frequency cron has no time"),
        ("frequency: cron, cron: '0 0 30 2 *'", "five cron fields"),
        ("frequency: cron, cron: '0 0 1 2'", "five cron fields"),
        ("frequency: cron, cron: '0 0 0 1 2 *'", "five cron fields"),
        ("frequency: cron, cron: '@monthly'", "five cron fields"),
        ("frequency: cron, cron: 5", "five cron fields"),
        ("frequency: cron, cron: '* * * * * ; rm'", "five cron fields"),
        ("frequency: daily", "frequency"),
        ("frequency: monthly, day_of_month: 32, time: '02:00'", "less than or equal to 31"),
    ],
)
def test_a_schedule_has_the_fields_of_its_frequency_and_no_others(fields: str, found: str) -> None:
    assert found in faults_of(f"retraining_triggers: {{scheduled_retrain: {{{fields}}}}}")


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("threshold: 0.85", "threshold: .nan", "threshold"),
        ("threshold: 0.85", "threshold: .inf", "threshold"),
        ("threshold: 0.85", "threshold: '0.85'", "threshold"),
        ("psi_threshold: 0.2", "psi_threshold: 0", "psi_threshold"),
        ("consecutive_violations: 3", "consecutive_violations: 0", "consecutive_violations"),
        ("consecutive_violations", "consecutive_violation", "mean 'consecutive_violations'"),
        ("violations: 3", "violations: 3\n    violations: 2", "belong together"),
        ("violations: 3", "violations: 3\n    violations: 4\n    out_of: 3", "cannot be"),
        ("metric: accuracy", "metric: 'a\"}'", "metric"),
        ("accuracy_drop: 0.05", "accuracy_drop: -0.05", "accuracy_drop"),
        ("quality_threshold: 0.95", "quality_threshold: 95", "quality_threshold"),
        ('approvers: ["ml_lead", "product_owner"]', "approvers: []", "needs approvers"),
        ("    - data_drift", "    - data_drift\n    - concept_drift", "concept_drift listed twice"),
        ("    - data_drift", "    - drift", "trigger_priorities.high.0"),
        ("retraining_triggers:", "retraining_trigger:", "did you mean 'retraining_triggers'"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_its_place(old: str, new: str, found: str) -> None:
    assert old in PROTOCOL
    assert found in faults_of(PROTOCOL.replace(old, new, 1))


PERCENT = [
    ("threshold: 0.85", "threshold: 70", "threshold: found 70; expected a fraction such as 0.70"),
    ("threshold: 0.85", "threshold: 1.5", "expected a fraction such as 0.01, as accuracy is one"),
    ("threshold: 0.85", "threshold: -0.1", "expected a fraction such as 0.70"),
    ("threshold: 0.85", "threshold: 100", "expected a fraction such as 0.70"),
    (
        "threshold: 0.85",
        "threshold: 0.85\n    hysteresis: 1",
        "hysteresis: found 1; expected a fra",
    ),
    ("accuracy_drop: 0.05", "accuracy_drop: 10", "accuracy_drop: found 10; expected a fraction "),
    ("accuracy_drop: 0.05", "accuracy_drop: 1", "expected a fraction such as 0.01"),
    ("f1_drop: 0.05", "f1_drop: 5", "f1_drop: found 5; expected a fraction such as 0.05"),
    ("psi_threshold: 0.2", "psi_threshold: 10", "psi_threshold: found 10; expected a PSI such as"),
    (
        "metric: accuracy\n    threshold: 0.85",
        "metric: error_rate\n    threshold: 1",
        "as error_ra",
    ),
]


@pytest.mark.parametrize(("old", "new", "found"), PERCENT)
def test_a_percentage_for_a_fraction_is_refused_since_it_always_or_never_fires(
    old: str, new: str, found: str
) -> None:
    assert old in PROTOCOL
    assert found in faults_of(PROTOCOL.replace(old, new, 1))


@pytest.mark.parametrize(
    ("metric", "is_one"),
    [
        ("accuracy", True),
        ("balanced_accuracy", True),
        ("f1_weighted", True),
        ("precision_at_10", True),
        ("roc_auc", True),
        ("prauc_weighted", True),
        ("brier_score", True),
        ("coverage", True),
        ("error_rate_5xx", True),
        ("accuracy_percent", False),
        ("calibration_error", False),
        ("log_loss", False),
        ("latency_p95_ms", False),
        ("revenue", False),
    ],
)
def test_which_metrics_are_fractions(metric: str, *, is_one: bool) -> None:
    assert is_fraction(metric) is is_one


def test_limits_of_what_is_no_fraction_and_those_at_the_edge_are_taken() -> None:
    edge = PROTOCOL.replace("threshold: 0.85", "threshold: 1", 1).replace("0.2\n", "5\n", 1)
    rules = parse(edge).retraining_triggers
    assert rules.performance_degradation.threshold == 1
    assert rules.data_drift.psi_threshold == 5
    latency = "metric: latency_p95_ms\n    hysteresis: 5\n    threshold: 150"
    text = PROTOCOL.replace("metric: accuracy\n    threshold: 0.85", latency)
    rules = parse(text + asked_of_prometheus("latency_p95_ms")).retraining_triggers
    assert rules.performance_degradation.threshold == 150


def test_all_mistakes_are_reported_at_once() -> None:
    text = PROTOCOL.replace("7d", "7").replace('"UTC"', '"Mars"').replace("10000", "0")
    assert len(faults_of(text).splitlines()) == 4


@pytest.mark.parametrize(
    ("metric", "direction", "is_higher_better"),
    [
        ("accuracy", None, True),
        ("f1_weighted", None, True),
        ("roc_auc", None, True),
        ("log_loss", None, False),
        ("calibration_error", None, False),
        ("error_rate", None, False),
        ("latency_p95_ms", None, False),
        ("revenue", "higher_is_better", True),
        ("accuracy", "lower_is_better", False),
    ],
)
def test_which_way_a_metric_is_better(
    metric: str, direction: str | None, *, is_higher_better: bool
) -> None:
    text = PROTOCOL.replace(
        "metric: accuracy", f"metric: {metric}\n    direction: {direction or 'null'}"
    )
    asked = asked_of_prometheus(metric)
    rule = parse(text + asked).retraining_triggers.performance_degradation
    assert rule.is_higher_better is is_higher_better


@pytest.mark.parametrize("metric", [*get_args(MetricName), "f1_score"])
def test_a_trigger_may_name_each_metric_of_the_gates_and_the_protocols_f1_score(
    metric: str,
) -> None:
    rule = parse(PROTOCOL.replace("metric: accuracy", f"metric: {metric}")).retraining_triggers
    assert rule.performance_degradation.metric == metric


def test_a_metric_that_the_warehouse_does_not_give_is_refused_with_all_that_it_gives() -> None:
    found = faults_of(PROTOCOL.replace("metric: accuracy", "metric: recal"))
    assert found.startswith("retraining_triggers: ")
    assert found.endswith(
        "performance_degradation.metric is 'recal', expected one that warehouse gives: "
        f"{', '.join(get_args(MetricName))}, f1_score; did you mean 'recall'?"
    )


def test_a_metric_that_prometheus_is_not_asked_for_is_refused() -> None:
    text = PROTOCOL.replace("metric: accuracy", "metric: recall")
    parse(text + asked_of_prometheus("accuracy", "recall"))
    found = faults_of(text + asked_of_prometheus("accuracy", "f1_weighted"))
    assert found.endswith("expected one that prometheus gives: accuracy, f1_weighted, f1_score")


def test_a_metric_whose_name_does_not_tell_which_way_is_better_needs_a_direction() -> None:
    text = PROTOCOL.replace("metric: accuracy", "metric: revenue") + asked_of_prometheus("revenue")
    assert "is revenue better when higher or lower?" in faults_of(text)
    parse(text.replace("metric: revenue", "metric: revenue\n    direction: higher_is_better"))


def test_a_rule_that_is_off_and_a_broken_source_say_nothing_of_the_metric() -> None:
    text = PROTOCOL.replace("metric: accuracy", "metric: error_rate\n    direction: null")
    off = text.replace("enabled: true", "enabled: false", 1)
    assert not parse(off).retraining_triggers.performance_degradation.enabled
    assert "error_rate" not in faults_of(text + "metrics: {source: prometheus}\n")


def test_optional_sections_refuse_what_cannot_be() -> None:
    base = "retraining_triggers: {}\n"
    assert "wait is longer" in faults_of(base + "pacing: {back_off: {wait: 9w}}")
    assert "did you mean 'cooldown'" in faults_of(base + "pacing: {cooldwn: 1d}")
    assert "null_flood" in faults_of(base + "data_faults: {null_flood: 1.5}")
    assert "units_jump_ratio" in faults_of(base + "data_faults: {units_jump_ratio: .inf}")
    assert "max_attempts" in faults_of(base + "recovery: {max_attempts: 0}")
