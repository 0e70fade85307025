"""What kind of pull request it is, by what it changes: never by its branch, title or labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pipeline.core.review.gates import is_of_retrain


class Kind(StrEnum):
    """OTHER changes nothing in rollouts/; ROLLBACK goes back to what was there.

    RETRAIN proposes a rollout, SERVING is any other change of what serves.
    """

    RETRAIN = "retrain"
    ROLLBACK = "rollback"
    SERVING = "change of what serves"
    OTHER = "other"


@dataclass(frozen=True)
class Change:
    """A path that a merge would change; `is_restored`: to what main has had there before.

    A file that goes away is restored to its absence.
    """

    path: str
    is_restored: bool


def kind_of(changes: Iterable[Change]) -> Kind:
    """The kind. One change that is not restored makes a rollback something else."""
    changes = tuple(changes)
    models = {path.split("/")[1] for path in _serving(changes)}
    if not models:
        return Kind.OTHER
    if all(change.is_restored and _may_go_back(change.path, models) for change in changes):
        return Kind.ROLLBACK
    is_proposal = any(path.endswith("/rollout.yaml") for path in _serving(changes))
    return Kind.RETRAIN if is_proposal else Kind.SERVING


def _serving(changes: Iterable[Change]) -> list[str]:
    return [c.path for c in changes if c.path.startswith("rollouts/") and c.path.count("/") >= 2]


def _may_go_back(path: str, models: set[str]) -> bool:
    """What a revert of a retrain's merge, or of a rollout's commits, touches."""
    return any(
        path.startswith(f"rollouts/{model}/") or is_of_retrain(path, model) for model in models
    )
