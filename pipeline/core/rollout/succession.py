"""Which manifest a rollout goes by, where the newest is not the one that it began with.

What bakes serves everyone, so it is watched to the end of its bake: under its own plan as people
last wrote it, and whatever was merged meanwhile waits. Before the promotion a newer manifest
supersedes instead: see reverts.py.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.core.rollout.state import Rollout, current_rollout
from pipeline.manifest import RolloutSpec
from pipeline.rollout_status import Phase, RolloutStatus

EarlierManifest = Callable[[str], RolloutSpec | None]


def goes_by(spec: RolloutSpec, rollout: Rollout) -> bool:
    """Whether `spec` is what the rollout is judged by: its own, edited or not once promoted."""
    state = rollout.state
    is_edited = state.phase.is_promoted and spec.challenger.digest == state.challenger
    return is_edited or spec.digest == state.spec


def is_earlier(spec: RolloutSpec, status: RolloutStatus, rollout: Rollout) -> bool:
    """Whether `spec` was there before this rollout, so that its merge was reverted.

    Either it was acted on, or it is an edit of the manifest that the champion came with. One that
    was compared with this rollout's challenger came later: it proposes the champion of before.
    """
    if goes_by(spec, rollout):
        return False
    champion, challenger = rollout.state.champion, rollout.state.challenger
    is_of_champion = spec.challenger.digest == champion and spec.champion.digest != challenger
    return is_of_champion or status.has_acted_on(spec.digest)


def must_wait(spec: RolloutSpec, status: RolloutStatus, rollout: Rollout) -> bool:
    """Whether `spec` is the next challenger's, and the one before still bakes."""
    is_other = not goes_by(spec, rollout) and not is_earlier(spec, status, rollout)
    return rollout.state.phase is Phase.BAKING and is_other


def spec_in_force(
    manifest: RolloutSpec | None, status: RolloutStatus, earlier: EarlierManifest
) -> RolloutSpec | None:
    """The manifest to go by: the one that is there, or the one of what bakes while that one waits.

    `earlier` gives the newest manifest of a challenger by its digest, None where none is known:
    then nothing can be judged, and reconcile says so.
    """
    rollout = current_rollout(status)
    if manifest is None or rollout is None or not must_wait(manifest, status, rollout):
        return manifest
    return earlier(rollout.state.challenger) or manifest


def told_wait(waiting: RolloutSpec, baking: RolloutSpec, rollout: Rollout) -> str:
    """One line for people: what waits, for what, and until when at least."""
    bake = baking.plan.bake_after_promotion or baking.plan.stages[-1].duration
    until = f"{rollout.state.stage_since + bake:%Y-%m-%d %H:%M} UTC"
    return f"{waiting.version} waits: {baking.version} still bakes, until {until}."
