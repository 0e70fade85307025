"""The evidence package of one challenger: what reviewers saw, pinned file by file.

manifest.json lists every file with its digest, and the digest of manifest.json is the digest of
the package. Nothing in it comes from a clock: the same run gives the same bytes.

As a rollout proceeds the package is completed, not rewritten: only the files that the manifest
declares to come may be replaced, and each replacement is added to the list `completed`. What the
manifest said at first stays in it, so the first digest can always be worked out again.

What became of the rollout is added in outcome/, by the commits that record it (rollout_outcome.py):
such a file is not in the manifest, and names the first digest of the package that it belongs to.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from pipeline.config import Section, parse_section
from pipeline.errors import ConfigurationError

MANIFEST = "manifest.json"
# Copies of two files of the model's package: its manifest, and what monitoring compares with.
MODEL_MANIFEST = "artifacts/model-manifest.json"
EVIDENCE_REFERENCE = "artifacts/reference.json"
MAX_FILE_BYTES = 1_000_000
TO_COME = (
    "artifacts/deployment-checklist.md",
    "reports/ab-test-results.json",
    "reports/rollout-summary.md",
)

_OUTCOME = re.compile(r"outcome/[0-9]{4,9}-[a-z0-9-]{1,40}\.md")
_PNG = b"\x89PNG\r\n\x1a\n"

Sha256 = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
# Folders of plain names: nothing that leads out of the package.
InnerPath = Annotated[str, Field(pattern=r"^[a-z]+(/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}){1,3}$")]
Text = Annotated[str, Field(max_length=2_000)]


class Entry(Section):
    """What the manifest says of one file; `size` is in bytes."""

    sha256: Sha256
    size: Annotated[int, Field(ge=0, le=MAX_FILE_BYTES)]


class Completion(Section):
    """One file that came later, or again."""

    path: InnerPath
    entry: Entry
    note: Text


class Subject(Section):
    """What the package is about. `commit` is what ran; None outside a git checkout.

    `changed` are files of code or configuration that differed from that commit. `data_digest` is
    that of the collected rows, `holdout_digest` that of the rows which judged.
    """

    model: Text
    version: Text
    digest: Sha256
    champion: Sha256 | None
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40,64}$")] | None
    changed: tuple[Text, ...]
    data_digest: Sha256
    holdout_digest: Sha256


class EvidenceManifest(Section):
    """manifest.json. `absent`: what the protocol names and this run did not have, and why."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    protocol: Literal["protocol-24-retraining"]
    subject: Subject
    files: dict[InnerPath, Entry]
    absent: dict[InnerPath, Text]
    to_come: tuple[InnerPath, ...]
    completed: tuple[Completion, ...]

    @property
    def entries(self) -> dict[str, Entry]:
        """What each file must be now: the last completion counts."""
        return {**self.files, **{done.path: done.entry for done in self.completed}}


Files = Mapping[str, bytes]  # by path inside the package


def digest_of(raw: bytes) -> str:
    """`sha256:<hex>` of some bytes."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def package_digest(files: Files) -> str:
    """The digest of a package: that of the bytes of its manifest.json."""
    return digest_of(files[MANIFEST])


def build_evidence(subject: Subject, files: Files, absent: Mapping[str, str]) -> dict[str, bytes]:
    """`files` with their manifest.json.

    Raises ConfigurationError naming each file that may not be in it.
    """
    faults = [fault for path, raw in sorted(files.items()) for fault in _unfit(path, raw)]
    if faults:
        raise ConfigurationError("the evidence package", faults)
    manifest = {
        "schema": 1,
        "protocol": "protocol-24-retraining",
        "subject": subject.model_dump(mode="json"),
        "files": {path: _entry(raw) for path, raw in sorted(files.items())},
        "absent": dict(sorted(absent.items())),
        "to_come": [path for path in TO_COME if path in files],
        "completed": [],
    }
    return {**files, MANIFEST: _render(manifest)}


def complete_evidence(package: Files, changes: Files, note: str) -> dict[str, bytes]:
    """`package` with `changes` put in; a file that is already so changes nothing.

    Raises ConfigurationError for a damaged package, and for any file that is not to come.
    """
    damage = package_faults(package)
    if damage:
        raise ConfigurationError("the evidence package", damage)
    strange = set(changes) - set(parse_manifest(package[MANIFEST]).to_come)
    faults = [f"{path}: not one of those to come" for path in sorted(strange)]
    faults += [fault for path, raw in sorted(changes.items()) for fault in _unfit(path, raw)]
    if faults:
        raise ConfigurationError("the evidence package", faults)
    new = {path: raw for path, raw in sorted(changes.items()) if package[path] != raw}
    if not new:
        return dict(package)
    value = json.loads(package[MANIFEST])
    value["completed"] += [
        {"path": path, "entry": _entry(raw), "note": note} for path, raw in new.items()
    ]
    return {**package, **new, MANIFEST: _render(value)}


def package_faults(package: Files, expected: str | None = None) -> tuple[str, ...]:
    """All that is wrong: files missing, changed, or not in the manifest; () for a sound package.

    Where a digest is `expected`, the package must have it now, or had it before it was completed.
    """
    if MANIFEST not in package:
        return (f"{MANIFEST}: missing",)
    try:
        manifest = parse_manifest(package[MANIFEST])
    except ConfigurationError as error:
        return tuple(f"{MANIFEST}: {fault}" for fault in error.faults)
    faults = list(_faults(package, manifest))
    if expected not in (None, package_digest(package), first_digest(package)):
        faults.append(f"{MANIFEST}: found {package_digest(package)}, expected {expected}")
    return tuple(faults)


def first_digest(package: Files) -> str:
    """The digest that the package had before anything was completed."""
    value = json.loads(package[MANIFEST])
    value["completed"] = []
    return digest_of(_render(value))


def outcomes_of(package: Files) -> dict[str, bytes]:
    """What was added to a package as its rollout ended."""
    return {path: raw for path, raw in package.items() if _is_outcome(path)}


def parse_manifest(raw: bytes) -> EvidenceManifest:
    """The manifest in the bytes of manifest.json. Raises ConfigurationError with every fault.

    One that was completed with a file that was never to come is none: `entries` of it would hold
    an edited file to its own digest.
    """
    if len(raw) > MAX_FILE_BYTES:
        raise ConfigurationError(MANIFEST, [f"larger than {MAX_FILE_BYTES:,} bytes"])
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(MANIFEST, [f"not JSON: {error}"]) from error
    manifest = parse_section(EvidenceManifest, value, MANIFEST)
    strange = {done.path for done in manifest.completed} - set(manifest.to_come)
    strange |= set(manifest.to_come) - set(TO_COME)
    if strange:
        faults = [f"{path}: completed, and was never to come" for path in sorted(strange)]
        raise ConfigurationError(MANIFEST, faults)
    return manifest


def _faults(package: Files, manifest: EvidenceManifest) -> Iterator[str]:
    if _render(json.loads(package[MANIFEST])) != package[MANIFEST]:
        yield f"{MANIFEST}: not written as scripts/collect_evidence.py writes it"
    entries, present = manifest.entries, set(package) - {MANIFEST}
    yield from (f"{path}: missing" for path in sorted(set(entries) - present))
    yield from _stranger_faults(package, sorted(present - set(entries)))
    for path in sorted(present & set(entries)):
        raw, expected = package[path], entries[path]
        if digest_of(raw) != expected.sha256 or len(raw) != expected.size:
            yield f"{path}: found {digest_of(raw)}, expected {expected.sha256}"
    yield from _subject_faults(package, manifest.subject)


def _stranger_faults(package: Files, paths: Sequence[str]) -> Iterator[str]:
    first = first_digest(package)
    for path in paths:
        if not _is_outcome(path):
            yield f"{path}: not in the manifest"
        elif first.encode() not in package[path]:
            yield f"{path}: is of another package than {first}"


def _is_outcome(path: str) -> bool:
    return _OUTCOME.fullmatch(path) is not None


def _subject_faults(package: Files, subject: Subject) -> Iterator[str]:
    """The model's digest is that of its own manifest, which the package keeps a copy of."""
    raw = package.get(MODEL_MANIFEST)
    if raw is not None and digest_of(raw) != subject.digest:
        yield f"{MODEL_MANIFEST}: is {digest_of(raw)}, the subject {subject.digest}"
    if not subject.version.endswith(subject.digest.removeprefix("sha256:")[:12]):
        yield f"subject.version: {subject.version} is not a version of {subject.digest}"


def _unfit(path: str, raw: bytes) -> Iterator[str]:
    """Small texts and pictures: data and models are named by digest, never carried."""
    if len(raw) > MAX_FILE_BYTES:
        yield f"{path}: {len(raw):,} bytes, expected at most {MAX_FILE_BYTES:,}"
    if path.endswith(".png") and raw.startswith(_PNG):
        return
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        yield f"{path}: not text, so it may be data or a model"
        return
    if "\0" in text:
        yield f"{path}: not text, so it may be data or a model"


def _entry(raw: bytes) -> dict[str, Any]:
    return {"sha256": digest_of(raw), "size": len(raw)}


def _render(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
