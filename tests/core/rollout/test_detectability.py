"""Whether traffic can show a harm: exact powers, and what a plan is told."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from pipeline.core.proportions import excess_tail
from pipeline.core.rollout.detectability import (
    Today,
    assess_detectability,
    needed_for_excess,
    needed_for_quantile,
    needed_for_rate,
)
from pipeline.rollout_config import load_rollout_plan
from tests.rollouts import plan

ROOT = Path(__file__).parents[3]
BUSY = Today(60.0, 0.01, 0.78)


def power_of_rate(n: int, limit: float, harm: float, alpha: float) -> float:
    critical = stats.binom.isf(alpha, n, limit) + 1
    return float(stats.binom.sf(critical - 1, n, harm))


@pytest.mark.parametrize(("limit", "harm"), [(0.02, 0.05), (0.02, 0.03), (0.2, 0.3)])
def test_the_needed_samples_have_the_power_and_few_less_have_not(limit: float, harm: float) -> None:
    n = needed_for_rate(limit, harm, 0.01, 0.99)
    assert power_of_rate(n, limit, harm, 0.01) >= 0.985
    assert power_of_rate(int(0.8 * n), limit, harm, 0.01) < 0.985


def test_the_needed_samples_show_an_excess_in_simulated_traffic() -> None:
    n = needed_for_excess(0.01, 0.01, 0.00001, 0.99, 19)
    rng = np.random.default_rng(1)
    bad, base = rng.binomial(n, 0.03, 300), rng.binomial(19 * n, 0.01, 300)
    shown = [
        x / n - y / (19 * n) >= 0.01 and excess_tail(x, n, y, 19 * n) <= 0.00001
        for x, y in zip(bad, base, strict=True)
    ]
    assert 0.95 < np.mean(shown) <= 1


def test_a_quantile_needs_enough_slow_requests() -> None:
    n = needed_for_quantile(0.95, 0.10, 0.99)
    assert float(stats.binom.sf(int(0.05 * n), n, 0.10)) >= 0.985


def test_no_harm_beyond_the_limit_is_shown_by_no_traffic() -> None:
    assert needed_for_rate(0.02, 0.02, 0.01, 0.99) is None
    assert needed_for_quantile(0.95, 0.05, 0.99) is None
    assert needed_for_excess(0.6, 0.3, 0.01, 0.99, 1) is None


def test_where_no_failure_is_allowed_the_first_one_shows_the_harm() -> None:
    n = needed_for_rate(0.0, 0.05, 0.01, 0.99)
    assert 1 - 0.95**n >= 0.99 > 1 - 0.95 ** (n - 1)


def test_a_harm_that_takes_a_billion_samples_is_shown_by_no_traffic() -> None:
    assert needed_for_rate(0.02, 0.02 + 1e-7, 0.01, 0.99) is None


def test_little_traffic_is_told_which_duration_would_do() -> None:
    found = assess_detectability(plan(), Today(0.1, 0.01, 0.78))
    assert not any(detection.is_detectable for detection in found)
    assert "would show it" in str(found[0])
    needed = found[0]
    seconds = needed.enough.total_seconds()
    assert seconds * 0.1 * 0.05 == pytest.approx(needed.needed, rel=0.01)


def test_much_traffic_shows_everything() -> None:
    found = assess_detectability(plan(), Today(6_000.0, 0.01, 0.78))
    assert all(detection.is_detectable for detection in found)


def test_each_answer_is_one_line_with_its_numbers() -> None:
    (seen, *_) = assess_detectability(plan(), Today(6_000.0, 0.01, 0.78))
    assert str(seen).endswith(f"seen with {seen.needed:,} of {seen.available:,} samples")
    (never, *_) = assess_detectability(plan(), Today(0.0, 0.01, 0.78))
    assert (never.enough, never.available) == (None, 0)
    assert str(never).endswith("no traffic shows it")


def test_nothing_is_promised_of_a_metric_of_ones_own() -> None:
    query = {"value": 'basket{v="{version}"}', "count": 'orders{v="{version}"}'}
    criteria = {"error_rate_max": 0.02, "basket_min": 3.0}
    stage = {"traffic_percentage": 100, "duration": "1h", "success_criteria": criteria}
    own = plan(canary_stages=[stage], metrics={"queries": {"basket": query}})
    assert {d.watches for d in assess_detectability(own, BUSY)} == {"error rate"}


def test_labels_that_come_late_are_of_the_stages_before() -> None:
    shipped = load_rollout_plan(ROOT)
    late = Today(60.0, 0.01, 0.78, label_share=0.5, label_delay=timedelta(hours=24))
    found = {(d.stage, d.watches): d for d in assess_detectability(shipped, late)}
    assert found[1, "accuracy"].available == 0
    # The day before the last one: the hours 20 to -4 of the plan, so all of stages 1 to 3.
    share = 2 * 0.05 + 6 * 0.25 + 12 * 0.5
    assert found[4, "accuracy"].available == pytest.approx(share * 3_600 * 60 * 0.5, rel=1e-6)


def test_a_mirror_stage_sees_all_of_the_requests_and_no_label() -> None:
    mirror = {"duration": "1h", "success_criteria": {"error_rate_max": 0.02, "accuracy_min": 0.7}}
    found = assess_detectability(plan(mirror=mirror), Today(0.5, 0.01, 0.78))
    errors, labels = (
        next(one for one in found if one.stage == 1 and one.watches == name)
        for name in ("error rate", "accuracy")
    )
    assert errors.available == 0.5 * 300
    assert labels.available == 0
    assert "no traffic shows it" in str(labels)
    assert {one.stage for one in found} == {1, 2, 3, 4}
