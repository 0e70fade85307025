"""Whether a column's current window still looks like the reference: PSI on frozen bins.

PSI = sum over bins of (a - e) * ln(a / e), where e and a are a bin's share of the reference and of
the current window (Siddiqi 2006; it is the symmetrised Kullback-Leibler divergence). Without any
drift PSI / (1/N + 1/M) is about chi-square with B - 1 degrees of freedom (Yurdakul 2018), which
gives a limit that small windows do not cross by chance. It rests on some rows in each bin: of a
category with dozens of rare names a reference of 300 rows has missed so many that their return as
unseen looks like drift, and one of 5,000 has not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from numpy.typing import ArrayLike

from pipeline.core.binning import Counts
from pipeline.core.profile import ColumnProfile, count_column
from pipeline.errors import ConfigurationError, DataIncident

EPSILON = 1e-4  # the share that an empty bin is taken to have, so that no logarithm is infinite
MIN_ROWS = 300  # effective rows in each window: with fewer, nothing is said


@dataclass(frozen=True)
class Bin:
    """One bin for plotting: its label and its share of either window, 0 to 1, as counted."""

    label: str
    reference: float
    current: float


@dataclass(frozen=True)
class Drift:
    """PSI of one column, with the Kolmogorov-Smirnov and Jensen-Shannon readings beside it.

    `is_drifted` is None (unknown) with fewer than `MIN_ROWS` in either window; else whether
    `value` >= `limit`. `n_reference` and `n_current` are effective rows (the rows, where nothing
    is weighted). `value`, `limit`, `ks` and `js` are None where a window is empty.

    `ks` is the largest gap between the two cumulative shares at the bin edges, over the values
    that are present: never more than the exact KS statistic, and less by at most a bin's share.
    None for columns without an order. `js` is the Jensen-Shannon distance over all bins: the
    square root of the divergence in bits, 0 (equal) to 1 (nothing shared).
    """

    value: float | None
    limit: float | None
    n_reference: float
    n_current: float
    is_drifted: bool | None
    bins: tuple[Bin, ...]
    ks: float | None
    js: float | None


def psi(
    reference: ColumnProfile,
    current: Counts | ArrayLike,
    *,
    threshold: float = 0.2,
    alpha: float = 0.001,
) -> Drift:
    """Compare `current` (counts in the reference's bins, or the values) with `reference`.

    The limit is max(threshold, chi2_{1-alpha, B-1} * (1/N + 1/M)), B being the bins that either
    window uses. Raises DataIncident for counts of other bins, ConfigurationError for a threshold
    that is not positive or an alpha outside (0, 1).
    """
    if not (threshold > 0 and 0 < alpha < 1):
        raise ConfigurationError(
            "psi", [f"threshold {threshold}, alpha {alpha}: expected > 0, 0-1"]
        )
    counts = current if isinstance(current, Counts) else count_column(reference, current)
    labels = reference.bins.labels
    if len(counts.mass) != len(labels):
        raise DataIncident(f"found counts of {len(counts.mass)} bins, expected {len(labels)}")
    e, a = shares(reference.counts), shares(counts)
    n, m = reference.counts.effective, counts.effective
    bins = tuple(Bin(*row) for row in zip(labels, e, a, strict=True))
    if n == 0 or m == 0:
        return Drift(None, None, n, m, None, bins, None, None)
    value, limit = psi_of_shares(e, a), psi_limit(e, a, n, m, threshold=threshold, alpha=alpha)
    return Drift(
        value=value,
        limit=limit,
        n_reference=n,
        n_current=m,
        is_drifted=value >= limit if min(n, m) >= MIN_ROWS else None,
        bins=bins,
        ks=_ks(e[:-2], a[:-2]) if reference.bins.is_ordered else None,
        js=_js(e, a),
    )


def shares(counts: Counts) -> tuple[float, ...]:
    """Each bin's share of the window, 0 to 1; all 0 for an empty window."""
    total = counts.total
    return tuple(mass / total if total else 0.0 for mass in counts.mass)


def psi_of_shares(reference: tuple[float, ...], current: tuple[float, ...]) -> float:
    """PSI of two lists of shares; a share below EPSILON counts as EPSILON."""
    pairs = zip(reference, current, strict=True)
    floored = [(max(e, EPSILON), max(a, EPSILON)) for e, a in pairs]
    return math.fsum((a - e) * math.log(a / e) for e, a in floored)


def psi_limit(
    reference: tuple[float, ...],
    current: tuple[float, ...],
    n_reference: float,
    n_current: float,
    *,
    threshold: float,
    alpha: float,
) -> float:
    """The PSI from which a drift is called: never below `threshold`, higher for small windows."""
    used = sum(1 for e, a in zip(reference, current, strict=True) if e > 0 or a > 0)
    noise = 1 / n_reference + 1 / n_current
    if used < 2 or _chi2_bound(used - 1, alpha) * noise <= threshold:
        return threshold
    from scipy.special import chdtri  # noqa: PLC0415 (a quarter of a cold check, for small windows)

    return max(threshold, float(chdtri(used - 1, alpha)) * noise)


def _chi2_bound(dof: int, alpha: float) -> float:
    """At least the 1 - alpha quantile of chi-square (Laurent and Massart 2000, lemma 1)."""
    tail = -math.log(alpha)
    return dof + 2 * math.sqrt(dof * tail) + 2 * tail


def _ks(reference: tuple[float, ...], current: tuple[float, ...]) -> float | None:
    """The largest gap of the cumulative shares among present values; None if none is present."""
    e_all, a_all = math.fsum(reference), math.fsum(current)
    if e_all == 0 or a_all == 0:
        return None
    steps = zip(accumulate(reference), accumulate(current), strict=True)
    return max(abs(e / e_all - a / a_all) for e, a in steps)


def _js(reference: tuple[float, ...], current: tuple[float, ...]) -> float:
    """The distance of Endres and Schindelin 2003, in bits."""
    middle = [(e + a) / 2 for e, a in zip(reference, current, strict=True)]
    divergence = (_bits(reference, middle) + _bits(current, middle)) / 2
    return math.sqrt(max(0.0, divergence))


def _bits(p: Sequence[float], q: Sequence[float]) -> float:
    """The Kullback-Leibler divergence of p from q, in bits; 0 * log 0 is 0."""
    return math.fsum(x * math.log2(x / y) for x, y in zip(p, q, strict=True) if x > 0)
