"""Requests of three days with their labels, in a database: routed as a test's weights say."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import sqlalchemy as sa

from pipeline.adapters import bulkload
from pipeline.config import parse_section
from pipeline.core.routing import assign_many
from pipeline.experiment import Experiment
from pipeline.monitoring.ab_outcomes import looks_from_warehouse
from tests.core.ab_tests import DAY, PLAIN, START

A, B = ("sha256:" + letter * 64 for letter in "ab")
BRIER = {"metric": "brier_score", "kind": "mean", "direction": "lower_is_better", "margin": 0.01}
METADATA = sa.MetaData()
PREDICTIONS = sa.Table(
    "predictions",
    METADATA,
    sa.Column("id", sa.String),
    sa.Column("unit", sa.String),
    sa.Column("model", sa.String),
    sa.Column("score", sa.Double),
    sa.Column("available_at", sa.DateTime),
)
LABELS = sa.Table(
    "labels",
    METADATA,
    sa.Column("id", sa.String),
    sa.Column("label", sa.Integer),
    sa.Column("available_at", sa.DateTime),
)
HOUR = timedelta(hours=1)
MOMENTS = [START + n * DAY for n in (1, 2, 3)]
CLOCK = START + 4 * DAY


def experiment(**changes) -> Experiment:
    test = {**PLAIN, "unit": "request", "maturity": "6h", "guardrails": [BRIER]}
    values = {
        "schema": 1,
        "id": "exp-1",
        "model": "m",
        "salt": "exp-1",
        "model_a": A,
        "model_b": B,
        "started_at": START,
        "weights": [
            {"at": START, "challenger_basis_points": 1_000},
            {"at": START + DAY, "challenger_basis_points": 5_000},
        ],
    }
    test |= changes.pop("test", {})
    return parse_section(Experiment, {**values, "test": test, **changes}, "here")


def naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def world(n=2_000, seed=0) -> pd.DataFrame:
    """Requests of three days, routed as they should be; every twentieth has no label yet."""
    generator = np.random.default_rng(seed)
    units = [f"r{number}" for number in range(n)]
    at = [naive(START) + timedelta(seconds=float(s)) for s in np.linspace(0, 3 * 86_400 - 1, n)]
    weight = np.where(np.array(at) < naive(START + DAY), 1_000, 5_000)
    is_b = assign_many("exp-1", units) < weight
    label = generator.integers(0, 2, n)
    is_right = generator.random(n) < np.where(is_b, 0.9, 0.7)
    score = np.where(is_right == (label == 1), 0.75, 0.25)
    frame = pd.DataFrame({"id": units, "at": at, "is_b": is_b, "label": label, "score": score})
    frame["right"] = is_right.astype(float)
    frame["has_label"] = np.arange(n) % 20 != 7
    return frame


def fill(connection, frame: pd.DataFrame, metadata: sa.MetaData = METADATA) -> None:
    model = np.where(frame["is_b"], B, A)
    answers = frame.assign(unit=frame["id"], model=model, available_at=frame["at"])
    labels = frame[frame["has_label"]].assign(available_at=lambda known: known["at"] + HOUR)
    tables = {"predictions": answers, "labels": labels}
    bulkload.replace_tables(connection, metadata.sorted_tables, tables)


def asked(connection, one=None, moments=MOMENTS, labels=LABELS):
    return looks_from_warehouse(
        connection,
        sa.select(labels),
        sa.select(PREDICTIONS),
        one or experiment(),
        threshold=0.5,
        moments=moments,
        clock=CLOCK,
    )
