"""Rows of outcomes, routed again, counted once a unit, and added up exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import numpy as np

from pipeline.adapters.ab_outcome_files import OutcomeRows
from pipeline.core.abtest.evidence import CELL_COUNTS, Cell
from pipeline.core.abtest.sums import LARGEST, counts, sums_of
from pipeline.core.inert import quote
from pipeline.core.routing import CHUNK, Variant, assign_many, digest_many
from pipeline.errors import DataIncident
from pipeline.experiment import Experiment

Place = tuple[int, int, Variant]  # look, period, variant
_VARIANTS = tuple(Variant)


class RowReader:
    """Adds chunks of rows up into `cells`, of each look, period and variant."""

    def __init__(
        self, experiment: Experiment, moments: Sequence[datetime], clock: datetime
    ) -> None:
        self.cells: dict[Place, Cell] = {}
        self._experiment = experiment
        self._seen = np.empty(0, dtype=np.uint64)
        maturity = experiment.test.maturity
        self._cutoffs = _times([moment - maturity for moment in moments])
        self._clock = _times([clock])[0]
        self._starts = _times([weight.at for weight in experiment.weights])
        self._weights = np.array([w.challenger_basis_points for w in experiment.weights])

    def add(self, rows: OutcomeRows) -> None:
        """Count `rows` in. Raises DataIncident for what no row may be."""
        is_b = rows.variant == Variant.MODEL_B.value.encode()
        is_known = is_b | (rows.variant == Variant.MODEL_A.value.encode())
        if not is_known.all():
            found = quote(rows.variant[~is_known][0].decode(errors="replace"))
            raise DataIncident(f"outcomes: found the variant {found}, expected model_a or model_b")
        assigned = rows.assigned_at
        if np.isnat(assigned).any():
            raise DataIncident("outcomes: a unit without assigned_at")
        period = np.searchsorted(self._starts, assigned, side="right") - 1
        look = np.searchsorted(self._cutoffs, assigned, side="left")
        is_future = (assigned > self._clock) | (rows.outcome_at > self._clock)
        look[is_future] = len(self._cutoffs) - 1
        is_in_test = period >= 0
        if self._experiment.stopped_at is not None:
            is_in_test &= assigned < _times([self._experiment.stopped_at])[0]
        is_first = self._are_first(rows.unit, is_in_test & ~is_future)
        is_in_time = is_in_test & (look < len(self._cutoffs))
        kinds = self._kinds(rows, is_first, is_future, is_b, period)
        for at, where in _groups(look, period, is_b, is_in_time):
            cell = _cell_of_rows(self._experiment, rows, kinds, where)
            self.cells[at] = self.cells.get(at, Cell()) + cell

    def _kinds(
        self,
        rows: OutcomeRows,
        is_first: np.ndarray,
        is_future: np.ndarray,
        is_b: np.ndarray,
        period: np.ndarray,
    ) -> dict[str, np.ndarray]:
        """What each row is, (n,) each; `used` rows have an outcome that counts."""
        is_unit = is_first & ~is_future
        missing = rows.is_missing[self._experiment.test.primary.metric]
        early = ~missing & (rows.outcome_at < rows.assigned_at)
        is_odd = _is_broken(self._experiment, rows) | np.isnat(rows.outcome_at)
        broken = ~missing & ~early & is_odd
        weight = self._weights[np.maximum(period, 0)]
        is_theirs = (assign_many(self._experiment.salt, rows.unit) < weight) == is_b
        return {
            "units": is_unit,
            "misrouted": is_unit & ~is_theirs,
            "missing": is_unit & missing,
            "broken": is_unit & broken,
            "early": is_unit & early,
            "repeated": ~is_first & ~is_future,
            "future": is_future,
            "used": is_unit & ~missing & ~broken & ~early,
        }

    def _are_first(self, units: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Which rows are the first that `counts` of their unit, in all that was read."""
        where = np.flatnonzero(counts)
        digests = np.empty(len(where), dtype=np.uint64)
        for at in range(0, len(where), CHUNK):
            digests[at : at + CHUNK] = digest_many(b"", units[where[at : at + CHUNK]])
        new, index = np.unique(digests, return_index=True)
        place = np.searchsorted(self._seen, new)
        is_new = np.ones(len(new), dtype=bool)
        inside = place < len(self._seen)
        is_new[inside] = self._seen[place[inside]] != new[inside]
        self._seen = np.insert(self._seen, place[is_new], new[is_new])
        is_first = np.zeros(len(units), dtype=bool)
        is_first[where[index[is_new]]] = True
        return is_first


def _groups(
    look: np.ndarray, period: np.ndarray, is_b: np.ndarray, is_in_time: np.ndarray
) -> Iterable[tuple[Place, np.ndarray]]:
    """The row numbers of each place."""
    rows = np.flatnonzero(is_in_time)
    periods = int(period.max(initial=0)) + 1
    code = (look[rows] * periods + period[rows]) * 2 + is_b[rows]
    rows = rows[np.argsort(code, kind="stable")]
    codes, starts = np.unique(np.sort(code), return_index=True)
    for one, where in zip(codes.tolist(), np.split(rows, starts[1:]), strict=False):
        place, side = divmod(one, 2)
        yield (place // periods, place % periods, _VARIANTS[side]), where


def _cell_of_rows(
    experiment: Experiment, rows: OutcomeRows, kinds: Mapping[str, np.ndarray], where: np.ndarray
) -> Cell:
    test = experiment.test
    used = where[kinds["used"][where]]
    sums = {}
    for metric in test.metrics:
        has_value = used[~rows.is_missing[metric.metric][used]]
        y = rows.values[metric.metric][has_value]
        if metric.kind == "proportion" and metric is not test.primary:
            sums[metric.metric] = counts(len(y), int(y.sum()))
        elif metric is test.primary and test.covariate:
            sums[metric.metric] = sums_of(y, rows.values[test.covariate][has_value])
        else:
            sums[metric.metric] = sums_of(y)
    return Cell(metrics=sums, **{name: int(kinds[name][where].sum()) for name in CELL_COUNTS})


def _is_broken(experiment: Experiment, rows: OutcomeRows) -> np.ndarray:
    """Where a value is not what its metric can be; an absent covariate is 0, and so sound."""
    broken = np.zeros(len(rows.unit), dtype=bool)
    for metric in experiment.test.metrics:
        values = rows.values[metric.metric]
        is_sound = np.abs(values) <= LARGEST
        if metric.kind == "proportion":
            is_sound = (values == 0) | (values == 1)
        broken |= ~is_sound & ~rows.is_missing[metric.metric]
    if experiment.test.covariate:
        broken |= ~(np.abs(rows.values[experiment.test.covariate]) <= LARGEST)
    return broken


def _times(moments: Sequence[datetime]) -> np.ndarray:
    return np.array([moment.replace(tzinfo=None) for moment in moments], dtype="datetime64[us]")
