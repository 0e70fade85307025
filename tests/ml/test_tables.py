"""Tables: streamed, typed, whole or absent; and digests that do not depend on the cutting."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ml.digest import FrameDigest, frame_digest, row_hashes
from pipeline.ml.tables import features_of, load_table, save_table, write_parquet


def frame(n: int = 50) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "id": [f"i{k}" for k in range(n)],
            "event_time": pd.date_range("2013-01-01", periods=n, freq="h", tz="UTC"),
            "label": rng.integers(0, 2, n).astype("int8"),
            "category": pd.Categorical(rng.choice(["z", "a", None], n)),
            "number": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
        }
    )


def test_chunks_with_new_categories_come_back_as_one_table(tmp_path: Path) -> None:
    whole = frame()
    parts = [whole.iloc[:20].copy(), whole.iloc[20:].copy()]
    parts[0]["category"] = pd.Categorical(["only-here"] * 20)
    assert write_parquet(tmp_path / "t.parquet", parts) == 50
    table = load_table(tmp_path / "t.parquet")
    assert table["category"].cat.categories.tolist() == ["a", "only-here", "z"]
    expected = pd.concat([part.astype({"category": object}) for part in parts])
    pd.testing.assert_frame_equal(
        table.astype({"category": object}), expected.reset_index(drop=True), check_dtype=False
    )
    assert list(features_of(table)) == ["category", "number"]


@pytest.mark.parametrize("first", [0, 2])
def test_frames_without_rows_say_nothing_of_the_types(tmp_path: Path, first: int) -> None:
    untyped = frame().iloc[:0].astype({"category": object, "number": object})
    parts = [untyped, untyped]
    parts.insert(first, frame())
    assert write_parquet(tmp_path / "t.parquet", parts) == 50
    save_table(tmp_path / "alone.parquet", frame())
    assert (tmp_path / "t.parquet").read_bytes() == (tmp_path / "alone.parquet").read_bytes()


def test_no_rows_at_all_are_a_table_with_its_columns(tmp_path: Path) -> None:
    assert write_parquet(tmp_path / "t.parquet", [frame().iloc[:0]] * 2) == 0
    assert list(load_table(tmp_path / "t.parquet")) == list(frame())
    with pytest.raises(ValueError, match="found no frame to write"):
        write_parquet(tmp_path / "t.parquet", [])


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_table(tmp_path / name, frame())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_stream_that_breaks_leaves_nothing_and_keeps_what_was(tmp_path: Path) -> None:
    def broken():
        yield frame()
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_parquet(tmp_path / "t.parquet", broken())
    assert list(tmp_path.iterdir()) == []
    save_table(tmp_path / "t.parquet", frame())
    before = (tmp_path / "t.parquet").read_bytes()
    with pytest.raises(OSError, match="No space"):
        write_parquet(tmp_path / "t.parquet", broken())
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]
    assert (tmp_path / "t.parquet").read_bytes() == before


@settings(max_examples=30, deadline=None)
@given(cut=st.integers(0, 50))
def test_a_digest_does_not_depend_on_how_the_rows_were_cut(cut: int) -> None:
    digest = FrameDigest()
    digest.update(frame().iloc[:cut])
    digest.update(frame().iloc[cut:])
    assert digest.text() == frame_digest(frame())


@pytest.mark.parametrize("change", ["value", "order", "column", "missing"])
def test_any_change_of_the_rows_changes_the_digest(change: str) -> None:
    changed = frame()
    if change == "value":
        changed.loc[7, "number"] = 0.5
    elif change == "order":
        changed = changed.iloc[::-1]
    elif change == "column":
        changed = changed.rename(columns={"number": "figure"})
    else:
        changed = changed.iloc[1:]
    assert frame_digest(changed) != frame_digest(frame())


def test_row_hashes_are_pinned_so_that_they_agree_between_machines() -> None:
    hashes = row_hashes(pd.Series(["2013-07-01-UA-1545", "ü"]))
    assert hashes.dtype == np.uint64
    assert hashes.tolist() == [2260778911772376061, 6689755093696353227]
