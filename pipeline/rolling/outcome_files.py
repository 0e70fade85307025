"""The outcome of a rollout, in the commit that records it: the evidence package is completed.

One commit holds both, so a kill leaves neither or both, and a revert takes back both.
"""

from __future__ import annotations

from pipeline.core.evidence import MANIFEST, first_digest
from pipeline.core.rollout.outcome import outcome_path, render_outcome
from pipeline.core.rollout.state import current_rollout
from pipeline.core.rollout.succession import goes_by
from pipeline.rolling.model_state import ModelState
from pipeline.rollout_status import Record

EVIDENCE = "evidence/"


def outcome_files(state: ModelState, record: Record) -> dict[str, bytes | None]:
    """The file by its path in the repository; none where nothing ended, or no package is there.

    After the revert of a merge there is none: the package went with it. A package that was damaged
    is not completed, and keeps nobody from rolling back.
    """
    spec = state.spec
    if spec is None or not spec.evidence.path.startswith(EVIDENCE):
        return {}
    folder = spec.evidence.folder
    path = outcome_path(folder, record)
    manifest = state.snapshot.at(state.snapshot.commit, f"{folder}/{MANIFEST}") if path else None
    rollout = current_rollout(state.status)
    is_of_it = record.challenger == spec.challenger.digest
    is_edited = is_of_it and rollout is not None and goes_by(spec, rollout)
    if path is None or manifest is None or not (record.spec == spec.digest or is_edited):
        return {}
    try:
        digest = first_digest({MANIFEST: manifest})
    except (ValueError, LookupError, TypeError, RecursionError):
        return {}
    return {path: render_outcome(record, state.status.ever, digest).encode()}
