"""From the data to the traffic: each link of the chain that put the champion in front of users."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.champion import Champion
from pipeline.core.pull.causes import words
from pipeline.core.rollout.wording import render_percent
from pipeline.core.site.facts import Merged, ModelHistory, Reign, Written
from pipeline.core.triggers.ledger import Event, causes_of
from pipeline.forge import pull_number
from pipeline.rollout_status import Kind

Kinds = Literal["text", "code", "commit", "pull", "absent"]
ABSENT = "not in git"
_SAID = {
    Kind.STAGE: "",
    Kind.PROMOTED: ", as the champion",
    Kind.SETTLED: ", settled in",
}


@dataclass(frozen=True)
class Link:
    """One fact. `kind` says how it is shown: a "commit" as a link, where there is a forge.

    `note` stands before the value.
    """

    label: str
    value: str
    kind: Kinds = "text"
    note: str = ""


@dataclass(frozen=True)
class Step:
    """One link of the chain."""

    title: str
    links: tuple[Link, ...]


def lineage(history: ModelHistory) -> tuple[Step, ...]:
    """The chain of the champion that serves, () without one. What git does not hold says so."""
    reign = history.reigns[-1] if history.reigns else None
    if reign is None or reign.champion is None:
        return ()
    champion = reign.champion
    merged = next(
        (m for m in reversed(history.merged) if m.spec.challenger.digest == champion.digest), None
    )
    if merged is None:
        return tuple(_by_hand(champion, reign))
    return (
        Step("Data", tuple(_data(merged))),
        Step("Reason", tuple(_reason(history, merged))),
        Step("Model", tuple(_model(merged))),
        Step("Approval", tuple(_approval(merged))),
        Step("Traffic", tuple(_traffic(history.written, merged))),
    )


def pull_of(subject: str) -> str | None:
    """The number of the pull request that a commit's subject names, as text."""
    number = pull_number(subject)
    return None if number is None else str(number)


def _by_hand(champion: Champion, reign: Reign) -> Iterator[Step]:
    yield Step(
        "Data",
        (Link("Known as of", f"{champion.as_of:%Y-%m-%d %H:%M} UTC"), *_absent("Data digest")),
    )
    yield Step(
        "Model",
        (
            Link("Package", champion.digest, "code"),
            Link("In DVC", champion.package_md5, "code"),
            *_absent("MLflow version"),
        ),
    )
    yield Step(
        "Approval",
        (
            Link("Approved by", champion.approved_by),
            Link("Because", champion.reason),
            Link("Commit", reign.commit, "commit"),
        ),
    )
    yield Step("Traffic", (Link("Rollout", "none: a person put it there"),))


def _data(merged: Merged) -> Iterator[Link]:
    evidence = merged.evidence
    yield Link("Known as of", f"{merged.spec.challenger.as_of:%Y-%m-%d %H:%M} UTC")
    yield _or_absent("Data digest", evidence.data_digest)
    yield _or_absent("Holdout digest", evidence.holdout_digest)
    yield _or_absent("dvc.lock", evidence.lock)


def _reason(history: ModelHistory, merged: Merged) -> Iterator[Link]:
    yield Link("Retrain", merged.spec.retrain, "code")
    events: Sequence[Event] = ()
    if history.ledger is not None:
        events = causes_of(history.ledger, merged.spec.retrain)
    for event in events:
        yield Link(f"{words(event.trigger).capitalize()} ({event.priority})", event.reason)
    if not events:
        yield from _absent("Trigger")


def _model(merged: Merged) -> Iterator[Link]:
    yield _or_absent("Code", merged.evidence.code_commit, "commit")
    yield Link("Package", merged.spec.challenger.digest, "code")
    yield Link("In DVC", merged.spec.challenger.package_md5, "code")
    yield _or_absent("MLflow version", merged.evidence.mlflow, "text")
    yield Link("Evidence", merged.spec.evidence.digest, "code")
    if merged.evidence.fault:
        yield Link("But", merged.evidence.fault)


def _approval(merged: Merged) -> Iterator[Link]:
    number = pull_of(merged.subject)
    yield Link("Pull request", f"#{number}", "pull") if number else _absent("Pull request")[0]
    if merged.reviewers:
        yield Link("Approved by", ", ".join(merged.reviewers))
    else:
        yield Link("Approved by", f"{ABSENT}: reviews are with the pull request", "absent")
    yield Link("Merged by", merged.by)
    yield Link("Merge", merged.commit, "commit")


def _traffic(written: Sequence[Written], merged: Merged) -> Iterator[Link]:
    for found in written:
        record = found.record
        if record.spec == merged.spec.digest and record.kind in _SAID and not found.is_reverted:
            share, said = render_percent(record.weight_percent), _SAID[record.kind]
            at = f"{record.at:%Y-%m-%d %H:%M}"
            yield Link(at, found.commit, "commit", f"{share}{said}")


def _or_absent(label: str, value: str | None, kind: Kinds = "code") -> Link:
    return Link(label, value, kind) if value else _absent(label)[0]


def _absent(label: str) -> tuple[Link]:
    return (Link(label, ABSENT, "absent"),)
