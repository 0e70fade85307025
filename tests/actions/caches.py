"""actions/cache/restore and actions/cache/save: real archives, each in the scope of a ref.

A run reads what its own ref and the default branch keep, and writes for its own ref alone. A key
is kept once: nothing overwrites it. An event that people without write access can cause and that
runs on the default branch may only read.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from tests.actions.artifacts import find
from tests.actions.uses import Call, Failed

_MOST = 512  # characters of a key
# Of the events on the default branch, those that may write; on any other ref, all may.
_TRUSTED = ("push", "schedule", "workflow_dispatch", "repository_dispatch")


def restore(call: Call) -> dict[str, str]:
    """Put back what was kept under exactly this key, for the same `path`; a miss is no failure."""
    key = _key(call)
    default = f"refs/heads/{call.world.default_branch}"
    kept = (_entry(call, ref, key) for ref in (call.github["ref"], default))
    found = next((path for path in kept if path.exists()), None)
    if found is None:
        call.machine.say(f"Cache not found for input keys: {key}")
        return {"cache-primary-key": key}
    with zipfile.ZipFile(found) as archive:
        archive.extractall(call.machine.workspace)  # zipfile keeps members inside
    call.machine.say(f"Cache restored from key: {key}")
    return {"cache-primary-key": key, "cache-matched-key": key, "cache-hit": "true"}


def save(call: Call) -> dict[str, str]:
    """Keep the files of `path`, by where they are. What cannot be kept is a warning."""
    key = _key(call)
    entry = _entry(call, call.github["ref"], key)
    _, files = find(call.machine.workspace, call.given["path"], with_hidden=True)
    if not _may_write(call):
        call.machine.say("##[warning]Failed to save: cache write denied: read-only token")
    elif entry.exists():
        call.machine.say(f"##[warning]Failed to save: Unable to reserve cache with key {key}")
    elif not files:
        call.machine.say("##[warning]Path Validation Error: Path(s) do(es) not exist")
    else:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(entry, "w") as archive:
            for file in files:
                archive.write(file, file.relative_to(call.machine.workspace))
        call.machine.say(f"Cache saved with key: {key}")
    return {}


def _may_write(call: Call) -> bool:
    is_default = call.github["ref"] == f"refs/heads/{call.world.default_branch}"
    return call.github["event_name"] in _TRUSTED or not is_default


def _key(call: Call) -> str:
    call.only("path", "key")
    key = call.given.get("key", "")
    if "path" not in call.given or not 0 < len(key) <= _MOST or "," in key:
        raise Failed("path, and a key of at most 512 characters without commas, are needed")
    return key


def _entry(call: Call, ref: str, key: str) -> Path:
    """Where an entry is: it is of one ref, one key and one `path`, as it is written."""
    told = "\n".join((ref, key, call.given["path"]))
    name = hashlib.sha256(told.encode()).hexdigest()
    return call.machine.root.parent / "caches" / f"{name}.zip"
