"""A job's matrix: each combination is a job of its own."""

from __future__ import annotations

from itertools import product
from typing import Any

Combination = dict[str, Any]


def combinations(matrix: dict[str, Any] | None) -> list[Combination]:
    """All of them, in GitHub's order; a job without a matrix is one, of nothing."""
    if not matrix:
        return [{}]
    axes = {key: value for key, value in matrix.items() if key not in ("include", "exclude")}
    crossed = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    excluded = matrix.get("exclude") or []
    found = [each for each in crossed if not any(_has(each, out) for out in excluded)]
    if not axes:
        found = []
    own = [dict(each) for each in found]
    for extra in matrix.get("include") or []:
        fitting = [at for at, each in enumerate(own) if _agrees(each, extra, axes)] if axes else []
        for at in fitting:
            found[at].update(extra)
        if not fitting:
            found.append(dict(extra))
    return found


def named(job: str, combination: Combination) -> str:
    """`test (3.11)`: how GitHub names one job of a matrix."""
    words = ", ".join(str(value) for value in combination.values())
    return f"{job} ({words})" if words else job


def _has(combination: Combination, part: Combination) -> bool:
    return all(combination.get(key) == value for key, value in part.items())


def _agrees(combination: Combination, extra: Combination, axes: dict[str, Any]) -> bool:
    """An inclusion joins where it overwrites nothing of the matrix itself."""
    return all(combination[key] == extra[key] for key in axes if key in extra)
