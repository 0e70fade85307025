import math
import subprocess
import sys
import tracemalloc
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.profile import count_column, profile_column
from pipeline.errors import DataIncident
from pipeline.monitoring.parquet_counts import count_parquet, profile_parquet

ROOT = Path(__file__).parents[2]
MOMENT = datetime(2013, 6, 1, 12, 30, tzinfo=UTC)
NUMBERS = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, 1.0, math.inf, math.nan, None]))
NAMES = st.sampled_from(["ewr", "jfk", "lga", "", "ü", None])
ROWS = st.lists(st.tuples(NUMBERS, NAMES, st.sampled_from([True, False, None])), max_size=40)
# type in the file -> kind, reference, current
COLUMNS = {
    pa.float64(): ("number", [1.0, 2.0, 9.0], [1.0, None, math.nan, math.inf, -math.inf, 2.5]),
    pa.float32(): ("number", [0.1, 0.2, 0.3], [0.1, None, 0.2, 0.30000001]),
    pa.int16(): ("number", [1, 2, None, 4], [-1, None, 3]),
    pa.int64(): ("number", [1, 2, 2**53 + 1], [2**53, 2**53 + 1, None, -(2**63)]),
    pa.uint64(): ("number", [1, 2**63 + 1025], [2**64 - 1, None, 0]),
    pa.decimal128(12, 3): ("number", [Decimal("0.100"), Decimal("7.300")], [Decimal("0.1"), None]),
    pa.bool_(): ("boolean", [True, False, None], [True, True, None]),
    pa.int8(): ("boolean", [1, 0], [1, 1, None, 7]),
    pa.date32(): ("time", [date(2013, 1, 1), date(2013, 2, 1)], [None, date(1969, 1, 1)]),
    pa.timestamp("us", "UTC"): ("time", [MOMENT, MOMENT, None], [MOMENT.replace(year=1960), None]),
    pa.timestamp("ns"): ("time", [datetime(2013, 1, 1)], [None, datetime(2012, 1, 1)]),  # noqa: DTZ001
    pa.string(): ("category", ["a", "b", "a"], ["a", None, "z"]),
    pa.large_string(): ("category", ["a", "b", "a"], ["a", None, "z"]),
    pa.dictionary(pa.int8(), pa.string()): ("category", ["a", "b"], ["b", None, "z", "b"]),
    pa.int32(): ("category", [1, 2, 2], [1, None, 3]),
    pa.float16(): ("category", [1.0, 0.0, -0.0], [-0.0, 0.0, math.nan, None, 1.0]),
    pa.date64(): ("category", [date(2013, 1, 1)], [date(2013, 1, 1), None]),
    pa.null(): ("category", [None], [None, None]),
}


def write(path, columns, **options):
    pq.write_table(pa.table(columns), path, **options)
    return path


@pytest.mark.parametrize("kind_in_file", COLUMNS, ids=str)
def test_each_type_is_counted_and_profiled_as_its_values_are_in_memory(tmp_path, kind_in_file):
    kind, before, after = COLUMNS[kind_in_file]
    before, after = (pa.array(values, kind_in_file) for values in (before, after))
    reference = write(tmp_path / "reference.parquet", {"x": before})
    current = write(tmp_path / "current.parquet", {"x": after})
    profile = profile_column(before.to_pylist(), kind=kind)
    assert profile_parquet(reference, {"x": kind}) == {"x": profile}
    assert count_parquet(current, {"x": profile}) == {"x": count_column(profile, after.to_pylist())}


def test_half_floats_and_encoded_numbers_are_numbers_too(tmp_path):
    half = pa.array([0.5, None, 65504.0], pa.float16())
    encoded = pa.array([7.0, None, 7.0]).dictionary_encode()
    path = write(tmp_path / "x.parquet", {"half": half, "encoded": encoded})
    expected = {
        "half": profile_column(half.to_pylist(), kind="number"),
        "encoded": profile_column([7.0, None, 7.0], kind="number"),
    }
    assert profile_parquet(path, dict.fromkeys(expected, "number")) == expected


def test_a_boolean_may_be_a_number_and_a_column_without_values_any_kind(tmp_path):
    path = write(tmp_path / "x.parquet", {"x": [True, None], "y": pa.nulls(2)})
    profile = profile_column([True, None], kind="number")
    assert profile_parquet(path, {"x": "number"}) == {"x": profile}
    for kind in ("number", "time", "boolean", "category"):
        assert profile_parquet(path, {"y": kind})["y"].counts.mass[-2] == 2


@settings(deadline=None, max_examples=60)
@given(st.tuples(ROWS, ROWS), st.integers(1, 7), st.integers(1, 9), st.booleans())
def test_any_file_in_any_batches_counts_like_the_whole_column(
    tmp_path_factory, windows, batch_rows, group_rows, is_encoded
):
    folder = tmp_path_factory.mktemp("parquet")
    kinds = {"number": "number", "name": "category", "flag": "boolean"}
    columns = []
    for rows in windows:
        numbers, names, flags = zip(*rows, strict=True) if rows else ((), (), ())
        columns.append(
            {
                "number": pa.array(numbers, pa.float64()),
                "name": pa.array(names, pa.string()),
                "flag": pa.array(flags, pa.bool_()),
            }
        )
    if is_encoded:
        columns[1]["name"] = columns[1]["name"].dictionary_encode()
    reference, current = (
        write(folder / f"{i}.parquet", one, row_group_size=group_rows, use_dictionary=is_encoded)
        for i, one in enumerate(columns)
    )
    profiles = profile_parquet(reference, kinds, batch_rows=batch_rows)
    counts = count_parquet(current, profiles, batch_rows=batch_rows)
    for name, kind in kinds.items():
        assert profiles[name] == profile_column(columns[0][name].to_pylist(), kind=kind)
        assert counts[name] == count_column(profiles[name], columns[1][name].to_pylist())


def test_a_value_that_a_dictionary_lists_twice_is_counted_twice(tmp_path):
    doubled = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None]), pa.array(["a", "b", "a"]))
    path = write(tmp_path / "x.parquet", {"x": doubled})
    profile = profile_column(["a", "b"], kind="category")
    assert count_parquet(path, {"x": profile})["x"].mass == (2, 1, 1, 0)


def test_many_names_and_names_with_dots_are_counted_in_an_open_bin(tmp_path):
    names = [f"tail {i}" for i in range(3_000)]
    path = write(tmp_path / "x.parquet", {"tail.number": names * 2}, row_group_size=1_000)
    profiles = profile_parquet(path, {"tail.number": "category"}, batch_rows=300)
    assert profiles["tail.number"] == profile_column(names * 2, kind="category")
    assert count_parquet(path, profiles)["tail.number"] == profiles["tail.number"].counts


def test_a_file_without_rows_counts_zero(tmp_path):
    path = write(tmp_path / "x.parquet", {"x": pa.array([], pa.float64())})
    profile = profile_column([1.0, 2.0], kind="number")
    assert count_parquet(path, {"x": profile}) == {"x": count_column(profile, [])}
    assert profile_parquet(path, {"x": "number"}) == {"x": profile_column([], kind="number")}


def test_only_the_profiled_columns_are_read_and_in_their_order(tmp_path):
    path = write(tmp_path / "x.parquet", {"a": [1.0], "b": [{"not": "plain"}], "c": [2.0]})
    assert list(profile_parquet(path, {"c": "number", "a": "number"})) == ["c", "a"]
    assert count_parquet(path, {}) == {}


def test_memory_holds_a_batch_and_not_the_file(tmp_path):
    rng = np.random.default_rng(1)
    columns = {f"x{i}": rng.normal(size=1 << 19) for i in range(6)}
    path = write(tmp_path / "x.parquet", columns)  # 24 MiB in a single row group
    profiles = {
        name: profile_column(values[:999], kind="number") for name, values in columns.items()
    }
    usual, watched = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(watched)
    tracemalloc.start()
    try:
        count_parquet(path, profiles, batch_rows=1 << 14, threads=2)
        python = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(usual)
    assert 0 < watched.max_memory() + python < path.stat().st_size / 2


def test_one_error_names_every_column_that_does_not_fit(tmp_path):
    path = write(tmp_path / "x.parquet", {"age": ["old"], "price": [1.0], "at": [1.0]})
    with pytest.raises(DataIncident) as caught:
        profile_parquet(path, {"price": "number", "age": "number", "at": "time", "gone": "number"})
    assert str(caught.value).splitlines()[1:] == [
        "  - age: found string, expected number (integer, floating, decimal, boolean)",
        "  - at: found double, expected time (timestamp, date)",
        "  - gone: found 0 columns of that name, expected one",
    ]


@pytest.mark.parametrize("kind", ["number", "time", "boolean", "category"])
def test_a_nested_column_fits_no_kind(tmp_path, kind):
    path = write(tmp_path / "x.parquet", {"x": [[1.0]]})
    with pytest.raises(DataIncident, match="x: found list"):
        profile_parquet(path, {"x": kind})


def test_a_file_that_is_not_whole_is_an_incident_and_a_missing_one_is_not(tmp_path):
    path = write(tmp_path / "x.parquet", {"x": [1.0]})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataIncident, match=r"x\.parquet: expected a whole Parquet file"):
        count_parquet(path, {})
    with pytest.raises(FileNotFoundError):
        count_parquet(tmp_path / "gone.parquet", {})


def test_counting_numbers_and_names_does_not_load_pandas(tmp_path):
    path = write(tmp_path / "x.parquet", {"x": [1.0, None], "y": ["a", None]})
    code = (
        "import sys; from pathlib import Path; from pipeline.core.profile import profile_column\n"
        "from pipeline.monitoring.parquet_counts import count_parquet\n"
        "profiles = {'x': profile_column([1.0], kind='number')}\n"
        "profiles['y'] = profile_column(['a'], kind='category')\n"
        "count_parquet(Path(sys.argv[1]), profiles)\n"
        "assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, check=True)
