"""The evidence of an A/B test at each look, from the warehouse or from a file of outcomes.

A look sees the units that are mature by then, so that it is the same whenever it is taken: looks
that were missed are made up for later, as they would have been.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from pipeline.adapters import ab_outcomes as outcomes
from pipeline.adapters.ab_outcome_files import read_outcome_file
from pipeline.core.abtest.evidence import Cell, Evidence, Period
from pipeline.core.abtest.looks import Look
from pipeline.core.abtest.sums import Sums
from pipeline.core.routing import Variant, assign_many
from pipeline.experiment import Experiment
from pipeline.monitoring.ab_rows import Place, RowReader

# ---------------------------------------------------------------- the warehouse


def looks_from_warehouse(
    connection: sa.Connection,
    labels: sa.Select,
    predictions: sa.Select,
    experiment: Experiment,
    *,
    threshold: float,
    moments: Sequence[datetime],
    clock: datetime,
) -> tuple[Look, ...]:
    """The evidence at each of `moments` (ascending), from answers and labels known at the last.

    What is assigned after `clock`, the time that it is, is a clock that differs. Every unit is
    routed again: `misrouted` counts those that the other variant should have answered.
    """
    test = experiment.test
    asked = outcomes.Asked(
        variants={
            experiment.model_a: Variant.MODEL_A.value,
            experiment.model_b: Variant.MODEL_B.value,
        },
        unit=test.unit,
        started_at=experiment.started_at,
        until=experiment.stopped_at,
        periods=[weight.at for weight in experiment.weights],
        looks=moments,
        clock=clock,
        maturity=test.maturity,
        threshold=threshold,
        metrics=[metric.metric for metric in test.metrics],
    )
    found = outcomes.count_outcomes(connection, labels, predictions, asked)
    cells = {(one.look, one.period, Variant(one.variant)): _cell(one) for one in found}
    for place, misrouted in _misrouted(connection, predictions, experiment, asked).items():
        cells[place] = cells.get(place, Cell()) + Cell(misrouted=misrouted)
    return _cumulative(experiment, moments, cells)


def _misrouted(
    connection: sa.Connection, predictions: sa.Select, experiment: Experiment, asked: outcomes.Asked
) -> Counter[Place]:
    """Units that the other variant should have answered: each id is hashed again.

    Memory is a chunk of rows.
    """
    weights = np.array([weight.challenger_basis_points for weight in experiment.weights])
    found: Counter[Place] = Counter()
    for units in outcomes.read_units(connection, predictions, asked):
        should_be_b = assign_many(experiment.salt, units.unit) < weights[units.period]
        where = np.flatnonzero(should_be_b != units.is_b)
        columns = (units.look[where], units.period[where], units.is_b[where])
        for look, period, is_b in zip(*(column.tolist() for column in columns), strict=True):
            found[look, period, Variant.MODEL_B if is_b else Variant.MODEL_A] += 1
    return found


def _cell(found: outcomes.OutcomeCounts) -> Cell:
    sums = {}
    for metric, (n, y, yy) in found.sums.items():
        steps = outcomes.STEPS if metric == "brier_score" else 1
        sums[metric] = Sums(n, Fraction(y, steps), Fraction(yy, steps**2))
    return Cell(metrics=sums, **found.counts)


# ---------------------------------------------------------------- a file


def looks_from_file(
    path: Path, experiment: Experiment, moments: Sequence[datetime], clock: datetime
) -> tuple[Look, ...]:
    """The evidence at each of `moments` from a file of outcomes.

    Memory is a chunk of rows and 8 bytes for each unit, which counts once. Every unit is routed
    again here too.
    """
    test = experiment.test
    names = [metric.metric for metric in test.metrics]
    names += [test.covariate] if test.covariate else []
    reader = RowReader(experiment, moments, clock)
    for rows in read_outcome_file(path, names):
        reader.add(rows)
    return _cumulative(experiment, moments, reader.cells)


# ---------------------------------------------------------------- both


def _cumulative(
    experiment: Experiment, moments: Sequence[datetime], cells: Mapping[Place, Cell]
) -> tuple[Look, ...]:
    """What was seen by each look: all cells of it and of those before."""
    periods = [weight.challenger_basis_points for weight in experiment.weights]
    so_far = Evidence(tuple(Period(points) for points in periods))
    looks = []
    for index, moment in enumerate(moments):
        new = [
            Period(points, *(cells.get((index, place, variant), Cell()) for variant in Variant))
            for place, points in enumerate(periods)
        ]
        so_far = so_far + Evidence(tuple(new))
        looks.append(Look(moment, so_far))
    return tuple(looks)
