"""What an A/B test needs and can see, in words, before it starts."""

from __future__ import annotations

from datetime import timedelta

from pipeline.ab_config import ABTest
from pipeline.core.abtest.power import min_detectable_effect, plan_sample


def plan_lines(test: ABTest, units_a_day: int | None) -> tuple[str, ...]:
    """The needed samples; with `units_a_day` of both variants also what they show by the end."""
    need, primary = plan_sample(test), test.primary
    odds = f"alpha {test.alpha:g}, power {test.power:g}"
    lines = (
        f"{primary.metric}: a difference of {primary.min_effect:g} ({odds}) needs",
        f"  {need.average:,} units on average, looked at as often as you like",
        f"  {need.sequential:,} units for the full power",
        f"  {need.fixed:,} units for a t-test that is looked at once, at the end",
    )
    if not units_a_day:
        return lines
    days = (test.duration - test.maturity) / timedelta(days=1)
    units = int(units_a_day * days)
    is_enough = "enough" if units >= need.sequential else "too few"
    shown = min_detectable_effect(test, units)
    told = f"  {units:,} come in {days:g} days, {is_enough}: they show a difference of {shown:.4g}"
    return (*lines, f"{told} or more")
