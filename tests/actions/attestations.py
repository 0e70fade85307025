"""actions/attest-build-provenance: what GitHub would sign is kept. Nothing is signed here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.actions.uses import Call, Failed

_DIGEST = re.compile("sha256:[0-9a-f]{64}")


def attest(call: Call) -> dict[str, str]:
    """Keep the statement of one subject. Raises Failed for a missing grant or an odd digest."""
    call.only("subject-name", "subject-digest")
    for scope in ("id_token", "attestations"):
        call.must(scope, "write")
    name, digest = call.given.get("subject-name"), call.given.get("subject-digest", "")
    if not name or not _DIGEST.fullmatch(digest):
        raise Failed("subject-name, and a subject-digest of the form sha256:<hex>, are needed")
    folder = folder_of(call.machine.root.parent)
    folder.mkdir(exist_ok=True)
    number = len(list(folder.iterdir())) + 1
    kept = folder / f"{number:04}.json"
    kept.write_text(json.dumps(_statement(call, name, digest)), encoding="utf-8")
    return {"attestation-id": str(number), "bundle-path": str(kept)}


def folder_of(folder: Path) -> Path:
    """Where statements are, of the Actions whose files are below `folder`."""
    return folder / "attestations"


def _statement(call: Call, name: str, digest: str) -> dict[str, Any]:
    """As in-toto and SLSA have it, as far as it is known here."""
    github = call.github
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "workflow": github["workflow_ref"],
            "commit": github["sha"],
            "run": f"{github['run_id']}/attempts/{github['run_attempt']}",
        },
    }
