"""Every way in which rows can break the schema, each found, counted and dated."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain import Verdict
from pipeline.ml.built_in import BUILT_IN
from pipeline.ml.incident import verdict
from pipeline.ml.validation.schema import check_schema
from tests.ml.validation.schema_rows import SCHEMA, START, N, named, rows


def test_rows_as_described_give_one_pass() -> None:
    (finding,) = check_schema(rows(), SCHEMA)
    assert finding.severity is Verdict.PASS
    assert finding.found == f"{N} rows of 11 columns as described"


def test_all_faults_are_reported_at_once() -> None:
    frame = rows(seats=0, origin="LGA", id="same", label=3.0, note="x").drop(columns="temp")
    assert {
        ("missing_column", "temp"),
        ("unexpected_column", "note"),
        ("range", "seats"),
        ("categories", "origin"),
        ("unique", "id"),
        ("type", "label"),
    } <= named(frame)
    assert verdict(check_schema(frame, SCHEMA)) is Verdict.FAIL


def test_the_frame_is_left_as_it_was() -> None:
    frame = rows(seats=0)
    before = frame.copy(deep=True)
    check_schema(frame, SCHEMA)
    pd.testing.assert_frame_equal(frame, before)


WILD = st.sampled_from(
    [1, -3, 2.5, 1e300, np.nan, np.inf, None, True, "x", "", b"b", START, 1j, [1], (1,), pd.NaT]
)


@settings(max_examples=60, deadline=None)
@given(
    column=st.sampled_from([*BUILT_IN, *SCHEMA.columns]),
    values=st.lists(WILD, min_size=N, max_size=N),
)
def test_no_column_of_wild_objects_crashes_or_breaks_a_check(column: str, values: list) -> None:
    cells = np.empty(N, dtype=object)
    cells[:] = values
    findings = check_schema(rows(**{column: pd.Series(cells)}), SCHEMA)
    assert verdict(findings) is not Verdict.ERROR
