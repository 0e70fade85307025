"""Columns that configuration names: all are checked at once, and before a training minute.

Which columns there are is known once the features are built, and not sooner.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.config import ComparisonPolicy
from pipeline.errors import ConfigurationError, did_you_mean
from pipeline.ml.built_in import GROUP
from pipeline.ml.tables import KEYS

MORE = "a column of rows() that group_columns in configs/usecase.yaml lists"


def check_named_columns(
    known: Iterable[str], *, group: str | None, policy: ComparisonPolicy
) -> None:
    """Raise ConfigurationError for each group, slice and fairness column that is not there.

    `known` are the columns of a table of features, with its keys and group columns. A slice of one
    label would be answered by looking at it, and of an id or a time each row is its own.
    """
    features = sorted({str(name).removeprefix(GROUP) for name in known} - {*KEYS})
    expected = f"expected one of {', '.join(features)}, or {MORE}"
    faults = [
        f"{where}: {name!r} is no feature{did_you_mean(name, features)}; {expected}"
        for where, name in _named(group, policy)
        if name not in features
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
