"""rollouts/<model>/status/: what became of a rollout, one file for each transition.

The reconciler alone writes here, and each of its commits adds one file and changes none. So the
revert of any commit of a rollout takes away just that file, and never conflicts with those that
came after it: a single status.yaml would conflict with every later commit that rewrote it. Each
record carries the whole state after it; the newest one that is there is the state.

`sequence` grows over the life of a model and is never used twice, reverted or not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from pipeline.champion import Champion, Digest
from pipeline.config import Count, Identifier, Section, UtcTime
from pipeline.domain import Verdict
from pipeline.errors import ConfigurationError
from pipeline.manifest import Version, parse_document, read_bounded, render_values, values_digest
from pipeline.rollout_units import Duration, MetricName

MAX_RECORDS = 20_000
_HEADER = """\
# Written by the reconciler alone. To take this step back: `git revert` of the commit that added it.
"""
_NAME = re.compile(r"^([0-9]{4,9})-[a-z0-9-]{1,40}\.yaml$")

Text = Annotated[str, Field(max_length=4_000)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, lt=10**9)]
Sequence = Annotated[int, Field(ge=1, lt=10**9)]
ReadVerdict = Annotated[Verdict, Field(strict=False)]


class Phase(StrEnum):
    """Where a rollout is. From PENDING to PAUSED it may go on; BAKING and PROMOTED serve all."""

    PENDING = "Pending"
    PROGRESSING = "Progressing"
    PAUSED = "Paused"
    BAKING = "Baking"
    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    ABORTED = "Aborted"
    SUPERSEDED = "Superseded"
    REFUSED = "Refused"

    @property
    def is_ended(self) -> bool:
        """Whether the challenger lost its traffic for good: only a retry brings it back."""
        return self in (Phase.ROLLED_BACK, Phase.ABORTED, Phase.SUPERSEDED, Phase.REFUSED)

    @property
    def is_promoted(self) -> bool:
        """Whether the challenger has become the champion."""
        return self in (Phase.BAKING, Phase.PROMOTED)


class Kind(StrEnum):
    """What happened: one kind of transition, and one word of a file's name."""

    WAITING = "waiting"
    STAGE = "stage"
    PAUSED = "paused"
    RESUMED = "resumed"
    HELD = "held"
    CLEARED = "cleared"
    PROMOTED = "promoted"
    SETTLED = "settled"
    ENDED = "ended"


class PauseCause(StrEnum):
    """Why a rollout is paused: it says what ends the pause."""

    COMMAND = "command"
    HOLD = "hold"
    REVERT = "revert"


class Sample(Section):
    """One figure of one version. `value` is in the metric's base unit; None where there is none.

    `n` is the number of requests or labels that it rests on, `version` the one that the provider
    says it measured, `sampled_at` the time of its newest data. `error` says why a query failed.
    """

    metric: MetricName
    role: Literal["champion", "challenger"]
    version: Text
    value: float | None = None
    n: float | None = None
    window: Duration
    sampled_at: UtcTime | None = None
    query: Text = ""
    error: Text | None = None


class GateEvidence(Section):
    """One gate as it was assessed; see `pipeline.domain.Gate`. A dry run does not `decide`."""

    name: Text
    verdict: ReadVerdict
    rule: Text
    reason: Text
    decides: bool = True


class Trouble(Section):
    """A run of checks that were FAIL or ERROR and did not end the rollout yet.

    `verdict` is the newest, `since` when the run began with either. `other_seconds` is how much of
    it was of the other verdict; None where all of it was of this one.
    """

    verdict: ReadVerdict
    since: UtcTime
    other_seconds: Seconds | None = None


class Record(Section):
    """One transition, and the state after it.

    `stage` is 0 before the first one; `stage_since` is when its time began to count;
    `deadline_from` is the earliest moment from which its deadline counts, where a pause moved it.
    `answers` are the sequences of reverted records that this one reacts to. `attempt` counts the
    starts of one challenger; `champion_before` is the champion.yaml that a promotion replaced.
    """

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    model: Identifier
    sequence: Sequence
    at: UtcTime
    kind: Annotated[Kind, Field(strict=False)]
    phase: Annotated[Phase, Field(strict=False)]
    version: Version
    spec: Digest
    challenger: Digest
    champion: Digest
    attempt: Count = 1
    stage: Annotated[int, Field(ge=0)] = 0
    weight_percent: Percent = 0.0
    stage_since: UtcTime
    deadline_from: UtcTime | None = None
    is_released: bool = False
    pause: Annotated[PauseCause, Field(strict=False)] | None = None
    pause_sequence: Sequence | None = None
    trouble: Trouble | None = None
    answers: tuple[Sequence, ...] = ()
    champion_before: Champion | None = None
    verdict: ReadVerdict | None = None
    reason: Text
    gates: tuple[GateEvidence, ...] = ()
    samples: tuple[Sample, ...] = ()

    @property
    def name(self) -> str:
        """The name of its file."""
        word = f"stage-{self.stage}" if self.kind is Kind.STAGE else str(self.kind)
        return f"{self.sequence:04d}-{word}.yaml"

    @property
    def digest(self) -> str:
        """What this says, as a digest: comments and layout do not count."""
        return values_digest(record_values(self))

    @model_validator(mode="after")
    def _is_a_state(self) -> Self:
        if (self.phase is Phase.PAUSED) != (self.pause is not None and bool(self.pause_sequence)):
            raise ValueError("a paused rollout has pause and pause_sequence, and no other has")
        if self.phase.is_promoted and self.champion_before is None:
            raise ValueError("a promoted rollout has champion_before: it must be able to go back")
        is_over = self.phase.is_promoted or self.phase.is_ended
        if self.champion_before is not None and not is_over:
            raise ValueError("champion_before is of a rollout that was promoted")
        if self.phase.is_ended and self.weight_percent != 0:
            raise ValueError("a rollout that ended has no traffic")
        return self


@dataclass(frozen=True)
class RolloutStatus:
    """Everything that ever happened to a model's rollouts, in order.

    `records` are there now; `reverted` were added by a commit and are not there any more. The
    sequences of those that went once more, after the records that answer them, are
    `reverted_again`: somebody had brought them back meanwhile.
    """

    model: str
    records: tuple[Record, ...] = ()
    reverted: tuple[Record, ...] = ()
    reverted_again: frozenset[int] = frozenset()

    @property
    def ever(self) -> tuple[Record, ...]:
        """All records by sequence, reverted or not."""
        return tuple(sorted((*self.records, *self.reverted), key=lambda r: r.sequence))

    @property
    def next_sequence(self) -> int:
        """A sequence that no record has, or ever had."""
        return max((r.sequence for r in (*self.records, *self.reverted)), default=0) + 1

    @property
    def answered(self) -> frozenset[int]:
        """The sequences of reverted records that a record has reacted to."""
        numbers = frozenset(number for record in self.records for number in record.answers)
        return numbers - self.reverted_again

    def has_acted_on(self, spec: str) -> bool:
        """Whether a spec of this digest was ever acted on."""
        return any(record.spec == spec for record in self.ever)

    def endings_of(self, challenger: str) -> tuple[Record, ...]:
        """The ledger: each time that this model digest was stopped, reverted or not."""
        ended = [r for r in self.ever if r.kind is Kind.ENDED and r.challenger == challenger]
        attempts = {record.attempt: record for record in reversed(ended)}
        return tuple(attempts[attempt] for attempt in sorted(attempts))


def status_path(root: Path, model: str) -> Path:
    """The folder of the records of `model` in the repository at `root`."""
    return root / "rollouts" / model / "status"


def parse_record(text: str, where: str) -> Record:
    """The record in a YAML document. Raises ConfigurationError naming every fault."""
    return parse_document(Record, text, where)


def render_record(record: Record) -> str:
    """`record` as YAML: one order of keys, so equal records are equal bytes."""
    return _HEADER + render_values(record_values(record))


def record_values(record: Record) -> dict[str, Any]:
    """`record` as plain values that parse back to it."""
    return record.model_dump(mode="json", by_alias=True, exclude_none=True)


def load_status(root: Path, model: str, reverted: tuple[Record, ...] = ()) -> RolloutStatus:
    """The records of `model`; git's history tells which were `reverted`.

    Raises ConfigurationError for a file that is no record, or whose name or model is another's.
    """
    folder = status_path(root, model)
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if folder.is_symlink() or len(names) > MAX_RECORDS:
        fault = f"expected a folder of its own with at most {MAX_RECORDS:,} files"
        raise ConfigurationError(str(folder), [fault])
    records = [load_record(folder / name, model) for name in names]
    return RolloutStatus(model, tuple(sorted(records, key=lambda r: r.sequence)), reverted)


def load_record(path: Path, model: str) -> Record:
    """The record at `path`. Raises ConfigurationError where it is not one of `model`."""
    text = read_bounded(path) if _NAME.match(path.name) else None
    if text is None:
        raise ConfigurationError(str(path), ["expected a record such as 0001-stage-1.yaml"])
    return check_record(parse_record(text, str(path)), path.name, model, str(path))


def check_record(record: Record, name: str, model: str, where: str) -> Record:
    """`record`, if it belongs in a file of this `name`. Raises ConfigurationError otherwise."""
    if (record.name, record.model) != (name, model):
        fault = f"found {record.name} of {record.model} in it, expected {name} of {model}"
        raise ConfigurationError(where, [fault])
    return record
