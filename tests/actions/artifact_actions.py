"""actions/upload-artifact and actions/download-artifact: real zips, kept beside the run."""

from __future__ import annotations

import hashlib

from tests.actions.artifacts import find
from tests.actions.uses import Call, Failed

_UPLOAD = ("name", "path", "if-no-files-found", "retention-days", "include-hidden-files")


def upload(call: Call) -> dict[str, str]:
    """Keep what the globs find. Nothing found warns, fails, or is passed over, as asked."""
    call.only(*_UPLOAD, "overwrite")
    name = call.given.get("name", "artifact")
    with_hidden = call.flag("include-hidden-files", default=False)
    root, files = find(call.machine.workspace, call.given["path"], with_hidden=with_hidden)
    if not files:
        words = f"No files were found with the provided path: {call.given['path']}."
        if call.given.get("if-no-files-found") == "error":
            raise Failed(words)
        call.machine.say(words)
        return {}
    is_taken = call.store.has(name, call.attempt)
    if is_taken and not call.flag("overwrite", default=False):
        raise Failed(f"Conflict: an artifact with this name already exists: {name}")
    path = call.store.put(name, call.attempt, root, files)
    call.machine.say(f"{name}: {len(files)} files")
    return {"artifact-digest": hashlib.sha256(path.read_bytes()).hexdigest()}


def download(call: Call) -> dict[str, str]:
    """One artifact into `path`, or without a name all of them, each into a folder of its own."""
    call.only("name", "path")
    target = call.inside("path")
    name = call.given.get("name")
    if name is None:
        for each in call.store.names():
            call.store.get(each, target / each)
    elif not call.store.get(name, target):
        raise Failed(f"Unable to download artifact(s): Artifact not found for name: {name}")
    return {"download-path": str(target)}
