"""Links between a moment and the model that served: traffic, manifest, champion pointer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from pipeline.champion import Champion
from pipeline.core.inert import printable
from pipeline.core.trace.links import Check, Link
from pipeline.experiment import Experiment
from pipeline.manifest import ModelIdentity, RolloutSpec, version_of
from pipeline.rollout_status import Phase, Record

MINUTE = "%Y-%m-%d %H:%M UTC"


@dataclass(frozen=True)
class Made:
    """A commit, as git tells of it. Names are as their makers gave them."""

    commit: str
    at: datetime
    author: str = ""
    subject: str = ""
    parents: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """Who made it and when, safe to show."""
        return f"commit {self.commit[:12]} of {self.at:{MINUTE}} by {printable(self.author, 60)}"


@dataclass(frozen=True)
class Written:
    """A status record: as its first commit had it, and the blobs that its file ever had."""

    record: Record
    made: Made
    blobs: tuple[str, ...]
    champion_after: Champion | None  # champion.yaml in that commit


@dataclass(frozen=True)
class Manifest:
    """A rollout.yaml that a commit brought."""

    spec: RolloutSpec
    made: Made


@dataclass(frozen=True)
class Pointer:
    """A champion.yaml that a commit brought."""

    champion: Champion
    made: Made


def link_traffic(written: Written, spec: RolloutSpec | None) -> Link:
    """The record that decided, against the plan of its manifest and the commit that wrote it."""
    record = written.record
    checks = [
        Check(f"{record.name}, written once", " → ".join(written.blobs), written.blobs[0]),
        Check(f"{record.name}: model version", record.version[11:], record.challenger[7:19]),
    ]
    if spec is not None:
        checks += _against_plan(record, spec)
    if record.phase.is_promoted and written.champion_after is not None:
        found = written.champion_after.digest
        checks.append(Check("champion.yaml of its commit", found, record.challenger))
    stages = f" of {len(spec.plan.stages)}" if spec else ""
    where = f", stage {record.stage}{stages}" if record.stage and not _is_over(record) else ""
    share = "100 %" if record.phase.is_promoted else f"{record.weight_percent:g} %"
    return Link(
        "traffic",
        (
            f"{record.phase}{where}: the challenger had {share} since {record.at:{MINUTE}}",
            f"{record.name}, {written.made.line}",
        ),
        tuple(checks),
    )


def _against_plan(record: Record, spec: RolloutSpec) -> list[Check]:
    pairs = [
        ("challenger", record.challenger, spec.challenger.digest),
        ("champion", record.champion, spec.champion.digest),
        ("weight in percent", f"{record.weight_percent:g}", f"{_planned(record, spec):g}"),
    ]
    return [Check(f"{record.name}: {what}", found, expected) for what, found, expected in pairs]


def _planned(record: Record, spec: RolloutSpec) -> float:
    """The challenger's percent that the plan gives this state."""
    if record.phase.is_promoted:
        return 100.0
    if record.phase.is_ended or not 0 < record.stage <= len(spec.plan.stages):
        return 0.0
    return spec.plan.stages[record.stage - 1].weight_percent


def _is_over(record: Record) -> bool:
    return record.phase.is_promoted or record.phase.is_ended or record.phase is Phase.PENDING


def link_test(versions: Sequence[tuple[Experiment, Made]], champions: Collection[str]) -> Link:
    """An A/B test: its model_a was a champion, and its file (newest first) was only added to.

    `champions` are the digests that champion.yaml ever named.
    """
    newest, made = versions[0]
    known = "a champion" if newest.model_a in champions else newest.model_a
    checks = [Check(f"{newest.id}: model_a", known, "a champion")]
    for (after, by), (before, _) in pairwise(versions):
        kept = after.weights[: len(before.weights)]
        same = {"model_a", "model_b", "salt", "started_at", "test"}
        is_grown = kept == before.weights and all(
            getattr(after, name) == getattr(before, name) for name in same
        )
        found = "adds to the one before" if is_grown else "rewrites the one before"
        checks.append(Check(f"{newest.id} in {by.commit[:12]}", found, "adds to the one before"))
    shares = ", ".join(
        f"{w.challenger_basis_points / 100:g} % from {w.at:{MINUTE}}" for w in newest.weights
    )
    return Link(
        "traffic", (f"A/B test {newest.id}: the challenger had {shares}", made.line), tuple(checks)
    )


def link_manifest(
    manifest: Manifest | None, record: Record | None, known: Sequence[Manifest], path: str
) -> Link:
    """The manifest that a record acted on, or that proposed the model where there is no record.

    `known` are all that ever were at `path`, newest first.
    """
    if manifest is None:
        found = known[0].spec.digest if known else "none was ever there"
        expected = record.spec if record else "one that proposes this model"
        return Link("manifest", (f"{path}: not found",), (Check(path, found, expected),))
    spec = manifest.spec
    checks = [Check(f"{path}: model version", spec.version[11:], spec.challenger.digest[7:19])]
    if record is not None:
        checks.insert(0, Check(path, spec.digest, record.spec))
    return Link(
        "manifest",
        (f"{path}, digest {spec.digest[:19]}, retrain {spec.retrain}", manifest.made.line),
        tuple(checks),
    )


def link_pointer(
    pointers: Sequence[Pointer],
    before: Champion | None,
    spec: RolloutSpec | None,
    *,
    path: str,
    merged_by: str | None,
) -> Link:
    """champion.yaml as a commit first wrote it, against the one before it and the manifest.

    `pointers` are all that name this model, newest first: none may say another thing of it.
    `merged_by` is who merged the manifest: a promotion writes that name down.
    """
    first, newest = pointers[-1], pointers[0]
    champion = first.champion
    checks = [
        Check(f"{path}: previous", champion.previous or "none", before.digest if before else "none")
    ]
    mine, theirs = _identity(newest.champion), _identity(spec.challenger if spec else champion)
    checks += [Check(f"{path}: {key}", mine[key], theirs[key]) for key in mine]
    if merged_by is not None:
        by = printable(merged_by, 100)
        checks.append(Check(f"{path}: approved_by", champion.approved_by, by))
    name = version_of(champion.digest, champion.as_of)
    says = f"{path} names {name}, approved by {printable(champion.approved_by, 60)}"
    return Link("pointer", (says, first.made.line), tuple(checks))


def _identity(model: Champion | ModelIdentity) -> dict[str, str]:
    return {
        "digest": model.digest,
        "package_md5": model.package_md5,
        "as_of": model.as_of.isoformat(),
    }
