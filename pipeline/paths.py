"""Places inside a checkout that more than one part of the pipeline looks at, from its root on."""

from __future__ import annotations

from pathlib import Path

PACKAGE = "artifacts/package"  # a string, as dvc.yaml and dvc.lock spell it
FETCHED_PACKAGES = Path(".dvc/tmp/packages")  # ignored by git


def fetched_package(root: Path, digest: str) -> Path:
    """Where the package of the model digest `sha256:<hex>` is kept once it was fetched."""
    return root / FETCHED_PACKAGES / digest.removeprefix("sha256:")
