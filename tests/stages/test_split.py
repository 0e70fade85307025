"""The split by a column that no model sees, which the holdout keeps and training does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from pipeline.ml.leakage.check import check_leakage
from pipeline.ml.tables import KEYS, features_of, load_table, save_table
from pipeline.stages import outputs, split
from tests.ml.leakage.leakage_rows import HOLDOUT, PARAMS, TRAIN, failed
from tests.repository import ROOT, edit

CHANGES = {
    "params.yaml": {"group: null": "group: household", "method: time": "method: stratified"},
    "configs/gates.yaml": {"columns: [carrier, origin]": "columns: [carrier, household]"},
}


def table() -> pd.DataFrame:
    rows = pd.concat([TRAIN, HOLDOUT], ignore_index=True)
    households = [f"h{i // 4}" for i in range(len(rows))]
    return rows.assign(
        **{"group: household": pd.Categorical(households), "origin": rows["carrier"]}
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for name, changes in CHANGES.items():
        edit(tmp_path / name, changes)
    save_table(tmp_path / outputs.FEATURES, table())
    return tmp_path


def test_whole_groups_are_split_and_only_the_holdout_tells_them(root: Path) -> None:
    split.run(root)
    train, holdout = (load_table(root / p) for p in (outputs.TRAIN_ROWS, outputs.HOLDOUT))
    assert list(train) == [*KEYS, *features_of(table())]
    assert list(holdout) == list(table())
    household = table().set_index("id")["group: household"]
    assert not set(household[train["id"]]) & set(household[holdout["id"]])


def test_a_group_column_that_is_the_label_in_other_words_is_no_leak() -> None:
    """Nothing learns from it; as a feature it would be one."""
    parts = [part.assign(**{"group: segment": part["label"]}) for part in (TRAIN, HOLDOUT)]
    assert not failed(check_leakage(*parts, params=PARAMS))
    learned = [part.rename(columns={"group: segment": "segment"}) for part in parts]
    assert ("label_copy", "segment") in failed(check_leakage(*learned, params=PARAMS))
