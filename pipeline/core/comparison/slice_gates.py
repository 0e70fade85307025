"""When the loss of a slice keeps a challenger out.

A slice passes when its point loss is at most the margin. Beyond it, harm must also be shown to
FAIL: of dozens of small slices some are beyond by chance, so the p-values of all slices and all
fairness gaps, one family of accusations, are Holm-adjusted together (see comparison). Beyond it and
not shown is INCONCLUSIVE; a figure that cannot be computed is FAIL.

Where even the pool of small values ("other") is smaller than min_rows, it cannot be judged. Whether
that makes the column INCONCLUSIVE, or is listed and blocks nothing, follows from its share of the
rows: see unjudged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from pipeline.config import ComparisonPolicy, SlicePolicy
from pipeline.core.comparison.scoring import TIE
from pipeline.core.comparison.slices import SliceResult
from pipeline.core.comparison.unjudged import is_too_much_unjudged, render_share
from pipeline.core.comparison.wording import (
    render_change,
    render_limit,
    render_metric,
    render_number,
)
from pipeline.domain import Gate, Verdict, worst


def judge_slices(found: Sequence[SliceResult], policy: ComparisonPolicy) -> tuple[SliceResult, ...]:
    """Slices of one column with verdicts and reasons, worst first; p_adjusted is filled in."""
    return tuple(sorted((_judge(part, policy) for part in found), key=_by_severity))


def assess_slices(column: str, judged: Sequence[SliceResult], policy: ComparisonPolicy) -> Gate:
    """One gate for a column: the worst of its judged slices, which come worst first."""
    verdicts = [part.verdict for part in judged if part.verdict is not None]
    first = judged[0]
    rules = policy.slices
    passed = sum(one is Verdict.PASS for one in verdicts)
    unjudged = len(judged) - len(verdicts)
    tail = f" {unjudged} too small to judge." if unjudged else ""
    return Gate(
        name=f"slices: {column}",
        verdict=worst(verdicts),
        rule=(
            f"No {column} of at least {rules.min_rows:,} rows loses more than "
            f"{render_limit(rules.margin)} of {render_metric(rules.metric)}."
        ),
        reason=f"{passed} of {len(verdicts)} slices pass. Worst: {first.reason}{tail}",
        champion=first.champion,
        challenger=first.challenger,
        difference=first.difference,
        interval=first.interval,
        n=first.n,
        p_value=first.p_adjusted,
    )


def _judge(part: SliceResult, policy: ComparisonPolicy) -> SliceResult:
    """The verdict of one slice and its reason, one sentence that begins with the slice."""
    rules = policy.slices
    if part.n < rules.min_rows:
        return _judge_small(part, rules)
    story = f"{part.label} ({part.n:,} rows): {render_change(-part.loss)} of {part.metric}"
    most = render_limit(rules.margin)
    if math.isnan(part.difference):
        return replace(part, verdict=Verdict.FAIL, reason=f"{story}; it cannot be computed.")
    if part.loss <= rules.margin + TIE:
        return replace(part, verdict=Verdict.PASS, reason=f"{story}.")
    evidence = f"more than {most}, Holm-adjusted p {render_number(part.p_adjusted)}"
    if part.p_adjusted < policy.alpha:
        return replace(part, verdict=Verdict.FAIL, reason=f"{story}, {evidence}.")
    reason = f"{story}, {evidence}: not shown."
    return replace(part, verdict=Verdict.INCONCLUSIVE, reason=reason)


def _judge_small(part: SliceResult, rules: SlicePolicy) -> SliceResult:
    """A pool below min_rows: INCONCLUSIVE where it is too much of the rows, else not judged."""
    story = f"{part.label}: {part.n:,} rows are fewer than {rules.min_rows:,}"
    share = render_share(part.share)
    if is_too_much_unjudged(part.share):
        reason = f"{story}, yet {share}: too many to leave unjudged."
        return replace(part, verdict=Verdict.INCONCLUSIVE, reason=reason)
    return replace(part, reason=f"{story} and only {share}: not judged.")


def _by_severity(part: SliceResult) -> tuple[float, float, str]:
    """Worst verdict first, then the greatest loss; what is not judged comes last."""
    severity = -1 if part.verdict is None else part.verdict.severity
    loss = -math.inf if math.isnan(part.loss) else part.loss
    return (-severity, -loss, part.value)
