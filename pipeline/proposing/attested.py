"""What a workflow may sign: the digests of the model and of its evidence, as the proposal has them.

Another job signs them, which runs no code of the retrain; see docs/security.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.manifest import parse_rollout, rollout_path


def subjects_of(files: Mapping[str, bytes | None], model: str) -> dict[str, str]:
    """`version`, `model_digest` and `evidence_digest` of the manifest among `files`.

    Empty texts where a proposal changes no manifest. Raises ConfigurationError for one that is not
    valid.
    """
    path = rollout_path(Path(), model).as_posix()
    content = files.get(path)
    if content is None:
        return {"version": "", "model_digest": "", "evidence_digest": ""}
    spec = parse_rollout(content.decode("utf-8", "replace"), path)
    return {
        "version": spec.version,
        "model_digest": spec.challenger.digest,
        "evidence_digest": spec.evidence.digest,
    }
