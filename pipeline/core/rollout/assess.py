"""The gates of one look at a rollout: criteria, rollback conditions, and who answers.

A criterion is PASS only with enough samples on the right side of its limit. On the wrong side it is
FAIL where that is more than chance and rests on three bad events (a proportion), or rests on enough
samples (anything else), and INCONCLUSIVE until then. A rollback condition can only end a rollout or
say nothing: too few samples for it do not hold a stage up, since what a stage must show are its
criteria. At 100 %, and in the bake, the champion of before serves nobody, so its gate says that it
is not judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from pipeline.core.proportions import binomial_tail, is_enough
from pipeline.core.rollout.conditions import assess_conditions
from pipeline.core.rollout.observation import Health, Observation, Role, Routing
from pipeline.core.rollout.samples import Reading, Unread, read_sample
from pipeline.core.rollout.wording import (
    render_count,
    render_figure,
    render_metric,
    render_percent,
    render_rule,
)
from pipeline.domain import Gate, Verdict, worst
from pipeline.manifest import RolloutSpec
from pipeline.rollout_config import Criterion, PlannedStage
from pipeline.rollout_metrics import Metric

MAX_SHOWN = 2  # gates in a reason: all of them are in the table below it


@dataclass(frozen=True)
class Assessment:
    """All gates of one look. `verdict` is the worst of those that decide.

    `is_champion_bad_as_well`: all that failed is absolute, and the champion fails it too.
    """

    gates: tuple[Gate, ...]
    dry_run: tuple[Gate, ...] = ()
    conditions: tuple[Gate, ...] = ()
    is_champion_bad_as_well: bool = False

    @cached_property
    def verdict(self) -> Verdict:
        """PASS only where every criterion passed and no condition failed or broke."""
        return _urgent([gate.verdict for gate in self._deciding])

    @property
    def why(self) -> str:
        """The reasons of the gates that have the verdict, in one line."""
        found = [gate for gate in self._deciding if gate.verdict is self.verdict]
        shown = [f"{gate.name}: {gate.reason} ({gate.rule})" for gate in found[:MAX_SHOWN]]
        more = len(found) - len(shown)
        return "; ".join([*shown, *([f"and {more} more"] if more else [])])

    @property
    def _deciding(self) -> tuple[Gate, ...]:
        """A condition that is quiet, or not judged, holds nothing up."""
        ending = (Verdict.FAIL, Verdict.ERROR)
        return (*self.gates, *(gate for gate in self.conditions if gate.verdict in ending))


def assess(
    spec: RolloutSpec,
    stage: PlannedStage,
    expected: Routing,
    observation: Observation,
    now: datetime,
) -> Assessment:
    """What one look says of the challenger in `stage`, while traffic should be as `expected`."""
    dry = set(spec.plan.metrics.dry_run)
    criteria = [
        (criterion, _assess_role(spec, criterion, "challenger", observation, now))
        for criterion in stage.criteria
    ]
    conditions, unconditional = assess_conditions(
        spec,
        observation,
        now,
        is_champion_serving=expected.challenger is not None and expected.champion_percent > 0,
    )
    health = _assess_health("challenger", observation.challenger_health)
    standby = _assess_health("champion", observation.champion_health)
    routing = _assess_routing(expected, observation.routing)
    failed = [c for c, gate in criteria if gate.verdict is Verdict.FAIL and c.metric not in dry]
    relative = any(gate.verdict is Verdict.FAIL for gate in conditions)
    excused = failed and not relative and health.verdict is not Verdict.FAIL
    return Assessment(
        gates=(health, standby, routing, *(gate for c, gate in criteria if c.metric not in dry)),
        dry_run=(*(gate for c, gate in criteria if c.metric in dry), *unconditional),
        conditions=conditions,
        is_champion_bad_as_well=bool(excused)
        and expected.champion_percent > 0
        and all(
            _assess_role(spec, c, "champion", observation, now).verdict is Verdict.FAIL
            for c in failed
        ),
    )


def assess_criterion(
    criterion: Criterion, metric: Metric, found: Reading | Unread, alpha: float
) -> Gate:
    """PASS, FAIL, INCONCLUSIVE or ERROR; the limit itself is allowed.

    `alpha` is the one-sided chance at which a proportion beyond its limit is no chance any more;
    fewer than `MIN_BAD` bad events always may be, unless the limit allows none at all.
    """
    unit = metric.base_unit
    rule = render_rule(criterion, unit)
    name = render_metric(criterion.metric)
    if isinstance(found, Unread):
        verdict = Verdict.INCONCLUSIVE if found.is_quiet else Verdict.ERROR
        return Gate(name, verdict, rule, found.reason)
    verdict, note = _judge(criterion, metric, found, alpha)
    shown = f"{render_figure(found.value, unit)} of {render_count(found.n)}"
    return Gate(name, verdict, rule, shown + note, challenger=found.value, n=int(found.n))


def _judge(
    criterion: Criterion, metric: Metric, found: Reading, alpha: float
) -> tuple[Verdict, str]:
    beyond = (
        found.value - criterion.limit
        if criterion.bound == "max"
        else (criterion.limit - found.value)
    )
    if metric.kind == "proportion" and not 0 <= found.value <= 1:
        return Verdict.ERROR, ": no share can be"
    if beyond > 0 and metric.kind == "proportion":
        if _is_harm(criterion, found, alpha):
            return Verdict.FAIL, ""
    elif beyond > 0 and found.n >= metric.min_samples:
        return Verdict.FAIL, ""
    if found.n < metric.min_samples:
        return Verdict.INCONCLUSIVE, f": fewer than {metric.min_samples:,}"
    if beyond > 0:
        return Verdict.INCONCLUSIVE, ": beyond the limit, but it may be chance"
    return (Verdict.PASS, "") if beyond > -float("inf") else (Verdict.ERROR, ": infinite")


def _is_harm(criterion: Criterion, found: Reading, alpha: float) -> bool:
    """More than chance, and more than one or two: those are enough only where none is allowed."""
    tail = _tail(criterion, found)
    return tail <= alpha and (tail == 0 or is_enough(_bad(criterion, found)))


def _tail(criterion: Criterion, found: Reading) -> float:
    """The chance of such a figure or a worse one, if the truth were at the limit."""
    limit = criterion.limit if criterion.bound == "max" else 1 - criterion.limit
    return binomial_tail(_bad(criterion, found), found.n, limit)


def _bad(criterion: Criterion, found: Reading) -> float:
    """How many of a proportion's samples are what its limit is about: errors, or wrong answers."""
    return found.events if criterion.bound == "max" else found.n - found.events


def _assess_role(
    spec: RolloutSpec, criterion: Criterion, role: Role, observation: Observation, now: datetime
) -> Gate:
    version = spec.version if role == "challenger" else spec.champion_version
    found = read_sample(
        observation.sample(criterion.metric, role),
        version=version,
        now=now,
        max_age=spec.plan.max_age_of(criterion.metric),
    )
    metric = spec.plan.metrics.queries[criterion.metric]
    return assess_criterion(criterion, metric, found, spec.plan.statistics.criterion_alpha)


def _assess_health(role: Role, health: Health) -> Gate:
    verdict = {True: Verdict.PASS, False: Verdict.FAIL, None: Verdict.ERROR}[health.is_answering]
    found = {True: "answers", False: "does not answer", None: "unknown"}[health.is_answering]
    why = f": {health.reason}" if health.reason and verdict is not Verdict.PASS else ""
    return Gate(role, verdict, "its server answers", found + why)


def _assess_routing(expected: Routing, found: Routing | None) -> Gate:
    rule = "traffic is as recorded"
    if found is None:
        return Gate("traffic", Verdict.ERROR, rule, "the traffic provider does not say")
    if not found.agrees_with(expected):
        reason = f"the challenger gets {render_percent(found.challenger_percent)}"
        return Gate("traffic", Verdict.INCONCLUSIVE, rule, reason)
    return Gate("traffic", Verdict.PASS, rule, "as recorded")


def _urgent(verdicts: Sequence[Verdict]) -> Verdict:
    """The worst, but FAIL before ERROR: known harm does not wait until a gauge is mended."""
    return Verdict.FAIL if Verdict.FAIL in verdicts else worst(verdicts)
