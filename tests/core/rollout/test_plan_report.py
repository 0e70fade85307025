from pipeline.config import parse_section
from pipeline.core.rollout.plan_report import render_plan
from pipeline.rollout_config import RolloutPlan, load_rollout_plan
from tests.core import reports

TEMPLATE = (reports.ROOT / "pipeline/templates/rollout_plan.md.j2").read_text()
CRITERIA = {"error_rate_max": 0.02, "latency_p95_max": "150ms"}


def rendered(**plan):
    found = parse_section(RolloutPlan, {"type": "canary", **plan}, "plan")
    return render_plan(found, model="flight-delay", version="2013-07-02-x", template=TEMPLATE)


def stage(percent, **changes):
    return {
        "traffic_percentage": percent,
        "duration": "30m",
        "success_criteria": CRITERIA,
        **changes,
    }


def test_each_stage_is_a_row_with_its_limits_and_units():
    text = rendered(canary_stages=[stage(5), stage(100, duration="2h", hold=True)])
    limits = "error_rate ≤ 0.02, latency_p95 ≤ 150 ms"
    assert f"| 1 | 5 % | 30 min | {limits} | 24 h |  |" in text
    assert f"| 2 | 100 % | 2 h | {limits} | 24 h | waits for a person |" in text
    assert "A canary rollout in 2 stages, 2.5 h in all" in text


def test_the_head_says_what_rolls_out_how_and_who_watches():
    text = rendered(
        canary_stages=[stage(5), stage(100)],
        monitoring={"check_interval_minutes": 2.5},
        metrics={"provider": "http"},
        traffic_provider="haproxy",
    )
    assert text.startswith(
        "# Rollout plan: flight-delay 2013-07-02-x\n\n"
        "A canary rollout in 2 stages, 1 h in all, moved by haproxy and watched by http "
        "every 2.5 minutes.\n"
    )
    assert "**Back to the champion at once**" in text
    assert "**A/B test:** none" in text


def test_a_switch_names_its_type_its_warm_up_without_criteria_and_its_ab_test():
    switch = {"warm_up": "59m", "hold": "1h", "success_criteria": {"accuracy_min": 0.7}}
    plan = parse_section(RolloutPlan, {"type": "blue_green", "blue_green": switch}, "plan")
    text = render_plan(
        plan.model_copy(update={"ab_test": "july"}), model="m", version="v", template=TEMPLATE
    )
    assert "A blue-green rollout in 2 stages" in text
    assert "| 1 | 0 % | 59 min | none | 24 h |  |" in text
    assert "| 2 | 100 % | 1 h | accuracy ≥ 0.7 | 24 h |  |" in text
    assert "**A/B test:** july" in text


def test_a_mirror_stage_is_said_to_be_a_copy() -> None:
    mirror = {"duration": "1h", "success_criteria": CRITERIA}
    text = rendered(canary_stages=[stage(100)], mirror=mirror)
    assert "| a copy of the traffic |" in text


def test_only_the_conditions_that_are_set_are_told():
    text = rendered(canary_stages=[stage(100)], rollback_conditions={"latency_spike_pct": 50})
    assert "- when its p95 latency is 50 % above the champion's\n" in text
    assert "error rate is" not in text
    assert "whenever a person says so" in text


def test_a_plan_without_automatic_rollback_says_that_a_person_decides():
    by_hand = rendered(canary_stages=[stage(100)], monitoring={"auto_rollback": False})
    assert "**Back to the champion by a person, after an alert**" in by_hand


def test_the_shipped_plan_renders():
    plan = load_rollout_plan(reports.ROOT)
    text = render_plan(plan, model="m", version="v", template=TEMPLATE)
    assert text.count("\n| ") == len(plan.stages) + 2
    assert text.endswith("\n")
