"""split: lock the holdout, and stop before training where the split leaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.config import load_gates, load_params
from pipeline.jsonio import save_json
from pipeline.ml.digest import frame_digest, row_hashes
from pipeline.ml.leakage.check import check_leakage
from pipeline.ml.split import split_rows
from pipeline.ml.tables import load_table, name_in, save_table, without_groups
from pipeline.stages import outputs
from pipeline.stages.champion import champion_package, seen_by
from pipeline.stages.collect import windows
from pipeline.stages.incident import stop_on_fault
from pipeline.stages.named_columns import check_named_columns
from pipeline.stages.stage import say


def run(root: Path) -> None:
    """Write train.parquet, holdout.parquet, seen_ids.parquet and summary.json."""
    params = load_params(root)
    rows = load_table(root / outputs.FEATURES)
    # Policy decides nothing here, so it is no dependency in dvc.yaml: another one trains nothing.
    policy = load_gates(root).comparison
    check_named_columns(rows.columns, group=params.split.group, policy=policy)
    seen = seen_by(champion_package(root))
    how = params.split
    if how.group is not None:
        how = how.model_copy(update={"group": name_in(rows, how.group)})
    split = split_rows(rows, seen, how, windows(params.collect)["recent"].end)
    train = rows[split.train].reset_index(drop=True)
    holdout = rows[split.holdout].reset_index(drop=True)
    findings = check_leakage(train, holdout, group=how.group, params=params.validate_, seen=seen)
    stop_on_fault(root, "split", findings, len(rows))

    save_table(root / outputs.TRAIN_ROWS, without_groups(train))
    save_table(root / outputs.HOLDOUT, holdout)
    all_seen = np.union1d(seen, row_hashes(train["id"]))
    save_table(root / outputs.SEEN_IDS, pd.DataFrame({"row_hash": all_seen}))
    save_json(
        root / outputs.SPLIT_SUMMARY,
        {
            "method": params.split.method,
            "train": _describe(train),
            "holdout": {**_describe(holdout), "digest": frame_digest(holdout)},
            "set_aside_rows": split.set_aside,
        },
    )
    say(f"{len(train):,} rows train, {len(holdout):,} judge, {split.set_aside:,} set aside")


def _describe(rows: pd.DataFrame) -> dict[str, object]:
    return {
        "rows": len(rows),
        "label_rate": round(float(rows["label"].mean()), 4),
        "start": rows["event_time"].min().to_pydatetime(),
        "end": rows["event_time"].max().to_pydatetime(),
    }
