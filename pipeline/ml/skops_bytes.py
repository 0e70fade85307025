"""skops files with the same bytes for the same model, whichever process wrote them.

skops names objects by their address in memory and stamps files with the time of day. Both change
from process to process and neither means anything, so they are replaced here: files are named by
their content, objects are numbered in order of appearance, the clock stands at 1980.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

_SCHEMA = "schema.json"
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # zip knows no earlier time
_NULL = {
    "__class__": "str",
    "__module__": "builtins",
    "__loader__": "JsonNode",
    "content": "null",
    "is_json": True,
}


def canonical_bytes(data: bytes) -> bytes:
    """The skops file `data` rewritten so that equal models give equal bytes; it still loads."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        schema = json.loads(source.read(_SCHEMA))
        contents = {name: source.read(name) for name in source.namelist() if name != _SCHEMA}
    names = {name: _content_name(name, content) for name, content in contents.items()}
    schema = _number(_unnumbered(schema, names), {})
    files = {names[name]: content for name, content in contents.items()}
    return _zip({_SCHEMA: _dumps(schema).encode(), **dict(sorted(files.items()))})


def stored_sklearn_version(data: bytes) -> str | None:
    """The scikit-learn version that a skops file was saved with; None where no estimator is."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        schema = json.loads(source.read(_SCHEMA))
    for node in _nodes(schema):
        content = node.get("content")
        version = content.get("_sklearn_version") if isinstance(content, dict) else None
        if isinstance(version, dict) and isinstance(version.get("content"), str):
            return str(json.loads(version["content"]))
    return None


def _content_name(name: str, content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32] + PurePosixPath(name).suffix


def _dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _unnumbered(value: Any, names: dict[str, str]) -> Any:
    """`value` with files renamed and all that means nothing put into one form.

    Leaves are immutable strings and numbers: whether two are one object depends on interning. A
    set has no order. A partial's empty namespace comes into being when anybody looks at it.
    """
    if isinstance(value, list):
        return [_unnumbered(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    node = {key: _unnumbered(item, names) for key, item in value.items()}
    if isinstance(node.get("file"), str):
        node["file"] = names[node["file"]]
    if node.get("__loader__") == "JsonNode":
        node.pop("__id__", None)
    if node.get("__loader__") == "SetNode":
        node["content"].sort(key=lambda item: _dumps(_without_ids(item)))
    if node.get("__loader__") == "PartialNode" and not node["content"]["namespace"]["content"]:
        node["content"]["namespace"] = dict(_NULL)
    return node


def _without_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_ids(item) for item in value]
    if isinstance(value, dict):
        return {k: _without_ids(item) for k, item in value.items() if not _is_id(k, item)}
    return value


def _number(value: Any, numbers: dict[int, int]) -> Any:
    """Ids by order of first appearance, from 1: skops takes 0 for no id. Sharing is kept."""
    if isinstance(value, list):
        return [_number(item, numbers) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: numbers.setdefault(item, len(numbers) + 1)
        if _is_id(key, item)
        else _number(item, numbers)
        for key, item in value.items()
    }


def _is_id(key: str, value: Any) -> bool:
    """A model's own dict may hold this key too, but there its value is a node, never a number."""
    return key == "__id__" and isinstance(value, int)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict | list):
            yield from _nodes(item)


def _zip(files: dict[str, bytes]) -> bytes:
    """Stored, not deflated: zlib's output differs between its builds."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, date_time=_EARLIEST)
            entry.create_system = 3  # as on Unix, everywhere
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()
