"""Whether the package that a merge would roll out is the one that the verified parts make.

What is judged is the model and the rows that dvc.lock names, and what serves is the package. So the
package is made again from what was judged, and the two are compared, file by file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.adapters.git.trees import Tree
from pipeline.config import load_params
from pipeline.core.evidence import EVIDENCE_REFERENCE, MODEL_MANIFEST
from pipeline.core.review.recomputed import differences_of
from pipeline.errors import OutsideError, in_one_line
from pipeline.jsonio import load_json, render_json
from pipeline.manifest import RolloutSpec
from pipeline.ml.model_io import load_model
from pipeline.ml.package import MANIFEST, Manifest, load_manifest, verify_package
from pipeline.paths import PACKAGE
from pipeline.stages import outputs

# What a promotion takes from the evidence is the package's: where there -> where in the package.
EVIDENCE = {EVIDENCE_REFERENCE: "reference.json", MODEL_MANIFEST: MANIFEST}
_PIN = re.compile(r"([a-z0-9-]+)==[A-Za-z0-9.+!_-]+")
_PYTHON = re.compile(r"# Python [0-9]+(\.[0-9]+)+[a-z0-9+]*")
_VERSIONS = re.compile(r"^Made with [A-Za-z0-9 .,+!_-]+; environment\.txt lists the rest\.$", re.M)


def package_faults(claimed: Path, made: Path, digest: str) -> tuple[str, ...]:
    """Each file in which the package `claimed` is not the one that main `made` of the same parts.

    `digest` (`sha256:<hex>`) is that of `claimed`, as the manifest of the rollout says it. Versions
    of installed distributions may differ: main may have others by now. Figures may by TOLERANCE.
    """
    try:
        ours, theirs = verify_package(made), verify_package(claimed, digest)
    except OutsideError as error:
        return (f"{PACKAGE}: {in_one_line(error)}",)
    names = sorted({*ours.files, *theirs.files})
    return (
        *(f"{PACKAGE}/{MANIFEST} {line}" for line in differences_of(_said(theirs), _said(ours))),
        *(line for name in names for line in _file_faults(name, claimed, made, (theirs, ours))),
    )


def evidence_faults(tree: Tree, spec: RolloutSpec, package: Path) -> tuple[str, ...]:
    """Each file of the evidence that claims to be one of the `package`, and is another."""
    folder = spec.evidence.folder
    return tuple(
        f"{folder}/{path} is not the package's {name}"
        for path, name in EVIDENCE.items()
        if tree.read(f"{folder}/{path}") != (package / name).read_bytes()
    )


def as_of_faults(spec: RolloutSpec, package: Path) -> tuple[str, ...]:
    """The rollout names the version by the package's own time."""
    found = load_manifest(package).as_of
    if spec.challenger.as_of == found:
        return ()
    return (f"rollout.yaml is of {spec.challenger.as_of:%Y-%m-%d %H:%M}, its package is not",)


def parameter_faults(root: Path) -> tuple[str, ...]:
    """The parameters that the run says it found are those of the model that it left in `root`.

    The next search starts from them. Raises OutsideError for a model that does not load.
    """
    digest = load_json(root / outputs.TRAIN_SUMMARY)["model_digest"]
    model = load_model(root / outputs.MODEL, digest, load_params(root).package.format)
    claimed, known = load_json(root / outputs.MODEL_PARAMS), model.get_params()
    if not isinstance(claimed, dict) or not set(claimed) <= set(known):
        return (f"{outputs.MODEL_PARAMS} names parameters that the model does not have",)
    try:
        found = json.loads(render_json({name: known[name] for name in claimed}))
    except TypeError:  # such as a step of a pipeline, which no search has chosen
        return (f"{outputs.MODEL_PARAMS} names what is no plain value in the model",)
    return tuple(f"{outputs.MODEL_PARAMS} {line}" for line in differences_of(claimed, found))


def _said(manifest: Manifest) -> dict[str, Any]:
    """What a manifest says but for the files, which are compared one by one."""
    said = manifest.model_dump(mode="json", exclude={"files"})
    return {**said, "versions": sorted(manifest.versions)}


def _file_faults(
    name: str, claimed: Path, made: Path, manifests: tuple[Manifest, Manifest]
) -> Iterator[str]:
    digests = [found.files[name].sha256 if name in found.files else None for found in manifests]
    if digests[0] == digests[1]:
        return
    if None in digests:
        yield f"{PACKAGE}/{name} is in one of two packages alone"
    elif not _is_alike(name, claimed / name, made / name):
        yield f"{PACKAGE}/{name} came out otherwise"


def _is_alike(name: str, claimed: Path, made: Path) -> bool:
    """Whether two files that are not equal to the byte differ only where they may."""
    try:
        if name.endswith(".json"):
            return not (
                differences_of(load_json(claimed), load_json(made))
                or differences_of(_pairs(claimed), _pairs(made))
            )
        reader = {"environment.txt": _pinned, "model-card.md": _card}.get(name)
        return reader is not None and reader(claimed) == reader(made)
    except (OutsideError, ValueError, RecursionError):  # not UTF-8, not JSON
        return False


def _pairs(path: Path) -> Any:
    """JSON with each object as a list of its pairs, whose order and number count as well."""
    return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=list)


def _pinned(path: Path) -> list[str]:
    """The distributions that a lock pins. Raises ValueError for a line that does anything else."""
    python, *lines = path.read_text(encoding="utf-8").splitlines()
    pins = [_PIN.fullmatch(line) for line in lines]
    if not _PYTHON.fullmatch(python) or not all(pins):
        raise ValueError(f"{path}: not a list of pins")
    return [pin.group(1) for pin in pins if pin]


def _card(path: Path) -> str:
    return _VERSIONS.sub("", path.read_text(encoding="utf-8"))
