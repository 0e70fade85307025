"""The champion's package, fetched by digest and verified, for the stages that look at it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.adapters.store import fetch_package
from pipeline.champion import load_champion
from pipeline.config import load_usecase
from pipeline.errors import PipelineError
from pipeline.ml.package import verify_package
from pipeline.paths import fetched_package


def champion_package(root: Path) -> Path | None:
    """The folder of the champion's package, or None while there is no champion.

    Every file has been checked against the digest that the champion pointer names. A folder that
    is not right is fetched anew; one that is needs neither DVC's cache nor the remote. Raises
    OutsideError where neither of them has the package.
    """
    champion = load_champion(root, load_usecase(root).model)
    if champion is None:
        return None
    folder = fetched_package(root, champion.digest)
    if not _is_whole(folder, champion.digest):
        fetch_package(root, champion.package_md5, folder)
        verify_package(folder, champion.digest)
    return folder


def _is_whole(folder: Path, digest: str) -> bool:
    try:
        verify_package(folder, digest)
    except (PipelineError, OSError):
        return False
    return True


def seen_by(champion: Path | None) -> np.ndarray:
    """Row hashes that the line of the package `champion` trained on, shape (n,), uint64.

    Empty without a champion.
    """
    if champion is None:
        return np.array([], np.uint64)
    return pd.read_parquet(champion / "seen_ids.parquet")["row_hash"].to_numpy(dtype=np.uint64)
