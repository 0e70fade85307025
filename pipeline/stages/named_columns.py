"""Columns that configuration names: all are checked at once, and before a training minute.

Which columns there are is known once the features are built, and not sooner.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.config import ComparisonPolicy
from pipeline.errors import ConfigurationError, did_you_mean


def check_named_columns(
    known: Iterable[str], *, group: str | None, policy: ComparisonPolicy
) -> None:
    """Raise ConfigurationError for each group, slice and fairness column that is not in `known`."""
    columns = sorted(map(str, known))
    expected = f"expected one of {', '.join(columns)}"
    faults = [
        f"{where}: no column {name!r}{did_you_mean(name, columns)}; {expected}"
        for where, name in _named(group, policy)
        if name not in columns
    ]
    if faults:
        raise ConfigurationError("configuration", faults)


def _named(group: str | None, policy: ComparisonPolicy) -> Iterator[tuple[str, str]]:
    if group is not None:
        yield "params.yaml: split.group", group
    for name in policy.slices.columns:
        yield "configs/gates.yaml: comparison.slices.columns", name
    for number, fairness in enumerate(policy.fairness):
        yield f"configs/gates.yaml: comparison.fairness.{number}.column", fairness.column
