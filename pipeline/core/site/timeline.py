"""Everything that happened to a model, in sentences: triggers, retrains, rollouts, rollbacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pipeline.core.pull.causes import finding_of, shortened, words
from pipeline.core.report.figures import short_digest
from pipeline.core.rollout.wording import render_percent
from pipeline.core.site.facts import ModelHistory, Reign, Written
from pipeline.core.site.lineage import pull_of
from pipeline.core.triggers.ledger import Event, Ledger, Retrain, RetrainState
from pipeline.rollout_status import Kind, Phase, Record

MAX_TEXT = 240
What = Literal["trigger", "retrain", "rollout", "rollback", "champion"]
_ENDS = {
    RetrainState.WON: "won",
    RetrainState.LOST: "lost",
    RetrainState.ABANDONED: "was given up",
}
_ENDINGS = {
    Phase.ROLLED_BACK: "is rolled back",
    Phase.ABORTED: "is aborted",
    Phase.SUPERSEDED: "makes way",
    Phase.REFUSED: "is refused",
}


@dataclass(frozen=True)
class Moment:
    """One thing that happened. `commit` is "" where no commit of main tells of it."""

    at: datetime
    what: What
    title: str
    text: str
    commit: str = ""


def moments_of(history: ModelHistory) -> tuple[Moment, ...]:
    """All of them, the most recent first; of one moment, what came last in its list."""
    found = [
        *(_ledger(history.ledger, history.model) if history.ledger else ()),
        *_merges(history),
        *(_champion(reign) for reign in history.reigns if reign.is_by_hand),
        *(_record(written) for written in history.written),
    ]
    return tuple(sorted(found, key=lambda moment: moment.at)[::-1])


def _ledger(ledger: Ledger, model: str) -> Iterator[Moment]:
    for event in ledger.events:
        if event.model == model:
            yield _event(event)
    for retrain in ledger.retrains:
        if retrain.model == model:
            yield Moment(retrain.planned_at, "retrain", f"{retrain.id} is planned", "")
            if not retrain.state.is_open:
                yield _retrain(retrain)


def _event(event: Event) -> Moment:
    answer = f"Goes into {event.retrain}." if event.retrain else "Waits for a retrain."
    if event.superseded_by:
        answer = "Void: another champion came."
    title = f"{words(event.trigger).capitalize()} ({event.priority})"
    return Moment(
        event.at, "trigger", title, f"{shortened(finding_of(event), MAX_TEXT)} {answer}".strip()
    )


def _retrain(retrain: Retrain) -> Moment:
    title = f"{retrain.id} {_ENDS[retrain.state]}"
    return Moment(retrain.changed_at, "retrain", title, shortened(retrain.note, MAX_TEXT))


def _merges(history: ModelHistory) -> Iterator[Moment]:
    for merged in history.merged:
        number = pull_of(merged.subject)
        where = f" by pull request #{number}" if number else ""
        title = f"{merged.spec.version} is merged{where}"
        text = f"Retrain {merged.spec.retrain}, by {merged.by}."
        yield Moment(merged.at, "rollout", title, text, merged.commit)


def _champion(reign: Reign) -> Moment:
    champion = reign.champion
    if champion is None:
        text = "champion.yaml names nobody that can be read."
        return Moment(reign.since, "champion", "No champion", text, reign.commit)
    title = f"{short_digest(champion.digest)} is made champion by {champion.approved_by}"
    return Moment(
        reign.since, "champion", title, shortened(champion.reason, MAX_TEXT), reign.commit
    )


def _record(written: Written) -> Moment:
    record = written.record
    what: What = "rollback" if record.kind is Kind.ENDED else "rollout"
    note = " Reverted since." if written.is_reverted else ""
    text = f"{shortened(record.reason, MAX_TEXT)}{note}"
    return Moment(record.at, what, _headline(record), text, written.commit)


def _headline(record: Record) -> str:
    share, version = render_percent(record.weight_percent), record.version
    if record.kind is Kind.ENDED:
        return f"{version} {_ENDINGS[record.phase]}"
    return {
        Kind.STAGE: f"{share} to {version}",
        Kind.PROMOTED: f"{version} is the champion",
        Kind.SETTLED: f"{version} has settled in",
        Kind.PAUSED: f"{version} is paused at {share}",
        Kind.RESUMED: f"{version} goes on at {share}",
        Kind.HELD: f"{version} is held at {share}",
        Kind.CLEARED: f"All clear for {version} at {share}",
    }.get(record.kind, f"{version} waits to start")
