"""What was committed beside each merged manifest: its evidence, dvc.lock, the registry's answer."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.adapters.git.objects import Blob, read_objects
from pipeline.adapters.git.plumbing import Git
from pipeline.core.evidence import MAX_FILE_BYTES
from pipeline.core.site.evidence import PARTS, read_evidence
from pipeline.core.site.facts import Evidence, Merged

_LOCK, _REGISTRATION = "dvc.lock", "artifacts/register/registration.json"


def read_packages(git: Git, merged: Sequence[Merged]) -> dict[str, Evidence]:
    """The evidence of each merge by its commit, as that commit has it. Raises OutsideError."""
    wanted = [f"{one.commit}:{path}" for one in merged for path in _paths(one)]
    found = read_objects(git, wanted, MAX_FILE_BYTES)
    return {one.commit: _evidence(one, found) for one in merged}


def _evidence(merged: Merged, found: dict[str, Blob]) -> Evidence:
    def content(path: str) -> bytes | None:
        blob = found.get(f"{merged.commit}:{path}")
        return blob.content if blob else None

    files = {part: content(f"{merged.spec.evidence.folder}/{part}") for part in PARTS}
    lock = found.get(f"{merged.commit}:{_LOCK}")
    return read_evidence(merged.spec, files, lock.id if lock else None, content(_REGISTRATION))


def _paths(merged: Merged) -> list[str]:
    return [*(f"{merged.spec.evidence.folder}/{part}" for part in PARTS), _LOCK, _REGISTRATION]
