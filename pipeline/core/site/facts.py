"""What the site is made of: all that git's history says of one model, as values.

Two clocks are in it: `record.at` is the reconciler's, and each `at` beside a commit is that of
whoever committed. No length of a rollback mixes them; `Reign.since` is of either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.champion import Champion
from pipeline.core.triggers.ledger import Ledger
from pipeline.manifest import RolloutSpec
from pipeline.rollout_status import Kind, Record


@dataclass(frozen=True)
class Reign:
    """Who serves from a commit on; None where champion.yaml is gone, empty or broken there.

    `since` is the record's moment where the commit brought one that moves the champion, else the
    commit's own: then it `is_by_hand`.
    """

    champion: Champion | None
    since: datetime
    commit: str
    by: str
    is_by_hand: bool = True


@dataclass(frozen=True)
class Evidence:
    """What the evidence package of a merge says, where its digests agree with the manifest's.

    `improvement` and its interval are of `metric`, positive where the challenger is better. Each
    is None where the package does not say. `lock` is git's id of dvc.lock, `mlflow` a version.
    """

    data_digest: str | None = None
    holdout_digest: str | None = None
    code_commit: str | None = None
    metric: str = ""
    improvement: float | None = None
    low: float | None = None
    high: float | None = None
    lock: str | None = None
    mlflow: str | None = None
    fault: str = ""


@dataclass(frozen=True)
class Merged:
    """A manifest that came to main; `reviewers` are those whom the commit itself names."""

    spec: RolloutSpec
    commit: str
    at: datetime
    by: str
    subject: str
    reviewers: tuple[str, ...] = ()
    evidence: Evidence = Evidence()


@dataclass(frozen=True)
class Written:
    """A record and the commit that added it. `is_reverted`: it is not there any more."""

    record: Record
    commit: str
    at: datetime
    is_reverted: bool = False


@dataclass(frozen=True)
class Ask:
    """When a commit came that did more than add records: a merge, a revert, a command."""

    at: datetime
    is_command: bool = False


@dataclass(frozen=True)
class ModelHistory:
    """Everything of one model, each part oldest first.

    `ledger` is None where the clone has none. `max_per_month` is the pacing of
    configs/triggers.yaml where that speaks of this model. `faults` are files that could not be
    read, as sentences.
    """

    model: str
    reigns: tuple[Reign, ...] = ()
    merged: tuple[Merged, ...] = ()
    written: tuple[Written, ...] = ()
    asked: tuple[Ask, ...] = ()
    ledger: Ledger | None = None
    max_per_month: int | None = None
    faults: tuple[str, ...] = ()

    @property
    def began(self) -> datetime | None:
        """When the first champion came; None before there is one."""
        return next((reign.since for reign in self.reigns if reign.champion is not None), None)

    def merge_of(self, spec: str) -> Merged | None:
        """The newest merge of the manifest with this digest."""
        return next((m for m in reversed(self.merged) if m.spec.digest == spec), None)


def promotions(written: Sequence[Written]) -> tuple[Written, ...]:
    """Each record that made a challenger champion, reverted or not."""
    return tuple(found for found in written if found.record.kind is Kind.PROMOTED)
