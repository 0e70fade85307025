"""Every model below rollouts/, as the files of a checkout tell of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from pipeline.champion import Champion, load_champion
from pipeline.config import load_usecase
from pipeline.core.dashboard.facts import ModelFacts, OpenPull, RolloutState, Serving
from pipeline.core.proposal.identity import retrain_of
from pipeline.core.triggers.ledger import Ledger
from pipeline.errors import ConfigurationError
from pipeline.forge import PullRequest, PullState
from pipeline.paths import model_names
from pipeline.proposing.champion_history import champion_history
from pipeline.rollout_status import load_status
from pipeline.trigger_config import TriggerConfig, load_triggers

T = TypeVar("T")


def load_models(root: Path, ledger: Ledger, pulls: Iterable[PullRequest]) -> tuple[ModelFacts, ...]:
    """What is known of each model. A file of one that is broken is that model's failure alone."""
    is_open = [pull for pull in pulls if pull.state is PullState.OPEN]
    return tuple(_load_model(root, name, ledger, is_open) for name in model_names(root))


def _load_model(root: Path, model: str, ledger: Ledger, pulls: Iterable[PullRequest]) -> ModelFacts:
    failures: list[str] = []

    def tried(load: Callable[[], T]) -> T | None:
        try:
            return load()
        except ConfigurationError as error:
            failures.append(f"{_place(error.where, root)}: {'; '.join(error.faults)}")
            return None

    champion = tried(lambda: load_champion(root, model))
    return ModelFacts(
        model=model,
        serving=_serving(root, champion) if champion else None,
        ledger=ledger,
        config=tried(lambda: _config(root, model)),
        pulls=tuple(OpenPull(p.number, p.title) for p in pulls if retrain_of(p.branch, model)),
        rollout=tried(lambda: _rollout(root, model)),
        failures=tuple(failures),
    )


def _config(root: Path, model: str) -> TriggerConfig | None:
    """The triggers, which speak of one model: that of configs/usecase.yaml."""
    return load_triggers(root) if load_usecase(root).model == model else None


def _serving(root: Path, champion: Champion) -> Serving:
    reigns = champion_history(root, champion.model)
    since = reigns[0].since if reigns and reigns[0].digest == champion.digest else None
    return Serving(champion.digest, champion.as_of, champion.approved_by, champion.reason, since)


def _rollout(root: Path, model: str) -> RolloutState | None:
    records = load_status(root, model).records
    if not records:
        return None
    last = records[-1]
    return RolloutState(last.version, str(last.phase), last.weight_percent, last.at, last.reason)


def _place(where: str, root: Path) -> str:
    """A path from the root on: a machine's folders are nobody's business."""
    return where.removeprefix(f"{root}/")
