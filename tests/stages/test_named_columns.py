"""Misspelt columns of the configuration end a run before it trains, and all of them at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from pipeline.config import load_gates
from pipeline.errors import ConfigurationError
from pipeline.stages import evaluate, outputs, split
from pipeline.stages.named_columns import check_named_columns
from tests.repository import ROOT, edit

FEATURES = ["carrier", "origin", "distance"]
MORE = "or a column of rows() that group_columns in configs/usecase.yaml lists"
KNOWN = f"carrier, distance, origin, {MORE}"
MISSPELT = {
    "params.yaml": {"group: null": "group: carier"},
    "configs/gates.yaml": {
        "columns: [carrier, origin]": "columns: [carrier, origine]",
        "column: origin": "column: Origin",
    },
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with rows of three features, and three columns misspelt."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for name, changes in MISSPELT.items():
        edit(tmp_path / name, changes)
    rows = pd.DataFrame({name: [1, 2] for name in ("id", "event_time", "label", *FEATURES)})
    for path in (outputs.FEATURES, outputs.HOLDOUT):
        (tmp_path / path).parent.mkdir(parents=True)
        rows.to_parquet(tmp_path / path)
    return tmp_path


@pytest.mark.parametrize("stage", [split, evaluate])
def test_all_are_named_with_what_is_near(root: Path, stage) -> None:
    with pytest.raises(ConfigurationError) as refused:
        stage.run(root)
    found = (
        ("params.yaml: split.group", "carier", "carrier"),
        ("configs/gates.yaml: comparison.slices.columns", "origine", "origin"),
        ("configs/gates.yaml: comparison.fairness.0.column", "Origin", "origin"),
    )
    assert refused.value.faults == tuple(
        f"{where}: {name!r} is no feature; did you mean {near!r}?; expected one of {KNOWN}"
        for where, name, near in found
    )
    assert not (root / outputs.TRAIN_ROWS).exists()


@pytest.mark.parametrize("key", ["id", "event_time", "label"])
def test_a_key_of_the_table_is_no_column_to_judge_by(key: str) -> None:
    policy = load_gates(ROOT).comparison
    slices = policy.slices.model_copy(update={"columns": (key,)})
    fairness = policy.fairness[0].model_copy(update={"column": key})
    policy = policy.model_copy(update={"slices": slices, "fairness": (fairness,)})
    with pytest.raises(ConfigurationError) as refused:
        check_named_columns(["id", "event_time", "label", *FEATURES], group=key, policy=policy)
    assert [fault.partition(";")[0] for fault in refused.value.faults] == [
        f"params.yaml: split.group: '{key}' is no feature",
        f"configs/gates.yaml: comparison.slices.columns: '{key}' is no feature",
        f"configs/gates.yaml: comparison.fairness.0.column: '{key}' is no feature",
    ]


def test_a_group_column_is_known_by_its_own_name() -> None:
    policy = load_gates(ROOT).comparison
    known = ["id", "event_time", "label", "distance", "group: carrier", "group: origin"]
    check_named_columns(known, group="carrier", policy=policy)
    with pytest.raises(ConfigurationError, match="expected one of carrier, distance, origin, or"):
        check_named_columns(known, group="group: carrier", policy=policy)
