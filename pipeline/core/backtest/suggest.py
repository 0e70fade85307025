"""Thresholds for a wanted number of retrains, found by replaying what was seen under many of them.

One trigger at a time, all else as configured. Every look of a replay is kept, so that no
threshold needs another one; each moment keeps the champion that it had in that replay. Where a
threshold would have changed who served when, a replay with it is the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel, ValidationError

from pipeline.core.backtest.figures import MONTH, Figures, Onset, figures_of
from pipeline.core.backtest.replay import Check, Replay, Seen, Serving, Terms, replay
from pipeline.core.backtest.threshold_grid import KNOBS, Knob, Values
from pipeline.core.triggers.ledger import causes_of
from pipeline.trigger_config import TriggerConfig, TriggerName

Progress = Callable[[], None]


@dataclass(frozen=True)
class Question:
    """What is asked for: `wanted` retrains a month, over the past that was replayed on `terms`."""

    wanted: float
    model: str
    terms: Terms
    span: timedelta
    onsets: tuple[Onset, ...] = ()
    horizon: timedelta = timedelta(days=14)

    @property
    def target(self) -> int:
        """The wanted number of retrains in the whole replay, 1 or more."""
        return max(1, round(self.wanted * (self.span / MONTH)))


@dataclass(frozen=True)
class Trial:
    """The replay under other `values` of one trigger; `retrains` are those that it asked for."""

    values: Values
    retrains: int
    figures: Figures


@dataclass(frozen=True)
class Suggestion:
    """The answer for one trigger's knob.

    `configured` is the trial of the values as they are and `best` the proposal: the same where no
    value is nearer to `target`, and None where none gives about that many retrains. `nearest` are
    then the most below the target and the fewest above it that some value gives, each None where
    there is none.
    """

    trigger: TriggerName
    target: int
    configured: Trial
    best: Trial | None
    nearest: tuple[Trial | None, Trial | None]


def suggest(
    replayed: Replay, config: TriggerConfig, question: Question, progress: Progress = lambda: None
) -> tuple[Suggestion, ...]:
    """A suggestion for each knob of each trigger that is on and looks at the world.

    `replayed` must have been looked at by thresholds.without_thresholds. `progress` is called
    before each trial.
    """
    found = []
    for knob in KNOBS:
        rule = getattr(config.retraining_triggers, knob.trigger)
        if rule is None or not rule.enabled:
            continue
        now = {name: getattr(rule, name) for name in knob.fields}
        trials = []
        # Beside the least and the greatest figure there may be none that the file may have.
        grid = [values for values in knob.grid(replayed, config) if _may_have(rule, values)]
        for values in (now, *grid):
            progress()
            trials.append(_trial(replayed, config, question, knob, values))
        found.append(_suggestion(knob, question.target, trials[0], trials[1:]))
    return tuple(found)


def with_values(config: TriggerConfig, trigger: TriggerName, values: Values) -> TriggerConfig:
    """`config` with other values in one trigger."""
    rules = config.retraining_triggers
    rule = getattr(rules, trigger).model_copy(update=dict(values))
    return config.model_copy(
        update={"retraining_triggers": rules.model_copy(update={trigger: rule})}
    )


def _may_have(rule: BaseModel, values: Values) -> bool:
    """Whether configs/triggers.yaml takes these values in the section of `rule`."""
    try:
        type(rule).model_validate({**rule.model_dump(), **values})
    except ValidationError:
        return False
    return True


def choose(counts: Sequence[int], target: int) -> tuple[int | None, int | None]:
    """Where in `counts`, quietest values first, the most below and the fewest from `target` are.

    Only a count that no quieter value reaches is looked at, so that a higher target never gets a
    quieter value. None where there is none; 0 is no number of retrains to propose.
    """
    below = above = None
    most = 0
    for i, count in enumerate(counts):
        if count > most:
            most = count
            if count >= target:
                above = i
                break
            below = i
    return below, above


def _suggestion(knob: Knob, target: int, configured: Trial, trials: Sequence[Trial]) -> Suggestion:
    below, above = choose([trial.retrains for trial in trials], target)
    nearest = [None if i is None else trials[i] for i in (below, above)]
    near = [t for t in nearest if t is not None and _is_about(t.retrains, target)]
    if configured.retrains and _is_about(configured.retrains, target):
        near = [configured, *near]
    # min keeps the first of equals: what is configured, which need not be edited, then the quieter
    best = min(near, key=lambda trial: abs(trial.retrains - target), default=None)
    return Suggestion(knob.trigger, target, configured, best, (nearest[0], nearest[1]))


def _is_about(retrains: int, target: int) -> bool:
    return abs(retrains - target) <= max(1, target // 4)


def _trial(
    replayed: Replay, config: TriggerConfig, question: Question, knob: Knob, values: Values
) -> Trial:
    again = replay(
        _as_seen(replayed.checks),
        with_values(config, knob.trigger, values),
        model=question.model,
        first=replayed.checks[0].serving,
        moments=[check.at for check in replayed.checks],
        terms=question.terms,
    )
    figures = figures_of(again, question.span, question.onsets, question.horizon)
    return Trial(values, retrains_of(again, knob.trigger), figures)


def retrains_of(replayed: Replay, trigger: TriggerName) -> int:
    """How many retrains name `trigger` among their causes."""
    ledger = replayed.ledger
    return sum(
        1 for r in ledger.retrains if any(e.trigger == trigger for e in causes_of(ledger, r.id))
    )


def _as_seen(checks: Sequence[Check]) -> Callable[[Serving, object], Seen]:
    seen: Mapping[object, Seen] = {check.at: check.seen for check in checks}
    return lambda serving, at: seen[at]
