"""McNemar's test: where only one of two models is right, whether one is right more often.

Rows are taken as independent. Where they share days, the block bootstrap is the first reader and
this one is too sure of itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from pipeline.core.comparison.scoring import as_labels, as_probabilities

EXACT_BELOW = 25  # discordant rows; from here on chi-square is close enough (McNemar 1947)


@dataclass(frozen=True)
class McNemar:
    """The discordant rows and the two-sided p-value."""

    only_champion_right: int
    only_challenger_right: int
    method: Literal["exact binomial", "chi-square with continuity correction"]
    p_value: float


def mcnemar(
    y: npt.ArrayLike,
    champion: npt.ArrayLike,
    challenger: npt.ArrayLike,
    threshold: float,
) -> McNemar:
    """Compare two models' answers (score >= threshold) on the same rows, all (n,).

    Raises ValueError for invalid input.
    """
    labels = as_labels(y)
    right = [
        (as_probabilities(model, len(labels)) >= threshold) == labels
        for model in (champion, challenger)
    ]
    return mcnemar_of_counts(
        int(np.count_nonzero(right[0] & ~right[1])), int(np.count_nonzero(right[1] & ~right[0]))
    )


def mcnemar_of_counts(only_champion_right: int, only_challenger_right: int) -> McNemar:
    """The test from its two counts: exact below EXACT_BELOW discordant rows; p = 1 for none.

    Exact: twice the binomial(b + c, 1/2) tail, at most 1. Otherwise (|b - c| - 1)^2 / (b + c)
    against chi-square with one degree of freedom (Edwards' correction).
    """
    discordant = only_champion_right + only_challenger_right
    if discordant < EXACT_BELOW:
        fewer = min(only_champion_right, only_challenger_right)
        p_value = min(1.0, 2 * float(special.bdtr(fewer, discordant, 0.5)))
        return McNemar(only_champion_right, only_challenger_right, "exact binomial", p_value)
    surplus = max(abs(only_champion_right - only_challenger_right) - 1, 0)
    p_value = float(special.chdtrc(1, surplus**2 / discordant))
    method: Literal["chi-square with continuity correction"] = (
        "chi-square with continuity correction"
    )
    return McNemar(only_champion_right, only_challenger_right, method, p_value)
