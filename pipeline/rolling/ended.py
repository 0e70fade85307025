"""The retrain whose rollout ended without a promotion: its proposal is open no longer."""

from __future__ import annotations

from pipeline.errors import ConfigurationError
from pipeline.rolling.model_state import ModelState, load_model
from pipeline.rolling.repository import RolloutRepository
from pipeline.rollout_status import Phase

ENDED = (Phase.ROLLED_BACK, Phase.ABORTED, Phase.REFUSED)


def ended_retrains(repository: RolloutRepository, model: str) -> dict[str, str]:
    """How the newest rollout of `model` ended, by the name of its retrain; empty while it runs.

    A manifest that is refused ends nothing: the reconciler tells of it. Raises OutsideError.
    """
    snapshot = repository.snapshot()
    tree = snapshot.models.get(model)
    try:
        return _ended(load_model(snapshot, tree)) if tree is not None else {}
    except ConfigurationError:
        return {}


def _ended(state: ModelState) -> dict[str, str]:
    spec, records = state.last_spec, state.status.records
    if spec is None or not records:
        return {}
    newest = records[-1]
    if newest.phase not in ENDED or newest.challenger != spec.challenger.digest:
        return {}
    return {spec.retrain: f"{newest.phase}: {newest.reason}"}
