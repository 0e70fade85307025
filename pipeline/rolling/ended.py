"""The retrain whose proposal is open no longer: closed by a person, or its rollout taken back."""

from __future__ import annotations

from pipeline.core.proposal.identity import branch_of
from pipeline.errors import ConfigurationError
from pipeline.forge import Forge, PullState
from pipeline.rolling.model_state import ModelState, load_model
from pipeline.rolling.repository import RolloutRepository
from pipeline.rollout_status import Phase

ENDED = (Phase.ROLLED_BACK, Phase.ABORTED, Phase.REFUSED)


def closed_retrain(forge: Forge, retrain: str) -> dict[str, str]:
    """Who closed the newest pull request of `retrain`, by its id; empty unless it is closed.

    A merged one is not closed: how that ends, its rollout tells. Raises OutsideError.
    """
    branch = branch_of(retrain)
    pull = next((pull for pull in forge.pulls(branch) if pull.branch == branch), None)
    if pull is None or pull.state is not PullState.CLOSED:
        return {}
    by = f" by {pull.closed_by}" if pull.closed_by else ""
    return {retrain: f"pull request #{pull.number} was closed{by}"}


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
