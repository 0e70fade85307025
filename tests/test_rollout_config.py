"""The rollout plan: the protocol's document as it stands, and every mistake said."""

import re
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipeline.errors import ConfigurationError
from pipeline.manifest import parse_rollout, render_rollout
from pipeline.rollout_config import (
    Criterion,
    RolloutPlan,
    load_rollout_plan,
    parse_plan,
)
from pipeline.rollout_units import Quantity, parse_quantity, render_duration
from tests.rollouts import spec_of

ROOT = Path(__file__).parent.parent

# Protocol 24, step 4, letter for letter.
PROTOCOL = """\
# retraining/rollout-plan.yaml

rollout_strategy:
  type: canary  # canary, blue_green, rolling
  
  canary_stages:
    - stage: 1
      traffic_percentage: 5
      duration_hours: 2
      success_criteria:
        error_rate_max: 0.02
        latency_p95_max: 150ms
        accuracy_min: 0.88
      
    - stage: 2
      traffic_percentage: 25
      duration_hours: 6
      success_criteria:
        error_rate_max: 0.015
        latency_p95_max: 120ms
        accuracy_min: 0.89
      
    - stage: 3
      traffic_percentage: 50
      duration_hours: 12
      success_criteria:
        error_rate_max: 0.01
        latency_p95_max: 100ms
        accuracy_min: 0.90
      
    - stage: 4
      traffic_percentage: 100
      duration_hours: 24
      success_criteria:
        error_rate_max: 0.01
        latency_p95_max: 100ms
        accuracy_min: 0.90
  
  rollback_conditions:
    - error_rate_spike: 0.05
    - latency_spike_pct: 50
    - accuracy_drop: 0.05
    - manual_trigger: true
  
  monitoring:
    check_interval_minutes: 5
    alert_on_failure: true
    auto_rollback: true
"""  # noqa: W293
CRITERIA = "success_criteria: {error_rate_max: 0.02}"


def faults_of(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse_plan(text, "rollout-plan.yaml")
    return "\n".join(caught.value.faults)


def plan_of(body: str) -> RolloutPlan:
    return parse_plan(f"rollout_strategy: {{{body}}}", "rollout-plan.yaml")


def test_the_document_of_the_protocol_loads_as_it_stands() -> None:
    plan = parse_plan(PROTOCOL, "rollout-plan.yaml")
    assert [s.weight_percent for s in plan.stages] == [5, 25, 50, 100]
    assert [s.duration / timedelta(hours=1) for s in plan.stages] == [2, 6, 12, 24]
    assert plan.stages[0].criteria == (
        Criterion("error_rate", "max", 0.02, "number"),
        Criterion("latency_p95", "max", 150.0, "ms"),
        Criterion("accuracy", "min", 0.88, "number"),
    )
    conditions = plan.rollback_conditions
    assert (conditions.error_rate_spike, conditions.accuracy_drop) == (0.05, 0.05)
    assert (conditions.latency_spike_pct, conditions.manual_trigger) == (50, True)
    assert plan.monitoring.check_interval == timedelta(minutes=5)
    assert (plan.monitoring.alert_on_failure, plan.monitoring.auto_rollback) == (True, True)


def test_rollback_conditions_may_be_one_mapping_too() -> None:
    text = PROTOCOL.replace("    - error_rate_spike", "      error_rate_spike")
    for name in ("latency_spike_pct", "accuracy_drop", "manual_trigger"):
        text = text.replace(f"    - {name}", f"      {name}")
    assert parse_plan(text, "x") == parse_plan(PROTOCOL, "x")


def test_the_shipped_plan_loads() -> None:
    plan = load_rollout_plan(ROOT)
    assert plan.stages[-1].weight_percent == 100
    assert plan.rollback_conditions.error_rate_spike is not None


def test_every_number_of_the_shipped_plan_has_its_reason_beside_it() -> None:
    lines = (ROOT / "configs" / "rollout-plan.yaml").read_text().splitlines()
    bare = [x for x in lines if re.search(r":\s*[\"\[]?[0-9]", x) and "#" not in x]
    assert bare == []


@pytest.mark.parametrize("text", [PROTOCOL, (ROOT / "configs/rollout-plan.yaml").read_text()])
def test_a_plan_copied_into_a_manifest_is_the_same_plan(text: str) -> None:
    plan = parse_plan(text, "x")
    manifest = spec_of().model_copy(update={"plan": plan})
    assert parse_rollout(render_rollout(manifest), "x").plan == plan


@pytest.mark.parametrize(
    ("written", "quantity"),
    [
        (0.02, Quantity(0.02, "number")),
        (3, Quantity(3.0, "number")),
        ("2%", Quantity(0.02, "fraction")),
        ("1.5 %", Quantity(0.015, "fraction")),
        ("150ms", Quantity(150.0, "ms")),
        ("0.15s", Quantity(150.0, "ms")),
        ("800us", Quantity(0.8, "ms")),
    ],
)
def test_a_quantity_is_read_with_its_unit(written: float | str, quantity: Quantity) -> None:
    assert parse_quantity(written) == quantity


@pytest.mark.parametrize(
    "written", ["150", "ms", "150 MS", "1e3ms", "-", "150ms ", "１５０ms", "5m", float("nan"),
                float("inf"), "nan%", "9" * 400 + "ms"]
)  # fmt: skip
def test_anything_else_is_no_quantity(written: float | str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_quantity(written)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(seconds=90), "90s"),
        (timedelta(minutes=30), "30m"),
        (timedelta(hours=24), "1d"),
        (timedelta(days=7), "7d"),
        (timedelta(days=14), "2w"),
    ],
)
def test_a_duration_is_written_in_its_largest_unit(length: timedelta, text: str) -> None:
    assert render_duration(length) == text


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("150ms", "150", "expected a time such as 150ms"),
        ("150ms", "2%", "expected a time such as 150ms"),
        ("150ms", "fast", "expected a number, with a unit"),
        ("0.02\n", "20ms\n", "expected a fraction such as 0.02 or 2%"),
        ("0.02\n", "2\n", "expected a fraction from 0 to 1"),
        ("0.02\n", ".nan\n", "a limit must limit"),
        ("accuracy_min: 0.88", "revenue_min: 3", "no query for revenue"),
        ("accuracy_min: 0.88", "accuracy: 0.88", "_(min|max)"),
        ("traffic_percentage: 25", "traffic_percentage: 5", "traffic must grow"),
        ("traffic_percentage: 25", "traffic_percentage: 60", "traffic must grow"),
        ("traffic_percentage: 25", "traffic_percentage: 0", "greater than 0"),
        ("traffic_percentage: 25", "traffic_percentage: 101", "less than or equal to 100"),
        ("traffic_percentage: 100", "traffic_percentage: 80", "expected 100"),
        ("traffic_percentage: 25", "traffic_percentage: 33.333", "expected a multiple of 0.01"),
        ("traffic_percentage: 5", "traffic_percentage: 0.001", "expected a multiple of 0.01"),
        ("stage: 2", "stage: 3", "stage 3 stands where stage 2 belongs"),
        ("      duration_hours: 2\n", "", "needs either duration_hours or duration"),
        ("duration_hours: 2\n", "duration: 90\n", "expected a duration such as"),
        ("duration_hours: 2\n", "duration_hours: 0\n", "greater than 0"),
        ("duration_hours: 2\n", "duration: 1m\n", "longer than the stage"),
        ("type: canary", "type: big_bang", "type"),
        ("type: canary", "type: rolling", "type rolling needs rolling"),
        ("type: canary", "type: blue_green", "does not go with the stages of canary"),
        ("- accuracy_drop: 0.05", "- error_rate_spike: 0.1", "each condition once"),
        ("- accuracy_drop: 0.05", "- acuracy_drop: 0.05", "did you mean 'accuracy_drop'"),
        ("- accuracy_drop: 0.05", "- 5", "expected mappings of conditions"),
        ("accuracy_drop: 0.05", "accuracy_drop: 0", "greater than 0"),
        ("manual_trigger: true", "manual_trigger: false", "manual_trigger"),
        ("auto_rollback: true", "auto_rollback: 1", "auto_rollback"),
        ("check_interval_minutes: 5", "check_interval_minutes: 0", "greater than 0"),
        ("canary_stages:", "canary_stage:", "did you mean 'canary_stages'"),
        ("rollout_strategy:", "rollout_strategies:", "did you mean 'rollout_strategy'"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_its_place(old: str, new: str, found: str) -> None:
    assert old in PROTOCOL
    assert found in faults_of(PROTOCOL.replace(old, new, 1))


def test_all_mistakes_are_reported_at_once() -> None:
    text = PROTOCOL.replace("traffic_percentage: 100", "traffic_percentage: 50")
    text = text.replace("150ms", "150").replace("accuracy_min: 0.88", "revenue_min: 1")
    faults = faults_of(text)
    for found in ("traffic must grow", "expected 100", "such as 150ms", "no query for revenue"):
        assert found in faults


def test_a_stage_without_a_criterion_is_a_mistake() -> None:
    assert "success_criteria" in faults_of(re.sub(r"success_criteria:\n(\s+\w+_\w+: .*\n){3}", "success_criteria: {}\n", PROTOCOL, count=1))  # noqa: E501  # fmt: skip


def test_a_stage_that_only_measures_dry_is_a_mistake() -> None:
    text = PROTOCOL + "  metrics: {dry_run: [error_rate, latency_p95, accuracy]}\n"
    assert "stage 1: no metric decides" in faults_of(text)
    assert "dry_run names speed" in faults_of(PROTOCOL + "  metrics: {dry_run: [speed]}\n")


QUERY = "events: 'e{version}', count: 'c{version}'"


@pytest.mark.parametrize(
    ("metric", "found"),
    [
        ("{kind: proportion, count: 'c{version}'}", "a proportion has events"),
        ("{kind: value, count: 'c{version}'}", "a value has value"),
        ("{kind: proportion, events: 'e', count: 'c{version}'}", "each query needs {version}"),
        ("{kind: proportion, events: 'e{version}'}", "count: missing"),
        (f"{{kind: proportion, {QUERY}, min_samples: 0}}", "min_samples"),
        (f"{{kind: proportion, {QUERY}, window: 0m}}", "expected a duration"),
        (f"{{kind: proportion, {QUERY}, value: 'v{{version}}'}}", "a value has value"),
    ],
)
def test_a_metric_has_the_queries_of_its_kind(metric: str, found: str) -> None:
    assert found in faults_of(PROTOCOL + f"  metrics: {{queries: {{refusals: {metric}}}}}\n")


def test_a_metric_of_ones_own_joins_the_default_ones() -> None:
    text = PROTOCOL.replace("accuracy_min: 0.88", "refusals_max: 3%")
    text += f"  metrics: {{queries: {{refusals: {{kind: proportion, {QUERY}}}}}}}\n"
    plan = parse_plan(text, "x")
    assert plan.stages[0].criteria[-1] == Criterion("refusals", "max", 0.03, "fraction")
    assert {"error_rate", "latency_p95", "accuracy"} < set(plan.metrics.queries)


def test_blue_green_is_nothing_then_everything() -> None:
    plan = plan_of(f"type: blue_green, blue_green: {{warm_up: 10m, hold: 2h, {CRITERIA}}}")
    assert [(s.weight_percent, s.duration) for s in plan.stages] == [
        (0, timedelta(minutes=10)),
        (100, timedelta(hours=2)),
    ]


@pytest.mark.parametrize(
    ("batch", "weights"),
    [(25, [25, 50, 75, 100]), (40, [40, 80, 100]), (100, [100]), (33, [33, 66, 99, 100])],
)
def test_rolling_is_batches_up_to_everything(batch: int, weights: list[int]) -> None:
    body = f"type: rolling, rolling: {{batch_percentage: {batch}, duration: 1h, {CRITERIA}}}"
    assert [s.weight_percent for s in plan_of(body).stages] == weights


@pytest.mark.parametrize("batch", [14.3, 33.33, 2.01, 6.25, 99.99])
def test_a_batch_in_steps_of_the_buckets_has_weights_that_can_be_set(batch: float) -> None:
    body = f"type: rolling, rolling: {{batch_percentage: {batch}, duration: 1h, {CRITERIA}}}"
    weights = [s.weight_percent for s in plan_of(body).stages]
    assert weights == [round(weight * 100) * 100 / 10_000 for weight in weights]
    assert (weights[0], weights[-1]) == (batch, 100)


def test_a_batch_finer_than_the_buckets_is_a_mistake() -> None:
    body = f"type: rolling, rolling: {{batch_percentage: 33.333, duration: 1h, {CRITERIA}}}"
    with pytest.raises(ConfigurationError, match=r"33\.333; expected a multiple of 0\.01"):
        plan_of(body)


def test_a_mirror_stage_comes_first() -> None:
    body = (
        f"type: rolling, rolling: {{batch_percentage: 50, duration: 1h, {CRITERIA}}}, "
        f"mirror: {{duration: 2h, {CRITERIA}}}"
    )
    stages = plan_of(body).stages
    assert [(s.number, s.weight_percent, s.is_mirror) for s in stages] == [
        (1, 0, True),
        (2, 50, False),
        (3, 100, False),
    ]


@pytest.mark.parametrize("provider", ["haproxy", "kserve"])
def test_a_mirror_stage_is_refused_where_the_provider_sends_no_copies(provider: str) -> None:
    mirror = f"mirror: {{duration: 2h, {CRITERIA}}}, traffic_provider: "
    body = f"type: rolling, rolling: {{batch_percentage: 50, duration: 1h, {CRITERIA}}}, {mirror}"
    with pytest.raises(ConfigurationError, match=f"mirror: {provider} sends no copies, expected"):
        plan_of(body + provider)
    assert plan_of(body + "istio").stages[0].is_mirror


def test_a_stage_may_have_a_hold_and_a_deadline_of_its_own() -> None:
    text = PROTOCOL.replace("traffic_percentage: 5\n", "traffic_percentage: 5\n      hold: true\n")
    text = text.replace("duration_hours: 6", "duration: 6h\n      deadline: 2d")
    stages = parse_plan(text, "x").stages
    assert [stage.is_held for stage in stages] == [True, False, False, False]
    assert stages[1].deadline == timedelta(days=2)
    assert stages[0].deadline == timedelta(hours=24)


def test_deploy_windows_have_days_hours_and_a_zone() -> None:
    window = "{days: [monday, friday], start: '09:00', end: '16:30', timezone: Europe/Berlin}"
    plan = parse_plan(PROTOCOL + f"  deploy_windows: [{window}]\n", "x")
    found = plan.deploy_windows[0]
    assert (found.start, found.end) == (time(9), time(16, 30))
    assert found.timezone == ZoneInfo("Europe/Berlin")
    for old, new, fault in [
        ("'16:30'", "'09:00'", "start must be before end"),
        ("Berlin", "Nowhere", "IANA"),
        ("[monday, friday]", "[]", "days"),
        ("monday", "someday", "days"),
    ]:
        text = PROTOCOL + f"  deploy_windows: [{window.replace(old, new)}]\n"
        assert fault in faults_of(text)
