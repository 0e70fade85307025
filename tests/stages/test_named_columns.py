"""Misspelt columns of the configuration end a run before it trains, and all of them at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from pipeline.errors import ConfigurationError
from pipeline.stages import evaluate, outputs, split
from tests.repository import ROOT, edit

FEATURES = ["carrier", "origin", "distance"]
KNOWN = "carrier, distance, event_time, id, label, origin"
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
        f"{where}: no column {name!r}; did you mean {near!r}?; expected one of {KNOWN}"
        for where, name, near in found
    )
    assert not (root / outputs.TRAIN_ROWS).exists()
