"""One model's page as values: nothing in it is escaped yet, and nothing is left to work out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pipeline.core.report.figures import duration, is_known, signed
from pipeline.core.site.attempts import Attempt, Outcome, attempts_of
from pipeline.core.site.availability import availability
from pipeline.core.site.drawing import Drawing
from pipeline.core.site.facts import ModelHistory, Reign
from pipeline.core.site.lineage import Step, lineage
from pipeline.core.site.rollbacks import Rollback, rollback_time, rollbacks_of
from pipeline.core.site.rolling import Rolling, rolling_now
from pipeline.core.site.success_figures import (
    Figure,
    mean_improvement,
    retrains_a_month,
    rollout_success,
)
from pipeline.core.site.timeline import Moment, moments_of
from pipeline.core.site.track import draw_track
from pipeline.core.triggers.ledger import open_retrain, pending_events
from pipeline.manifest import version_of

SHOWN_MOMENTS, MOST_MOMENTS, MOST_ROLLOUTS = 12, 300, 50
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
Sign = Literal["good", "busy", "bad", "none"]


@dataclass(frozen=True)
class ChampionView:
    """Who serves; `since` is in words, `commit` the one that made it champion."""

    version: str
    digest: str
    since: str
    approved_by: str
    reason: str
    commit: str


@dataclass(frozen=True)
class RolloutRow:
    """One line of the table of rollouts; `sign` colours the outcome."""

    version: str
    started: str
    outcome: str
    sign: Sign
    improvement: str
    rollback: str


@dataclass(frozen=True)
class ModelPage:
    """`recent` moments are shown at once, `older` ones on demand; `hidden` more are only in git.

    So are `older_rollouts`, as many as are not among `rollouts`.
    """

    model: str
    sign: Sign
    state: str
    champion: ChampionView | None
    rolling: Rolling | None
    figures: tuple[Figure, ...]
    rollouts: tuple[RolloutRow, ...]
    lineage: tuple[Step, ...]
    track: Drawing | None
    recent: tuple[Moment, ...]
    older: tuple[Moment, ...]
    hidden: int
    older_rollouts: int
    faults: tuple[str, ...]

    @property
    def path(self) -> str:
        """Where the page is below the site's root."""
        return f"models/{self.model}.html"


def view_model(history: ModelHistory, at: datetime) -> ModelPage:
    """What the site says of a model at `at` (with a zone)."""
    attempts = attempts_of(history.written)
    moments = moments_of(history)
    rolling = rolling_now(history, attempts)
    sign, state = _state(history, rolling)
    return ModelPage(
        model=history.model,
        sign=sign,
        state=state,
        champion=_champion(history),
        rolling=rolling,
        figures=(
            retrains_a_month(history, at),
            mean_improvement(history),
            rollout_success(history.model, attempts),
            rollback_time(history.model, attempts, history.asked),
            availability(history, at),
        ),
        rollouts=tuple(_rows(history, attempts)),
        lineage=lineage(history),
        track=draw_track(history, attempts, at),
        recent=moments[:SHOWN_MOMENTS],
        older=moments[SHOWN_MOMENTS:MOST_MOMENTS],
        hidden=max(0, len(moments) - MOST_MOMENTS),
        older_rollouts=max(0, len(attempts) - MOST_ROLLOUTS),
        faults=history.faults,
    )


def _state(history: ModelHistory, rolling: Rolling | None) -> tuple[Sign, str]:
    """A sign and a sentence: the first of these that holds."""
    if history.faults:
        return "bad", "Something in git cannot be read: see below."
    if not history.reigns or history.reigns[-1].champion is None:
        return "none", "No champion yet: a person approves the first one."
    if rolling is not None:
        return "busy", f"A rollout is under way, at {rolling.weight} of traffic."
    retrain = open_retrain(history.ledger, history.model) if history.ledger else None
    if retrain is not None:
        return "busy", f"Retrain {retrain.id} is under way: {retrain.state.lower()}."
    if history.ledger and pending_events(history.ledger, history.model):
        return "busy", "A retrain is due, and waits for the next check."
    return "good", "Nothing is due."


def _champion(history: ModelHistory) -> ChampionView | None:
    reign: Reign | None = history.reigns[-1] if history.reigns else None
    if reign is None or reign.champion is None:
        return None
    champion = reign.champion
    return ChampionView(
        version=version_of(champion.digest, champion.as_of),
        digest=champion.digest,
        since=f"{reign.since:%Y-%m-%d %H:%M} UTC",
        approved_by=champion.approved_by,
        reason=_DIGEST.sub(lambda found: f"{found[0][:19]}…", champion.reason),
        commit=reign.commit,
    )


_SIGNS: dict[Outcome, Sign] = {
    Outcome.COMPLETED: "good",
    Outcome.STOPPED: "bad",
    Outcome.RUNNING: "busy",
    Outcome.REPLACED: "none",
    Outcome.REFUSED: "none",
}


def _rows(history: ModelHistory, attempts: tuple[Attempt, ...]) -> list[RolloutRow]:
    """The newest rollouts, the most recent first."""
    rollbacks = {(r.version, r.at): r for r in rollbacks_of(attempts, history.asked)}
    return [_row(history, attempt, rollbacks) for attempt in reversed(attempts[-MOST_ROLLOUTS:])]


def _row(
    history: ModelHistory,
    attempt: Attempt,
    rollbacks: dict[tuple[str, datetime], Rollback],
) -> RolloutRow:
    merged, ending = history.merge_of(attempt.spec), attempt.ending
    value = merged.evidence.improvement if merged else None
    found = rollbacks.get((attempt.version, ending.record.at)) if ending else None
    return RolloutRow(
        version=attempt.version,
        started=f"{attempt.started:%Y-%m-%d %H:%M}",
        outcome=str(attempt.outcome).capitalize(),
        sign=_SIGNS[attempt.outcome],
        improvement=signed(value) if is_known(value) else "not known",
        rollback=_took(found.took) if found else "–",
    )


def _took(took: timedelta | None) -> str:
    return duration(took.total_seconds()) if took is not None else "not known"
