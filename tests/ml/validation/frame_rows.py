"""Ordinary collected rows that the tests of whole frames share."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from pipeline.config import Column, RowRules, Schema, ValidateParams
from pipeline.domain import Verdict
from pipeline.ml.incident import Finding

START = pd.Timestamp("2013-01-01", tz="UTC")
AS_OF = datetime(2013, 3, 12, tzinfo=UTC)
DAYS, A_DAY = 60, 20
ROWS = RowRules(min_rows=100, min_label_coverage=0.9, label_rate=(0.05, 0.6))
SCHEMA = Schema(
    rows=ROWS,
    columns={
        "temp": Column(type="number", unit="°F"),
        "distance": Column(type="number", unit="mi"),
        "origin": Column(type="category"),
        "tailnum": Column(type="category"),
    },
)


def params(**changes: object) -> ValidateParams:
    defaults = {
        "row_rate_ratio": (0.5, 2.0),
        "units_jump_ratio": 3.0,
        "max_single_feature_auc": 0.95,
        "max_rare_label_share": 0.95,
        "shuffled_label_auc_band": 0.05,
        "sample_rows": 1000,
        "seed": 1,
    }
    return ValidateParams(**{**defaults, **changes})


def rows(days: int = DAYS, a_day: int = A_DAY, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = days * a_day
    events = START + pd.to_timedelta(np.arange(n) * (86_400 // a_day), unit="s")
    return pd.DataFrame(
        {
            "id": [f"row-{i}" for i in range(n)],
            "event_time": events,
            "available_at": events,
            "label": (np.arange(n) % 4 == 0).astype(float),
            "label_available_at": events + pd.Timedelta(hours=5),
            "temp": rng.normal(60, 10, n),
            "distance": rng.gamma(2, 400, n),
            "origin": rng.choice(["EWR", "JFK", "LGA"], n),
            "tailnum": [f"N{i}" for i in rng.permutation(n)],
        }
    )


def failed(findings: list[Finding] | object) -> list[tuple[str, str | None]]:
    return [(f.check, f.column) for f in findings if f.severity is not Verdict.PASS]
