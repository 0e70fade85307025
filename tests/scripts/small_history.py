"""A small repository with a past: 60 flights a day for four months, and a champion that breaks.

The champion is right in nine of ten flights until ONSET, and wrong in nine of ten from then on.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa
import yaml

from pipeline.adapters.warehouse import connect, reading
from pipeline.champion import Champion, champion_path, render_champion
from pipeline.config import load_params
from pipeline.jsonio import save_json, save_text
from pipeline.monitoring.history import simulate_reference
from pipeline.monitoring.observe import Source
from pipeline.monitoring.reference import Reference, reference_path
from pipeline.usecase import query

ROOT = Path(__file__).parent.parent.parent
FIRST, DAYS, PER_DAY = datetime(2013, 1, 1, tzinfo=UTC), 120, 60
TRAINED = datetime(2013, 3, 4, tzinfo=UTC)  # a Monday
ONSET = datetime(2013, 4, 1, tzinfo=UTC)  # a Monday too
DIGEST = f"sha256:{'a' * 64}"
TRIGGERS = """
retraining_triggers:
  performance_degradation:
    metric: accuracy
    threshold: 0.7
    window: 7d
    consecutive_violations: 1
    min_rows: 100
  data_drift:
    psi_threshold: 0.2
    affected_features_threshold: 4
    window: 7d
    ignore: [weekday]
  concept_drift:
    accuracy_drop: 0.3
    f1_drop: 0.3
    window: 7d
    detector: none
    min_rows: 100
  scheduled_retrain:
    frequency: monthly
    day_of_month: 20
    time: "02:00"
pacing:
  cooldown: 1h
data_faults:
  window: 7d
"""


def flights() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    n = DAYS * PER_DAY
    step = timedelta(days=1) / PER_DAY
    times = pd.Series([FIRST.replace(tzinfo=None) + i * step for i in range(n)])
    return pd.DataFrame(
        {
            "id": [f"f{i:05}" for i in range(n)],
            "event_time": times,
            "available_at": times,
            "departure_hour": times.dt.floor("h"),
            "carrier": rng.choice(["UA", "B6", "DL"], n),
            "tailnum": None,
            "origin": rng.choice(["EWR", "JFK", "LGA"], n),
            "dest": rng.choice(["BOS", "ORD", "LAX"], n),
            "sched_dep_time": rng.integers(500, 2300, n),
            "sched_arr_time": rng.integers(500, 2300, n),
            "weekday": times.dt.day_of_week,
            "distance": rng.integers(200, 2500, n),
        }
    )


def write_warehouse(path: Path) -> None:
    rows = flights()
    rng = np.random.default_rng(6)
    label = (rng.random(len(rows)) < 0.4).astype(int)
    is_right = rng.random(len(rows)) < 0.9
    is_right ^= (rows["event_time"] >= ONSET.replace(tzinfo=None)).to_numpy()
    score = np.where(is_right == (label == 1), 0.8, 0.2)
    later = rows["available_at"] + timedelta(hours=6)
    labels = pd.DataFrame({"id": rows["id"], "available_at": later, "label": label})
    answers = rows[["id", "available_at"]].assign(model=DIGEST, score=score)
    engine = sa.create_engine(f"sqlite:///{path}")
    query.metadata.create_all(engine)
    query.flight_predictions.create(engine)
    with engine.begin() as connection:
        rows.to_sql("flights", connection, if_exists="append", index=False)
        labels.to_sql("flight_labels", connection, if_exists="append", index=False)
        answers.to_sql("flight_predictions", connection, if_exists="append", index=False)


def write_repository(root: Path) -> None:
    """Everything that a replay reads, in `root`."""
    shutil.copytree(ROOT / "configs", root / "configs")
    save_text(root / "configs" / "triggers.yaml", TRIGGERS)
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["collect"] |= {"history_days": 20, "recent_days": 20}
    save_text(root / "params.yaml", yaml.safe_dump(params))
    write_warehouse(root / "warehouse.db")
    write_champion(root)


def write_champion(root: Path) -> None:
    champion = Champion.model_validate(
        {"schema": 1, "model": "flight-delay", "digest": DIGEST, "package_md5": f"{'b' * 32}.dir"}
        | {"as_of": TRAINED, "approved_by": "ann", "reason": "first"}
    )
    save_text(champion_path(root, champion.model), render_champion(champion))
    save_reference(root, first_reference(root))


def first_reference(root: Path) -> Reference:
    names = ("carrier", "origin", "dest", "sched_dep_time", "sched_arr_time", "distance")
    empty = Reference(DIGEST, TRAINED, {"accuracy": 0.9, "f1_weighted": 0.9}, dict.fromkeys(names))
    with reading(connect(f"sqlite:///{root / 'warehouse.db'}")) as connection:
        source = Source(connection, query.rows(), query.labels(), query.predictions())
        return simulate_reference(source, empty, load_params(root), TRAINED)


def save_reference(root: Path, found: Reference) -> None:
    columns = {name: profile.to_json() for name, profile in found.columns.items()}
    value = {"champion": DIGEST, "until": found.until, "metrics": found.metrics, "columns": columns}
    save_json(reference_path(root, "flight-delay"), value)
