"""Which rows a bootstrap draw picks, and running many draws in bounded memory.

A draw resamples *units*: rows, within each label (so that every draw has as many positives as the
data), or whole blocks such as days, when rows of one block share their luck. Draw k comes from its
own random stream default_rng([seed, k]): it is the same whatever the batch size, the number of
threads or of models, so any one of 10,000 draws can be made again and checked.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.core.comparison.sums import BoolArray, Counts, FloatArray, IntArray

Progress = Callable[[int, int], None]  # draws (or rows) done, and of how many

BATCH_ELEMENTS = 1 << 19  # counts held at once: 2 MiB, near the cache
MAX_BATCH_DRAWS = 256
THREADS = 2  # numpy lets go of the GIL in picking, counting and taking, not in running sums
# glibc hands large arrays back to the kernel and faults their pages in again at every draw, until
# it has seen one as large as this come and go. Elsewhere this does nothing.
HEAP_BYTES = 30_000_000
THREADED_FROM_ELEMENTS = 4 * BATCH_ELEMENTS


@dataclass(frozen=True)
class DrawPlan:
    """How much evidence: `draws` from `seed`, read as intervals of `confidence` (0.95)."""

    draws: int
    seed: int
    confidence: float


@dataclass(frozen=True)
class Resampling:
    """The units of a bootstrap: `unit_of_row` (n,), and how many are drawn among themselves.

    Units are numbered stratum by stratum, so a draw's counts are the strata's, one after another.
    `dtype` holds twice the rows of any draw: in 32 bits where they do, since those are faster.
    """

    unit_of_row: IntArray
    strata: tuple[int, ...]
    dtype: np.dtype[np.signedinteger]

    @property
    def units(self) -> int:
        """How many units there are: rows, or blocks."""
        return sum(self.strata)


def resampling_of(y: BoolArray, blocks: npt.ArrayLike | None = None) -> Resampling:
    """Rows within each label, or, where `blocks` (n,) names each row's block, whole blocks.

    Raises ValueError when there is not one block for each row.
    """
    if blocks is None:
        unit_of_row = np.empty(len(y), dtype=np.int64)
        unit_of_row[np.argsort(y, kind="stable")] = np.arange(len(y))
        positives = int(y.sum())
        return Resampling(unit_of_row, (len(y) - positives, positives), _dtype_for(len(y)))
    names = np.asarray(blocks)
    if names.shape != y.shape:
        raise ValueError(
            f"blocks: found shape {names.shape}, expected {y.shape} as the labels have"
        )
    found, unit_of_row = np.unique(names, return_inverse=True)
    most_rows = len(found) * int(np.bincount(unit_of_row).max())
    return Resampling(unit_of_row.astype(np.int64), (len(found),), _dtype_for(most_rows))


def _dtype_for(most_rows: int) -> np.dtype[np.signedinteger]:
    """Integers for draws of at most so many rows, whose sums go up to twice that."""
    return np.dtype(np.int32) if most_rows < 2**30 else np.dtype(np.int64)


def draw_counts(resampling: Resampling, draw: int, seed: int) -> Counts:
    """How often draw number `draw` (from 0) picks each unit: integers (units,)."""
    rng = np.random.default_rng([seed, draw])
    strata = [size for size in resampling.strata if size]
    picked = [np.bincount(rng.integers(size, size=size), minlength=size) for size in strata]
    return np.concatenate(picked, dtype=resampling.dtype)


def run_draws(
    resampling: Resampling,
    statistic: Callable[[Counts], FloatArray],
    *,
    draws: int,
    seed: int,
    on_progress: Progress | None = None,
) -> FloatArray:
    """What `statistic` says of every draw: shape (..., draws), from its (..., batch).

    `statistic` is given counts (batch, units) and may be called by two threads at once. Memory is
    bounded: a batch has BATCH_ELEMENTS counts, or one draw where that is more. Raises ValueError
    for draws < 1.
    """
    if draws < 1:
        raise ValueError(f"draws: found {draws}, expected at least 1")
    rows = max(len(resampling.unit_of_row), 1)
    size = int(np.clip(BATCH_ELEMENTS // rows, 1, MAX_BATCH_DRAWS))
    starts = range(0, draws, size)
    np.empty(HEAP_BYTES, dtype=np.uint8)

    def batch(start: int) -> FloatArray:
        numbers = range(start, min(start + size, draws))
        return statistic(np.stack([draw_counts(resampling, k, seed) for k in numbers]))

    threads = THREADS if rows * draws >= THREADED_FROM_ELEMENTS else 1
    parts: list[FloatArray] = []
    done = 0
    with ThreadPoolExecutor(threads) as pool:
        for part in pool.map(batch, starts):
            parts.append(part)
            done += part.shape[-1]
            if on_progress:
                on_progress(done, draws)
    return np.concatenate(parts, axis=-1)
