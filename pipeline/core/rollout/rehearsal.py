"""The rollout controller's part of a rehearsal: start the rollout, take the merge away, look.

The real reconcile, in a world without servers. What must follow a revert is the champion at 100 %
in one step, with nobody asked: no metric, no window, no health of the challenger.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.core.rollout.observation import UNKNOWN_HEALTH
from pipeline.core.rollout.reconcile import reconcile
from pipeline.core.rollout.windows import next_open
from pipeline.core.rollout.world import World
from pipeline.domain import Verdict
from pipeline.manifest import RolloutSpec
from pipeline.rollout_status import Phase, Record


@dataclass(frozen=True)
class ControllerRehearsal:
    """What came of it. `stage` is the record of the first stage, None where none started."""

    verdict: Verdict
    reason: str
    stage: Record | None = None


def rehearse_controller(spec: RolloutSpec, now: datetime) -> ControllerRehearsal:
    """Start `spec` at the first moment from `now` on that its windows allow, and revert it."""
    world = World(spec.model, spec.champion.digest, spec)
    at = next_open(spec.plan.deploy_windows, now)
    begun = reconcile(spec, world.status, world.observe(), at)
    world.apply(begun.effects, at)
    if begun.record is None or begun.record.phase.is_ended:
        return ControllerRehearsal(Verdict.FAIL, f"It would not start: {begun.reason}")
    world.spec = None  # this is all that a revert of the merge changes
    blind = world.observe(champion_health=UNKNOWN_HEALTH, challenger_health=UNKNOWN_HEALTH)
    back = reconcile(None, world.status, blind, at)
    world.apply(back.effects, at)
    fault = _fault(world, spec, at)
    if fault is not None:
        return ControllerRehearsal(Verdict.FAIL, fault, begun.record)
    reason = "From the first stage the champion is back at 100 % in one step, and stays there."
    return ControllerRehearsal(Verdict.PASS, reason, begun.record)


def _fault(world: World, spec: RolloutSpec, at: datetime) -> str | None:
    """What is not as it must be after the revert."""
    routing, newest = world.routing, world.status.ever[-1]
    if routing is None or routing.champion != spec.champion.digest:
        return "The champion of before does not serve."
    if routing.reaches_challenger:
        return f"The challenger keeps {routing.challenger_percent:g} % of the traffic."
    if newest.phase is not Phase.ROLLED_BACK:
        return f"It is recorded as {newest.phase}."
    again = reconcile(None, world.status, world.observe(), at)
    return None if again.is_noop else f"The next look would change more: {again.reason}"
