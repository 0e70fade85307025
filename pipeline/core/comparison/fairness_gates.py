"""When wider gaps between groups keep a challenger out.

PASS when the gap widens by at most max_worsening; FAIL when it widens by more and that is shown
(Holm-adjusted one-sided p < alpha); INCONCLUSIVE when it does and is not shown, when fewer than two
groups are big enough to have a gap, and when the gap would pass but too many rows are in groups
too small to judge (see unjudged). Those are not pooled, as small slices are: a gap between two
groups of one pool would vanish in its mean.
"""

from __future__ import annotations

import math

from pipeline.core.comparison.fairness import FairnessResult
from pipeline.core.comparison.scoring import TIE
from pipeline.core.comparison.unjudged import is_too_much_unjudged, render_share
from pipeline.core.comparison.wording import render_limit, render_number
from pipeline.domain import Gate, Verdict


def assess_fairness(found: FairnessResult, *, alpha: float) -> Gate:
    """The gate of one rate of one column, from its result with p_adjusted filled in."""
    verdict, reason = _judge(found, alpha)
    return Gate(
        name=f"fairness: {found.column}, {found.rate}",
        verdict=verdict,
        rule=(
            f"The gap of {found.rate} between values of {found.column} widens by at most "
            f"{render_limit(found.max_worsening)}."
        ),
        reason=reason,
        champion=found.champion_gap,
        challenger=found.challenger_gap,
        difference=found.worsening,
        interval=found.interval,
        n=sum(group.n for group in found.groups if group.is_judged),
        p_value=found.p_adjusted,
    )


def _judge(found: FairnessResult, alpha: float) -> tuple[Verdict, str]:
    judged = sum(group.is_judged for group in found.groups)
    if judged < 2:
        few = f"{judged} of {len(found.groups)} groups are big enough, two are needed for a gap."
        return Verdict.INCONCLUSIVE, few
    if math.isnan(found.worsening):
        return Verdict.FAIL, "The gap cannot be computed, and what is unknown is not fair."
    story = _story(found, judged)
    if found.worsening <= found.max_worsening + TIE:
        unseen = found.unjudged_share
        if is_too_much_unjudged(unseen):
            left = f"{render_share(unseen)} are in groups too small to judge: too many"
            return Verdict.INCONCLUSIVE, f"{story}; yet {left}."
        return Verdict.PASS, f"{story}."
    evidence = f"Holm-adjusted p {render_number(found.p_adjusted)}"
    if found.p_adjusted < alpha:
        return Verdict.FAIL, f"{story}: too much, {evidence}."
    return Verdict.INCONCLUSIVE, f"{story}: too much, but not shown, {evidence}."


def _story(found: FairnessResult, judged: int) -> str:
    """The gap of both models, and how far that is apart."""
    change = found.worsening
    moved = "does not move" if change == 0 else "widens" if change > 0 else "narrows"
    by = "" if change == 0 else f" by {render_number(abs(change))}"
    gaps = f"{render_number(found.champion_gap)} to {render_number(found.challenger_gap)}"
    return f"Over {judged} of {len(found.groups)} groups the gap {moved}{by}, {gaps}"
