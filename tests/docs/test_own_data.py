"""The page on your own data: its files are what the pipeline takes, and its tables are complete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from pipeline.adapters.warehouse import kinds_of
from pipeline.config import Column, load_params, load_schema, load_usecase
from pipeline.ml.categories import as_categories
from pipeline.ml.model_io import require_savable
from pipeline.pointintime import point_in_time
from pipeline.stages import featurize, train
from tests.docs.pages import fences, tokens
from tests.repository import ROOT

PAGE = ROOT / "docs/use-your-own-data.md"
ROWS = 60


@pytest.fixture(scope="module")
def code() -> dict[str, Any]:
    """What query.py, features.py and model.py of the page define."""
    blocks, defined = fences(PAGE, {"python"}), {}
    assert len(blocks) == 3
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), defined)  # noqa: S102 (our own page)
    return defined


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with configs/usecase.yaml and schema.yaml as the page has them."""
    usecase, schema = fences(PAGE, {"yaml"})
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/usecase.yaml").write_text(usecase)
    (tmp_path / "configs/schema.yaml").write_text(schema)
    return tmp_path


def test_the_query_of_the_page_gives_the_columns_of_its_schema(code, root: Path) -> None:
    kinds = kinds_of(point_in_time(code["rows"](), code["labels"](), "sqlite"))
    assert set(load_schema(root).columns) == set(list(kinds)[3:-2])
    assert kinds["waited_hours"] == "float64"
    assert kinds["words"] == "Int64"


def test_text_with_typed_columns_can_be_read_as_the_page_says(code) -> None:
    typed = {column.name: column.type for column in code["rows"]().selected_columns}
    rows = sa.text("SELECT * FROM tickets").columns(**typed)
    assert "words" in kinds_of(point_in_time(rows, code["labels"](), "sqlite"))


def test_the_features_and_the_model_of_the_page_can_be_trained_and_saved(code) -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "id": [str(number) for number in range(ROWS)],
            "event_time": pd.date_range("2026-01-01", periods=ROWS, freq="h", tz="UTC"),
            "plan": rng.choice(["free", "pro", "team"], ROWS),
            "words": pd.array(rng.integers(1, 900, ROWS), dtype="Int64"),
            "waited_hours": np.where(rng.random(ROWS) < 0.2, np.nan, 1.0),
        }
    )
    features = code["build_features"](rows)
    featurize._check_features(features, rows)
    features = features.assign(plan=as_categories(features["plan"]))
    model = code["build_model"](features, 3)
    train._check_model(model, {name: code[name] for name in ("DEFAULTS", "SEARCH_SPACE")})
    fitted = model.set_params(**code["DEFAULTS"]).fit(features, np.arange(ROWS) % 2)
    assert np.isfinite(fitted.predict_proba(features)).all()
    require_savable(fitted, "skops")


def test_the_usecase_of_the_page_loads(root: Path) -> None:
    assert load_usecase(root).model == "ticket-escalation"


def test_each_key_of_a_column_is_in_the_table() -> None:
    keys = {key for row in first_cells("key of a column") for key in row}
    assert keys == set(Column.model_fields)


def test_each_parameter_that_is_to_be_thought_of_is_one() -> None:
    known = load_params(ROOT)
    for section_and_name, *others in first_cells("key"):
        section, name = section_and_name.split(".")
        names = {name, *(other.rpartition(".")[2] for other in others)}
        assert names <= set(type(getattr(known, section)).model_fields), section


def first_cells(head: str) -> list[list[str]]:
    """The code in the first cell of each row of the table whose first column is `head`."""
    parts = tokens(PAGE)
    starts = [at for at, part in enumerate(parts) if part.type == "table_open"]
    (begin,) = [at for at in starts if parts[at + 4].content == head]
    end = next(at for at in range(begin, len(parts)) if parts[at].type == "table_close")
    rows = [at for at in range(begin, end) if parts[at].type == "tr_open"][1:]
    return [
        [c.content for c in parts[at + 2].children or () if c.type == "code_inline"] for at in rows
    ]
