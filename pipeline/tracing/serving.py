"""Who served at a moment: an A/B test that was active, else a rollout, else the champion.

Tests and rollouts say themselves when they did what, so that those whose files are gone since (by
a revert, say) are found too. The champion is the one of the last commit before the moment.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pipeline.core.routing import BUCKETS, Variant, assign, variant_of
from pipeline.core.trace.links import Serving
from pipeline.errors import GateRefused
from pipeline.rollout_status import Record
from pipeline.tracing.past import Kept, Past


def serving_at(past: Past, at: datetime) -> Serving:
    """Who served at `at`. Raises GateRefused where nobody did."""
    steps: tuple[Callable[[Past, datetime], Serving | None], ...] = (
        _by_test,
        _by_rollout,
        _by_champion,
    )
    for step in steps:
        found = step(past, at)
        if found is not None:
            return found
    raise GateRefused(
        f"no model served at {at:%Y-%m-%d %H:%M} UTC: no commit has a champion by then"
    )


def answered(serving: Serving, unit: str) -> tuple[str, str]:
    """The digest that answered the user or request `unit`, and why it was that one."""
    if serving.challenger is None:
        return serving.champion, serving.why
    bucket = assign(serving.salt, unit)
    variant = variant_of(bucket, serving.points)
    why = (
        f"{variant} by {serving.why}: bucket {bucket:,} of {BUCKETS:,}, the challenger had those "
        f"below {serving.points:,}"
    )
    return serving.challenger if variant is Variant.MODEL_B else serving.champion, why


def record_at(past: Past, at: datetime) -> Kept | None:
    """The newest record of a rollout by `at`, reverted since or not."""
    return next((kept for kept in reversed(past.records) if kept.record.at <= at), None)


def _by_test(past: Past, at: datetime) -> Serving | None:
    active = [test for (test, _), *_ in past.tests if test.is_active(at)]
    if not active:
        return None
    test = max(active, key=lambda one: one.started_at)
    why = f"A/B test {test.id}"
    return Serving(test.model_a, why, test.model_b, test.weight_at(at), test.salt)


def _by_rollout(past: Past, at: datetime) -> Serving | None:
    """By the last record; after a rollout has ended, a person may have put another champion."""
    kept = record_at(past, at)
    if kept is None:
        return None
    record = kept.record
    if record.phase.is_promoted or record.phase.is_ended:
        digest = record.challenger if record.phase.is_promoted else record.champion
        said = f"rollout of {record.version}, {record.phase} since record {record.name}"
        return _set_since(past, at, kept) or Serving(digest, said)
    why = f"rollout of {record.version}"
    points = 0 if _is_mirrored(past, record) else round(record.weight_percent * 100)
    return Serving(record.champion, why, record.challenger, points, _salt_of(past, record))


def _set_since(past: Past, at: datetime, kept: Kept) -> Serving | None:
    """A third model that champion.yaml names by `at`, put there after the record was written."""
    pair = (kept.record.champion, kept.record.challenger)
    written = past.made(kept.commit).at
    newest = past.pointer_at(at)
    if newest is None or newest.champion.digest in pair or newest.made.at <= written:
        return None
    return _by_champion(past, at)


def _is_mirrored(past: Past, record: Record) -> bool:
    """Whether the challenger gets copies of requests, whose answers nobody sees."""
    for manifest in past.manifests:
        stages = manifest.spec.plan.stages
        if manifest.spec.digest == record.spec and 0 < record.stage <= len(stages):
            return stages[record.stage - 1].is_mirror
    return False


def _salt_of(past: Past, record: Record) -> str:
    """The rollout's version, or the A/B test that its plan names: both route alike."""
    for manifest in past.manifests:
        if manifest.spec.digest == record.spec:
            return manifest.spec.plan.ab_test or manifest.spec.version
    return record.version


def _by_champion(past: Past, at: datetime) -> Serving | None:
    pointer = past.pointer_at(at)
    if pointer is None:
        return None
    commit = pointer.made.commit[:10]
    why = f"the champion of commit {commit}; no test and no rollout was active"
    return Serving(pointer.champion.digest, why)
