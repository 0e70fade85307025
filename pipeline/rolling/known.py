"""What somebody names must be something that git knows, or nothing would be done in silence.

A model is known for as long as the history of rollouts/ tells of it, so that one whose files a
revert took away can still be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.core.inert import quote
from pipeline.errors import ConfigurationError, did_you_mean
from pipeline.rolling.model_state import ModelState
from pipeline.rolling.names import versions_by_digest
from pipeline.rolling.snapshot import FOLDER, ModelTree, Snapshot

MOST_TOLD = 10  # names in one message


def known_model(snapshot: Snapshot, name: str) -> ModelTree:
    """The model `name`. Raises ConfigurationError for one that is in no commit."""
    require_known(snapshot.models, (name,))
    return snapshot.models[name]


def require_version(state: ModelState, version: str) -> None:
    """Raises ConfigurationError for a version that no file of the model ever named."""
    known = sorted(set(versions_by_digest(state).values()))
    if version not in known:
        told = ", ".join(known[-MOST_TOLD:])
        fault = f"found {quote(version)}, expected a version of {state.model}: {told}"
        raise ConfigurationError("--version", [f"{fault}{did_you_mean(version, known)}"])


def require_known(models: Iterable[str], names: Iterable[str]) -> None:
    """Raises ConfigurationError naming each of `names` that is not in `models`, and those."""
    known = [name for name in models if name.isprintable()]  # folders are made by anybody
    faults = [_fault(name, known) for name in names if name not in known]
    if faults:
        raise ConfigurationError("--model", faults)


def _fault(name: str, known: list[str]) -> str:
    if not known:
        return f"found {quote(name)}, and there is no model below {FOLDER}/ yet"
    more = f" and {len(known) - MOST_TOLD:,} more" if known[MOST_TOLD:] else ""
    hint = did_you_mean(name, known)
    told = ", ".join(known[:MOST_TOLD])
    return f"found {quote(name)}, expected a model below {FOLDER}/: {told}{more}{hint}"
