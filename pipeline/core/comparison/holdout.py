"""The holdout as a comparison sees it, and the gate that says whether it can be judged at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.core.comparison.resampling import resampling_of
from pipeline.core.comparison.scoring import as_labels, as_probabilities
from pipeline.domain import Gate, Verdict

INPUTS_RULE = (
    "Both models score the same rows with finite probabilities from 0 to 1; labels are 0 and 1, "
    "both occur, and each column has one value a row."
)


@dataclass(frozen=True, eq=False)
class Holdout:
    """The evaluation rows, one entry a row in every array; nobody trained on them.

    `y` is 0 or 1; `champion` (None for a first model) and `challenger` are probabilities of 1; a
    score >= `threshold` is answered as 1. `columns` are the texts to slice and group by. `blocks`
    names each row's block where rows of a block share their luck (days), else None.
    """

    y: npt.ArrayLike
    champion: npt.ArrayLike | None
    challenger: npt.ArrayLike
    threshold: float
    columns: Mapping[str, npt.ArrayLike]
    blocks: npt.ArrayLike | None = None

    @property
    def n(self) -> int:
        """The number of rows."""
        return int(np.shape(self.y)[0]) if np.ndim(self.y) else 0


def column_values(holdout: Holdout, column: str) -> npt.NDArray[np.str_]:
    """The texts (n,) of a column; a missing value is the text "None" or "nan", a value like others.

    Raises ValueError when the holdout has no such column.
    """
    if column not in holdout.columns:
        raise ValueError(
            f"column {column!r}: not in the holdout, which has {sorted(holdout.columns)}; "
            "mend its name in the gates or pass the column"
        )
    return np.asarray(holdout.columns[column]).astype(np.str_)


def assess_inputs(holdout: Holdout, *, needs_champion: bool) -> Gate:
    """PASS when the holdout can be judged.

    FAIL when the challenger's scores are at fault: it may not serve. ERROR when the labels, the
    champion's scores, the columns or the blocks are: the comparison itself cannot be made.
    """
    ours = [fault for fault in map(_fault, _shared_checks(holdout, needs_champion)) if fault]
    theirs = _fault(lambda: as_probabilities(holdout.challenger, holdout.n))
    if ours:
        return Gate("inputs", Verdict.ERROR, INPUTS_RULE, _sentence(ours), n=holdout.n)
    if theirs:
        return Gate("inputs", Verdict.FAIL, INPUTS_RULE, _sentence([f"challenger {theirs}"]))
    found = f"All {holdout.n:,} rows are as expected."
    return Gate("inputs", Verdict.PASS, INPUTS_RULE, found, n=holdout.n)


def _shared_checks(holdout: Holdout, needs_champion: bool) -> list[Callable[[], object]]:
    """What must hold before anybody is judged; each raises when it does not."""
    checks: list[Callable[[], object]] = [
        lambda: _two_classes(holdout),
        lambda: _threshold(holdout.threshold),
        lambda: _column_lengths(holdout),
        lambda: resampling_of(as_labels(holdout.y), holdout.blocks),
    ]
    return [*checks, lambda: _champion_scores(holdout)] if needs_champion else checks


def _two_classes(holdout: Holdout) -> None:
    labels = as_labels(holdout.y)
    if labels.all() or not labels.any():
        raise ValueError(f"labels: all {len(labels):,} are {int(labels[0])}, expected both classes")


def _threshold(threshold: float) -> None:
    if not 0 < threshold < 1:
        raise ValueError(f"threshold: found {threshold}, expected a number between 0 and 1")


def _column_lengths(holdout: Holdout) -> None:
    for name, values in holdout.columns.items():
        if np.shape(values) != (holdout.n,):
            raise ValueError(
                f"column {name!r}: found shape {np.shape(values)}, expected ({holdout.n},)"
            )


def _champion_scores(holdout: Holdout) -> None:
    if holdout.champion is None:
        raise ValueError("champion: found no scores; a first model is for assess_first_model")
    try:
        as_probabilities(holdout.champion, holdout.n)
    except ValueError as error:
        raise ValueError(f"champion {error}") from error


def _fault(check: Callable[[], object]) -> str | None:
    """What a check complains of, or None. TypeError is numpy's word for values it cannot read."""
    try:
        check()
    except (ValueError, TypeError) as error:
        return str(error)
    return None


def _sentence(faults: list[str]) -> str:
    return "; ".join(dict.fromkeys(faults)) + "."
