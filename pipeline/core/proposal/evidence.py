"""The digest of a proposal's evidence: what a run found, and not what it cost or how it was told.

Two runs on the same data, code and parameters find the same; that is what "closed by a person:
nothing until the evidence changes" rests on. Times and costs differ from run to run, and so does
whatever repeats them: the report, the gates, the evidence package and the manifest that names it,
and DVC's lock. Their own digests are checked where they are read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

FOUND = ("artifacts/", "params.yaml")
NOT_FOUND = (
    "artifacts/evaluate/latency.json",
    "artifacts/timings.json",
    "artifacts/report/",
    "artifacts/gates/",
    "artifacts/register/",  # the registry's own numbers
    "artifacts/ab-test/",
    "artifacts/check.json",  # what monitoring saw
)


def is_evidence(path: str) -> bool:
    """Whether a file of the repository belongs to the evidence."""
    return path.startswith(FOUND) and not path.startswith(NOT_FOUND)


def evidence_digest(files: Mapping[str, bytes]) -> str:
    """`sha256:<hex>` of the evidence among `files`, a whole checkout's or commit's by path.

    Files that are no evidence do not count, so a checkout and the commit that was made from it
    agree unless main has changed the evidence since.
    """
    parts = [
        [path, hashlib.sha256(content).hexdigest()]
        for path, content in sorted(files.items())
        if is_evidence(path)
    ]
    return f"sha256:{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"
