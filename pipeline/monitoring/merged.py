"""Which challenger a retrain's manifest names, as the checkout has it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.manifest import load_rollout


def merged_challengers(root: Path, model: str) -> Mapping[str, str] | None:
    """The digest of the challenger by its retrain's id; empty where no manifest is there.

    None for a manifest that is refused: the reconciler tells of it. The trigger ledger cannot know
    a challenger, and the reason in champion.yaml is free text; the manifest names both.
    """
    try:
        spec = load_rollout(root, model)
    except ConfigurationError:
        return None
    return {spec.retrain: spec.challenger.digest} if spec is not None else {}
