"""A repository with a champion in production: flights of January to June 2013, every tenth.

The champion's answers are made up (right three times in four, then worse), the rest is real.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.adapters import bulkload
from pipeline.adapters.warehouse import connect, read_rows, writing
from pipeline.champion import Champion, champion_path, render_champion
from pipeline.jsonio import save_json
from pipeline.ml.tables import write_parquet
from pipeline.monitoring.reference import reference_path
from pipeline.stages.reference import profile_rows
from pipeline.usecase import query
from tests.flights import thinned_tables
from tests.folders import folder_of_this_process
from tests.repository import commit, copy_repository

MODEL = "flight-delay"
DIGEST = "sha256:" + "c" * 64
UNTIL = datetime(2013, 4, 1, tzinfo=UTC)
WORSE_FROM = np.datetime64("2013-05-13")

TRIGGERS = """
retraining_triggers:
  performance_degradation:
    {metric: accuracy, threshold: 0.70, window: 7d, consecutive_violations: 2}
  data_drift:
    {psi_threshold: 0.1, affected_features_threshold: 2, window: 7d,
     ignore: [temp, dewp, humid, wind_speed, precip, pressure, visib]}
  concept_drift: {accuracy_drop: 0.10, f1_drop: 0.10, window: 14d, detector: adwin}
  scheduled_retrain:
    {frequency: monthly, day_of_month: 2, time: "02:00", timezone: America/New_York}
  new_data_volume: {min_new_samples: 6000, quality_threshold: 0.95}
  manual_retrain: {approvers: [ml_lead]}
data_faults: {window: 7d}
"""


def monitored_repository(target: Path, every: int = 10) -> Path:
    """A copy of one that is made once a session: git, warehouse.db, champion, reference."""
    shutil.copytree(_made(every), target)
    return target


@cache
def _made(every: int) -> Path:
    root = copy_repository(folder_of_this_process("monitored") / "flights")
    (root / "configs/triggers.yaml").write_text(TRIGGERS)
    _fill_warehouse(root / "warehouse.db", every)
    _make_champion(root)
    commit(root, "Approve the champion")
    return root


def _fill_warehouse(path: Path, every: int) -> None:
    tables = thinned_tables(months=6, every=every)
    engine = connect(f"sqlite:///{path}")
    with writing(engine) as connection:
        bulkload.replace_tables(connection, query.metadata.sorted_tables, tables)
        bulkload.append_rows(connection, query.flight_predictions, _answers(tables))
    engine.dispose()


def _answers(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    flights = tables["flights"][["id", "event_time", "available_at"]]
    flights = flights[flights["event_time"] >= UNTIL.replace(tzinfo=None)]
    rows = flights.merge(tables["flight_labels"][["id", "label"]], on="id", how="left")
    random = np.random.default_rng(5)
    chance = np.where(rows["event_time"].to_numpy() < WORSE_FROM, 0.80, 0.60)
    label = rows["label"].fillna(0).to_numpy()
    is_right = random.random(len(rows)) < chance
    score = np.where(is_right, label, 1 - label) * 0.6 + 0.2
    return pd.DataFrame(
        {
            "id": rows["id"],
            "model": DIGEST,
            "score": score,
            "available_at": rows["available_at"],
        }
    )


def _make_champion(root: Path) -> None:
    champion = Champion(
        schema=1,
        model=MODEL,
        digest=DIGEST,
        package_md5="d" * 32 + ".dir",
        as_of=datetime(2013, 4, 3, tzinfo=UTC),
        approved_by="a person",
        reason="first model",
    )
    path = champion_path(root, MODEL)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_champion(champion))
    rows = root / "rows.parquet"
    write_parquet(
        rows,
        read_rows(
            connect(f"sqlite:///{root / 'warehouse.db'}"),
            query.rows(),
            query.labels(),
            as_of=champion.as_of,
            start=datetime(2013, 1, 1, tzinfo=UTC),
            end=UNTIL,
            chunk_rows=100_000,
        ),
    )
    columns = profile_rows(rows, UNTIL)
    rows.unlink()
    reference = {
        "champion": DIGEST,
        "until": UNTIL,
        "metrics": {"accuracy": 0.80, "f1_weighted": 0.80},
        "columns": columns,
    }
    save_json(reference_path(root, MODEL), reference)
