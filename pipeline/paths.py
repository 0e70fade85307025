"""Places inside a checkout that more than one part of the pipeline looks at, from its root on."""

from __future__ import annotations

from pathlib import Path

PACKAGE = "artifacts/package"  # a string, as dvc.yaml and dvc.lock spell it
MODELS = "rollouts"
FETCHED_PACKAGES = Path(".dvc/tmp/packages")  # ignored by git


def model_names(root: Path) -> tuple[str, ...]:
    """The folders of rollouts/, by name. A link is none: git has no model behind it."""
    folder = root / MODELS
    if not folder.is_dir() or folder.is_symlink():
        return ()
    paths = sorted(folder.iterdir())
    return tuple(path.name for path in paths if path.is_dir() and not path.is_symlink())


def fetched_package(root: Path, digest: str) -> Path:
    """Where the package of the model digest `sha256:<hex>` is kept once it was fetched."""
    return root / FETCHED_PACKAGES / digest.removeprefix("sha256:")
