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
