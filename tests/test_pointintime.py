"""Point in time: reading as of T never shows what was not there at T."""

from datetime import UTC, timedelta
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.adapters.warehouse import connect, read_rows
from pipeline.errors import ConfigurationError
from pipeline.pointintime import point_in_time

EPOCH = pd.Timestamp(2013, 6, 1)  # naive UTC, as in the warehouse
metadata = sa.MetaData()
visits = sa.Table(
    "visits",
    metadata,
    sa.Column("id", sa.String),
    sa.Column("event_time", sa.DateTime),
    sa.Column("available_at", sa.DateTime),
    sa.Column("size", sa.Integer),
)
outcomes = sa.Table(
    "outcomes",
    metadata,
    sa.Column("id", sa.String),
    sa.Column("label", sa.Integer),
    sa.Column("available_at", sa.DateTime),
)


def read(
    rows: list[tuple], labels: list[tuple], *, as_of: int, start: int = 0, end: int = 100
) -> list[tuple]:
    """Load a warehouse and read it: (id, hour of event, label, hour of label) of each row."""
    engine = connect("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        for row in rows:
            _insert(connection, visits, id=row[0], event_time=row[1], available_at=row[2])
        for label in labels:
            _insert(connection, outcomes, id=label[0], label=label[1], available_at=label[2])
    chunks = read_rows(
        engine,
        sa.select(visits),
        sa.select(outcomes),
        as_of=_hour(as_of).tz_localize(UTC),
        start=_hour(start).tz_localize(UTC),
        end=_hour(end).tz_localize(UTC),
        chunk_rows=3,
    )
    names = ["id", "event_time", "label", "label_available_at"]
    found = [
        tuple(map(_plain, row)) for chunk in chunks for row in chunk[names].itertuples(index=False)
    ]
    engine.dispose()
    return found


def _insert(connection: sa.Connection, table: sa.Table, **values: Any) -> None:
    hours = {name: _hour(values[name]) for name in values if name.endswith(("_time", "_at"))}
    connection.execute(table.insert().values(**(values | hours)))


def _hour(number: int) -> pd.Timestamp:
    return EPOCH + timedelta(hours=number)


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return (value.tz_localize(None) - EPOCH) // timedelta(hours=1)
    return None if pd.isna(value) else value


@st.composite
def warehouses(draw: st.DrawFn) -> tuple[list[tuple], list[tuple]]:
    """Rows (id, event, known) and label versions (id, label, known), on a coarse grid of hours."""
    rows, labels = [], []
    for number in range(draw(st.integers(0, 8))):
        id_, event = f"v{number}", draw(st.integers(0, 12))
        rows.append((id_, event, event + draw(st.integers(0, 6))))
        lags = draw(st.sets(st.integers(0, 9), max_size=4))
        labels += [(id_, draw(st.sampled_from([0, 1, None])), event + lag) for lag in lags]
    return rows, draw(st.permutations(labels))


@settings(deadline=None, max_examples=60)
@given(warehouses(), st.integers(0, 20), st.integers(0, 12), st.integers(0, 12))
def test_reading_as_of_then_is_reading_the_warehouse_of_then(
    warehouse: tuple[list[tuple], list[tuple]], as_of: int, start: int, length: int
) -> None:
    rows, labels = warehouse
    window = {"start": start, "end": start + length}
    past_rows = [row for row in rows if row[2] <= as_of]
    past_labels = [label for label in labels if label[2] <= as_of]
    seen = read(rows, labels, as_of=as_of, **window)
    assert seen == read(past_rows, past_labels, as_of=as_of, **window)
    assert seen == read(past_rows, past_labels, as_of=1000, **window)  # what it held, all of it
    assert seen == expected(past_rows, past_labels, **window)


def expected(rows: list[tuple], labels: list[tuple], start: int, end: int) -> list[tuple]:
    """The same in plain Python, on a warehouse that holds the past alone."""
    inside = sorted((event, id_) for id_, event, _ in rows if start <= event < end)
    newest = {id_: (label, known) for id_, label, known in sorted(labels, key=lambda one: one[2])}
    return [(id_, event, *newest.get(id_, (None, None))) for event, id_ in inside]


def test_a_window_has_its_start_and_not_its_end() -> None:
    rows = [("a", 9, 9), ("b", 10, 10), ("c", 11, 11), ("d", 12, 12)]
    assert [row[0] for row in read(rows, [], as_of=50, start=10, end=12)] == ["b", "c"]


def test_what_becomes_available_at_as_of_is_known_and_an_hour_later_is_not() -> None:
    rows, labels = [("a", 1, 5), ("b", 1, 6)], [("a", 1, 5)]
    assert read(rows, labels, as_of=5) == [("a", 1, 1, 5)]
    assert read(rows, labels, as_of=4) == []


def test_a_corrected_label_counts_from_its_correction_on() -> None:
    rows, labels = [("a", 1, 1)], [("a", 1, 5), ("a", 0, 8), ("a", None, 11)]
    versions = [read(rows, labels, as_of=as_of)[0][2:] for as_of in (4, 7, 8, 10, 11)]
    assert versions == [(None, None), (1, 5), (0, 8), (0, 8), (None, 11)]


def test_two_labels_of_one_instant_give_the_row_twice_for_the_uniqueness_check_to_see() -> None:
    assert len(read([("a", 1, 1)], [("a", 1, 5), ("a", 0, 5), ("a", 0, 4)], as_of=9)) == 2


def test_a_label_from_before_its_event_stays_for_the_label_check_to_see() -> None:
    assert read([("a", 6, 6)], [("a", 1, 5)], as_of=9) == [("a", 6, 1, 5)]


def test_every_fault_of_the_two_selects_is_reported_at_once() -> None:
    rows = sa.select(visits.c.id, visits.c.size.label("label"), visits.c.event_time)
    labels = sa.select(outcomes.c.id, outcomes.c.label)
    with pytest.raises(ConfigurationError) as caught:
        point_in_time(rows, labels, "sqlite")
    assert len(caught.value.faults) == 3
    assert "rows() has no column available_at" in caught.value.faults[0]
    assert "labels() has no column available_at" in caught.value.faults[1]
    assert "rows() has a column label" in caught.value.faults[2]


@pytest.mark.parametrize("returned", [sa.text("SELECT * FROM visits"), visits, "visits", None])
def test_what_is_no_select_is_a_fault_that_says_how_to_make_one(returned: object) -> None:
    with pytest.raises(ConfigurationError, match=r"expected sqlalchemy\.select") as caught:
        point_in_time(returned, None, "sqlite")
    assert f"rows() returned {type(returned).__name__}" in caught.value.faults[0]
    assert "labels() returned NoneType" in caught.value.faults[1]


def test_text_that_names_its_columns_is_a_select() -> None:
    names = {"id": sa.String, "event_time": sa.Integer, "available_at": sa.Integer}
    rows = sa.text("SELECT id, event_time, available_at FROM visits").columns(**names)
    assert "SELECT id, event_time" in str(point_in_time(rows, sa.select(outcomes), "sqlite"))


def test_a_column_named_twice_is_a_fault() -> None:
    rows = sa.select(visits, outcomes.c.available_at)
    with pytest.raises(ConfigurationError, match="the column available_at twice"):
        point_in_time(rows, sa.select(outcomes), "sqlite")


def test_values_are_bound_and_never_written_into_the_statement() -> None:
    text = str(point_in_time(sa.select(visits), sa.select(outcomes), "sqlite"))
    assert ":as_of" in text
    assert ":start" in text
    assert "2013" not in text
