"""The traffic of a model as git has it: who should get what, and how users are hashed."""

from __future__ import annotations

from pipeline.core.rollout.observation import Routing
from pipeline.core.rollout.state import current_rollout, stage_of, wanted_routing
from pipeline.rolling.model_state import ModelState


def salt_of(state: ModelState) -> str:
    """What users are hashed with: the A/B test's, so that both route alike; else the version."""
    spec = state.last_spec
    return (spec.plan.ab_test or spec.version) if spec else "none"


def recorded_routing(state: ModelState) -> Routing:
    """Who gets the traffic as git has it, once everybody has done what it says."""
    champion = state.champion.digest if state.champion else ""
    rollout = current_rollout(state.status)
    if rollout is None:
        return Routing(champion)
    is_mine = state.spec is not None and state.spec.digest == rollout.state.spec
    stage = stage_of(state.spec, rollout.state) if state.spec is not None and is_mine else None
    return wanted_routing(rollout.state, champion, stage)


def provider_of(state: ModelState) -> str:
    """The traffic provider that the manifest names, or the last one did; else Envoy."""
    return state.last_spec.plan.traffic_provider if state.last_spec else "envoy"
