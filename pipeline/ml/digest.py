"""Digests of rows: the same rows in the same order give the same digest, on any machine."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd


def row_hashes(ids: pd.Series) -> np.ndarray:
    """A 64-bit hash of each id: shape (n,), uint64, the same in every process."""
    return pd.util.hash_array(ids.astype(str).to_numpy(dtype=object), categorize=False)


class FrameDigest:
    """SHA-256 over a stream of frames; how the stream is cut into frames does not matter."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._columns: tuple[str, ...] | None = None

    def update(self, frame: pd.DataFrame) -> None:
        """Add the rows of `frame`. Raises ValueError where its columns are not the first one's."""
        columns = tuple(map(str, frame.columns))
        if self._columns is None:
            self._columns = columns
            self._sha256.update("\0".join(columns).encode())
        if columns != self._columns:
            raise ValueError(f"found columns {columns}, expected {self._columns}")
        if len(frame):
            rows = pd.util.hash_pandas_object(frame, index=False, categorize=False)
            self._sha256.update(rows.to_numpy().astype("<u8").tobytes())

    def text(self) -> str:
        """The digest as `sha256:<64 hex digits>`."""
        return f"sha256:{self._sha256.hexdigest()}"


def frame_digest(frame: pd.DataFrame) -> str:
    """The digest of one frame."""
    digest = FrameDigest()
    digest.update(frame)
    return digest.text()
