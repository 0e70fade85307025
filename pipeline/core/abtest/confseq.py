"""Asymptotic confidence sequences: intervals that hold at every look at once.

Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2021), "Time-uniform central limit theory and
asymptotic confidence sequences": theorem 2.2 for means, section 3 for the difference of means of a
randomised experiment. The interval of the mean of t units with standard deviation sd is

    mean ± sd sqrt( 2 (t rho² + 1) / (t² rho²) log( sqrt(t rho² + 1) / alpha ) ),

here with the standard error se = sd / sqrt(t), and x = t rho² in place of the two:

    mean ± se sqrt( (1 + 1/x) log( (1 + x) / alpha² ) ).

x is how much has been seen, on a scale of its own: the interval is tightest, against one for a
single look, at `tightest_at(alpha)`. Where it is tightest changes its width, never its validity.
All functions take scalars or arrays, elementwise.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import special

FloatArray = npt.NDArray[np.float64]


def tightest_at(alpha: float) -> float:
    """The x at which the interval is tightest: -W_(-1)(-alpha²/e) - 1 (the paper's appendix C).

    Raises ValueError for an alpha outside (0, 1).
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha: found {alpha}, expected a number between 0 and 1")
    return float(-special.lambertw(-(alpha**2) / math.e, -1).real - 1)


def standard_errors(x: npt.ArrayLike, alpha: float) -> FloatArray:
    """Half the interval's width in standard errors; infinite for x <= 0: nothing was seen."""
    seen = np.asarray(x, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.sqrt((1 + 1 / seen) * (np.log1p(seen) - 2 * math.log(alpha)))
    return np.where(seen > 0, width, np.inf)


def log_likelihood_ratio(z: npt.ArrayLike, x: npt.ArrayLike) -> FloatArray:
    """Log evidence against "the mean is 0" from z = mean / se: the martingale of the interval.

    log Λ = x z² / (2 (1 + x)) - log(1 + x) / 2; the interval leaves 0 out where Λ >= 1/alpha.
    """
    z, x = np.asarray(z, dtype=np.float64), np.asarray(x, dtype=np.float64)
    return np.asarray(x * z * z / (2 * (1 + x)) - np.log1p(x) / 2)


def p_value(z: npt.ArrayLike, x: npt.ArrayLike) -> FloatArray:
    """The always-valid p-value of "the mean is 0": the smallest alpha whose interval excludes it.

    1 for a z that is not a number and for x <= 0.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        p = np.exp(-log_likelihood_ratio(z, np.maximum(x, 0)))
    return np.where(np.isnan(p), 1.0, np.minimum(p, 1.0))


def one_sided_p_value(z: npt.ArrayLike, x: npt.ArrayLike) -> FloatArray:
    """The always-valid p-value of "the mean is 0 or less".

    The evidence is the mixture over positive means alone (the paper's appendix B.1; Howard et al.
    2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences", proposition 6):
    2 (1 + x)^(-1/2) exp(s²/2) Φ(s), with s = z sqrt(x / (1 + x)). 1 where z is not a number.
    """
    z = np.asarray(z, dtype=np.float64)
    x = np.maximum(np.asarray(x, dtype=np.float64), 0)
    s = z * np.sqrt(x / (1 + x))
    evidence = math.log(2) - np.log1p(x) / 2 + s * s / 2 + special.log_ndtr(s)
    with np.errstate(over="ignore"):
        p = np.exp(-evidence)
    return np.where(np.isnan(p), 1.0, np.minimum(p, 1.0))
