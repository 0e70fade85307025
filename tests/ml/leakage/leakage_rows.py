"""Two honest parts of made rows that the leakage tests share, and how they read findings."""

import numpy as np
import pandas as pd

from pipeline.config import ValidateParams
from pipeline.domain import Verdict
from pipeline.ml.incident import Finding

PARAMS = ValidateParams(
    row_rate_ratio=(0.5, 2.0),
    units_jump_ratio=3.0,
    max_single_feature_auc=0.95,
    max_rare_label_share=0.95,
    shuffled_label_auc_band=0.05,
    sample_rows=1600,
    seed=11,
)


def rows(n: int = 1500, seed: int = 0, first: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    strong, weak = rng.normal(size=n), rng.normal(size=n)
    label = (strong + 0.5 * weak + rng.normal(size=n) > 0.5).astype("int8")
    events = pd.Timestamp("2013-01-01", tz="UTC") + pd.to_timedelta(first + np.arange(n), unit="h")
    return pd.DataFrame(
        {
            "id": [f"row-{first + i}" for i in range(n)],
            "event_time": events,
            "label": label,
            "strong": strong,
            "weak": weak,
            "noise": rng.normal(size=n),
            "carrier": pd.Categorical(rng.choice(["AA", "UA", "B6"], n)),
        }
    )


TRAIN, HOLDOUT = rows(), rows(1000, seed=1, first=1500)


def failed(findings: object) -> list[tuple[str, str | None]]:
    return [(f.check, f.column) for f in findings if f.severity is not Verdict.PASS]


def score_of(finding: Finding) -> float:
    return float(finding.found.split()[1])


def copies(of: pd.DataFrame, n: int, *, fresh_ids: bool = True) -> pd.DataFrame:
    copied = of.sample(n, random_state=3)
    return copied.assign(id="copy-" + copied["id"]) if fresh_ids else copied


def coarse(part: pd.DataFrame) -> pd.DataFrame:
    """Two features of few values: honest twins by the thousand."""
    kept = part[["id", "event_time", "label", "carrier"]]
    return kept.assign(is_strong=(part["strong"] > 0).astype(int))
