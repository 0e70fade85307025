"""Features for training are made of the same rows, in the same form, as those that serve."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from pipeline.adapters.warehouse import connect, read_rows, writing
from pipeline.errors import ConfigurationError
from pipeline.ml.tables import (
    KEYS,
    collected_rows,
    features_of,
    load_table,
    without_groups,
    write_parquet,
)
from pipeline.stages import featurize
from pipeline.stages.holdout import labels_of

START = datetime(2013, 1, 1, tzinfo=UTC)
END = START + timedelta(days=2)
tables = sa.MetaData()
events = sa.Table(
    "events",
    tables,
    sa.Column("id", sa.String),
    sa.Column("event_time", sa.DateTime),
    sa.Column("available_at", sa.DateTime),
    sa.Column("year", sa.Integer),  # its gaps are in the second half alone
    sa.Column("is_new", sa.Boolean),
    sa.Column("place", sa.String),
    sa.Column("temp", sa.Double),
)
outcomes = sa.Table(
    "outcomes",
    tables,
    sa.Column("id", sa.String),
    sa.Column("label", sa.Integer),
    sa.Column("available_at", sa.DateTime),
)


def warehouse(path: Path) -> sa.Engine:
    """Forty events and their labels: gaps of each type, in some chunks and not in others."""
    engine = connect(f"sqlite:///{path}")
    times = [START.replace(tzinfo=None) + timedelta(hours=k) for k in range(40)]
    found = [
        {
            "id": f"r{k:02}",
            "event_time": time,
            "available_at": time,
            "year": None if k > 20 and k % 5 == 0 else 1970 + k % 4,
            "is_new": None if k > 20 and k % 7 == 0 else k % 2 == 0,
            "place": None if k % 9 == 0 else "xyz"[k % 3],
            "temp": None if k % 6 == 0 else k / 3,
        }
        for k, time in enumerate(times)
    ]
    labels = [{"id": r["id"], "label": k % 2, "available_at": END} for k, r in enumerate(found)]
    with writing(engine) as connection:
        tables.create_all(connection)
        connection.execute(events.insert(), found)
        connection.execute(outcomes.insert(), labels)
    return engine


def rows_of(engine: sa.Engine, chunk_rows: int):
    window = {"as_of": END, "start": START, "end": END}
    selects = sa.select(*events.c), sa.select(*outcomes.c)
    return read_rows(engine, *selects, **window, chunk_rows=chunk_rows)


def dtype_dependent(rows: pd.DataFrame) -> pd.DataFrame:
    """What a use case may well write, and what differs where the dtypes of its rows do."""
    return pd.DataFrame(
        {
            "year": rows["year"].astype(str).astype("category"),
            "is_new": rows["is_new"].astype(str).astype("category"),
            "place": rows["place"].astype(str).astype("category"),
            "is_old": (rows["year"] < 1972).fillna(True).astype("float64"),
            "temp": rows["temp"],
        },
        index=rows.index,
    )


@pytest.mark.parametrize("chunk_rows", [7, 20, 1000])
def test_rows_come_back_as_the_warehouse_gave_them(tmp_path: Path, chunk_rows: int) -> None:
    engine = warehouse(tmp_path / "w.db")
    write_parquet(tmp_path / "rows.parquet", rows_of(engine, chunk_rows))
    served = pd.concat(rows_of(engine, 1000), ignore_index=True)
    read = collected_rows(tmp_path / "rows.parquet", chunk_rows)
    trained = pd.concat(read, ignore_index=True)
    pd.testing.assert_frame_equal(trained, served)


@pytest.mark.parametrize("chunk_rows", [7, 20, 1000])
def test_features_that_train_are_features_that_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk_rows: int
) -> None:
    monkeypatch.setattr(featurize, "build_features", dtype_dependent)
    engine = warehouse(tmp_path / "w.db")
    write_parquet(tmp_path / "rows.parquet", rows_of(engine, chunk_rows))
    chunks = featurize._feature_chunks(tmp_path / "rows.parquet", chunk_rows)
    write_parquet(tmp_path / "features.parquet", chunks)
    trained = load_table(tmp_path / "features.parquet").drop(columns=list(KEYS))
    served = dtype_dependent(pd.concat(rows_of(engine, 1000), ignore_index=True))
    as_values = dict.fromkeys(["year", "is_new", "place"], object)
    pd.testing.assert_frame_equal(
        trained.astype(as_values), served.astype(as_values), check_dtype=False
    )


def test_categories_of_numbers_and_booleans_train_as_categories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        featurize, "build_features", lambda rows: rows[["year", "is_new"]].astype("category")
    )
    write_parquet(tmp_path / "rows.parquet", rows_of(warehouse(tmp_path / "w.db"), 7))
    chunks = featurize._feature_chunks(tmp_path / "rows.parquet", 7)
    write_parquet(tmp_path / "features.parquet", chunks)
    trained = load_table(tmp_path / "features.parquet")
    assert trained["year"].cat.categories.tolist() == ["1970", "1971", "1972", "1973"]
    assert trained["is_new"].cat.categories.tolist() == ["0", "1"]
    assert trained["year"].isna().tolist() == [k > 20 and k % 5 == 0 for k in range(40)]


@pytest.mark.parametrize("chunk_rows", [7, 20, 1000])
def test_the_first_chunk_does_not_decide_the_types_of_the_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk_rows: int
) -> None:
    """Its rows have no labels, its numbers are whole, its booleans and categories have no gap."""

    def build(rows: pd.DataFrame) -> pd.DataFrame:
        hour = rows["event_time"].dt.hour.where(rows["id"] < "r20", 0.5)
        hour = hour.astype("int64") if (hour % 1 == 0).all() else hour
        return rows[["year", "is_new"]].assign(hour=hour, place=rows["place"].astype("category"))

    monkeypatch.setattr(featurize, "build_features", build)
    engine = warehouse(tmp_path / "w.db")
    with writing(engine) as connection:
        connection.execute(outcomes.update().where(outcomes.c.id < "r08").values(label=None))
    write_parquet(tmp_path / "rows.parquet", rows_of(engine, 1000))
    chunks = featurize._feature_chunks(tmp_path / "rows.parquet", chunk_rows)
    assert write_parquet(tmp_path / "features.parquet", chunks) == 32
    trained = load_table(tmp_path / "features.parquet").drop(columns=list(KEYS))
    types = {"year": "float64", "is_new": "float64", "hour": "float64", "place": "category"}
    assert trained.dtypes.astype(str).to_dict() == types
    assert trained["hour"].tolist() == [*map(float, range(8, 20)), *[0.5] * 20]
    assert trained["is_new"].dropna().tolist() == [
        k % 2 == 0 for k in range(8, 40) if k < 21 or k % 7
    ]


def test_booleans_without_a_gap_stay_booleans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        featurize, "build_features", lambda rows: rows[["temp"]].assign(hot=rows["temp"] > 5)
    )
    write_parquet(tmp_path / "rows.parquet", rows_of(warehouse(tmp_path / "w.db"), 7))
    chunks = featurize._feature_chunks(tmp_path / "rows.parquet", 7)
    write_parquet(tmp_path / "features.parquet", chunks)
    assert load_table(tmp_path / "features.parquet")["hot"].dtype == "bool"


@pytest.mark.parametrize("name", ["event_time", "place"])
def test_times_and_text_are_no_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(
        featurize, "build_features", lambda rows: rows[[name]].set_axis(["x"], axis=1)
    )
    write_parquet(tmp_path / "rows.parquet", rows_of(warehouse(tmp_path / "w.db"), 7))
    with pytest.raises(ConfigurationError, match=r"returned \['x'\] as text or times"):
        next(featurize._feature_chunks(tmp_path / "rows.parquet", 7))


def test_group_columns_go_along_as_text_and_are_no_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(featurize, "build_features", lambda rows: rows[["temp"]])
    write_parquet(tmp_path / "rows.parquet", rows_of(warehouse(tmp_path / "w.db"), 7))
    chunks = featurize._feature_chunks(tmp_path / "rows.parquet", 7, ("year", "place", "is_new"))
    write_parquet(tmp_path / "features.parquet", chunks)
    table = load_table(tmp_path / "features.parquet")
    assert list(features_of(table)) == ["temp"]
    assert table["group: year"].cat.categories.tolist() == ["1970", "1971", "1972", "1973"]
    assert table["group: is_new"].cat.categories.tolist() == ["0", "1"]
    assert labels_of(table, "place")[:4].tolist() == ["(missing)", "y", "z", "x"]
    assert list(without_groups(table)) == [*KEYS, "temp"]


def test_group_columns_that_cannot_be_are_all_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(featurize, "build_features", lambda rows: rows[["temp"]])
    write_parquet(tmp_path / "rows.parquet", rows_of(warehouse(tmp_path / "w.db"), 7))
    asked = ("plase", "id", "temp", "year")
    with pytest.raises(ConfigurationError) as refused:
        next(featurize._feature_chunks(tmp_path / "rows.parquet", 7, asked))
    asis = ", which slices and groups may name as it is; take it out here, or give the feature "
    asis += "another name"
    known = "expected one of year, is_new, place, temp"
    assert refused.value.where == "configs/usecase.yaml"
    assert refused.value.faults == (
        f"group_columns: 'plase' is no column of rows(); did you mean 'place'?; {known}",
        f"group_columns: 'id' is no column of rows(); {known}",
        f"group_columns: 'temp' is a feature{asis}",
    )


def test_no_feature_may_be_named_as_a_group_column_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        featurize, "build_features", lambda rows: rows[["temp"]].set_axis(["group: a"], axis=1)
    )
    write_parquet(tmp_path / "rows.parquet", rows_of(warehouse(tmp_path / "w.db"), 7))
    with pytest.raises(ConfigurationError, match=r"returned \['group: a'\], whose names begin"):
        next(featurize._feature_chunks(tmp_path / "rows.parquet", 7))


@pytest.mark.parametrize("returned", [None, [1.0], pd.Series([1.0])])
def test_features_that_are_no_frame_are_refused(returned: object) -> None:
    with pytest.raises(ConfigurationError, match=f"returned {type(returned).__name__}, expected"):
        featurize._check_features(returned, pd.DataFrame({"id": ["a"]}))
