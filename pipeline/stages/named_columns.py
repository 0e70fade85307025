"""Columns that configuration names: all are checked at once, and before a training minute.

Which columns there are is known once the features are built, and not sooner.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.config import load_gates, load_params
from pipeline.errors import ConfigurationError


def check_named_columns(root: Path, known: Iterable[str]) -> None:
    """Raise ConfigurationError for each group, slice and fairness column that is not in `known`."""
    columns = sorted(map(str, known))
    faults = [
        f"{where}: no column {name!r}{_near(name, columns)}; expected one of {', '.join(columns)}"
        for where, name in _named(root)
        if name not in columns
    ]
    if faults:
        raise ConfigurationError("configuration", faults)


def _named(root: Path) -> Iterator[tuple[str, str]]:
    group = load_params(root).split.group
    if group is not None:
        yield "params.yaml: split.group", group
    policy = load_gates(root).comparison
    for name in policy.slices.columns:
        yield "configs/gates.yaml: comparison.slices.columns", name
    for number, fairness in enumerate(policy.fairness):
        yield f"configs/gates.yaml: comparison.fairness.{number}.column", fairness.column


def _near(name: str, columns: list[str]) -> str:
    near = difflib.get_close_matches(name, columns, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
