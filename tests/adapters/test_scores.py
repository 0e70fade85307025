"""What the champion answered, as known at a moment."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from pipeline.adapters import bulkload
from pipeline.adapters.row_quality import count_quality
from pipeline.adapters.scores import read_answers
from pipeline.adapters.warehouse import connect, writing
from pipeline.config import Column
from pipeline.errors import ConfigurationError, DataIncident
from pipeline.pointintime import moments_of

START = datetime(2013, 6, 1, tzinfo=UTC)
END = START + timedelta(days=1)
MODEL, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64

tables = sa.MetaData()
visits = sa.Table(
    "visits",
    tables,
    sa.Column("id", sa.String),
    sa.Column("event_time", sa.DateTime),
    sa.Column("available_at", sa.DateTime),
    sa.Column("size", sa.Integer),
    sa.Column("place", sa.String),
)
outcomes = sa.Table(
    "outcomes",
    tables,
    sa.Column("id", sa.String),
    sa.Column("label", sa.Integer),
    sa.Column("available_at", sa.DateTime),
)
answers = sa.Table(
    "answers",
    tables,
    sa.Column("id", sa.String),
    sa.Column("model", sa.String),
    sa.Column("score", sa.Double),
    sa.Column("available_at", sa.DateTime),
)


def hour(k: float) -> pd.Timestamp:
    return pd.Timestamp(START.replace(tzinfo=None)) + pd.Timedelta(hours=k)


@pytest.fixture
def connection(tmp_path: Path):
    engine = connect(f"sqlite:///{tmp_path / 'warehouse.db'}")
    frames = {
        "visits": pd.DataFrame(
            {
                "id": list("abcd"),
                "event_time": [hour(k) for k in (3, 1, 2, 30)],
                "available_at": [hour(k) for k in (3, 1, 2, 30)],
                "size": pd.array([5, None, 99, 5], dtype="Int64"),
                "place": ["x", "x", "y", "x"],
            }
        ),
        "outcomes": pd.DataFrame(
            {
                "id": ["a", "b", "c"],
                "label": [1, 0, 1],
                "available_at": [hour(k) for k in (5, 5, 40)],
            }
        ),
        "answers": pd.DataFrame(
            {
                "id": ["a", "a", "b", "c", "c", "d"],
                "model": [MODEL, MODEL, MODEL, MODEL, OTHER, MODEL],
                "score": [0.9, 0.1, 0.2, 0.6, 0.7, 0.5],
                "available_at": [hour(k) for k in (3, 4, 1, 2, 2, 30)],
            }
        ),
    }
    with writing(engine) as connection:
        bulkload.replace_tables(connection, tables.sorted_tables, frames)
        yield connection


def read(connection: sa.Connection, as_of: datetime = END, **changes):
    options = {
        "model": MODEL,
        "moments": moments_of(as_of=as_of, start=START, end=END),
        "predictions": sa.select(*answers.c),
    } | changes
    return read_answers(connection, sa.select(*visits.c), sa.select(*outcomes.c), **options)


def test_the_first_answer_of_the_model_counts_by_event_time_with_labels_known_then(connection):
    found = read(connection)
    assert found.score.tolist() == [0.2, 0.6, 0.9]
    assert found.label[0] == 0
    assert np.isnan(found.label[1])  # c's label comes after the day
    assert found.label[2] == 1
    assert found.event_time[0] == np.datetime64(hour(1))


@pytest.mark.parametrize("second", [0.8, 0.95])
def test_of_two_answers_at_one_moment_each_look_counts_the_same(connection, second):
    again = {"id": "a", "model": MODEL, "score": second, "available_at": hour(3).to_pydatetime()}
    connection.execute(answers.insert().values(again))
    assert read(connection).score.tolist() == [0.2, 0.6, min(0.9, second)]


def test_nothing_later_than_as_of_is_seen(connection):
    found = read(connection, as_of=START + timedelta(hours=3))
    assert found.score.tolist() == [0.2, 0.6, 0.9]
    assert np.isnan(found.label).all()
    assert read(connection, as_of=START + timedelta(hours=2)).score.tolist() == [0.2, 0.6]


def test_another_model_s_answers_are_its_own(connection):
    assert read(connection, model=OTHER).score.tolist() == [0.7]
    assert len(read(connection, model="sha256:none").score) == 0


def test_between_takes_the_start_and_leaves_the_end(connection):
    found = read(connection).between(START + timedelta(hours=1), START + timedelta(hours=3))
    assert found.score.tolist() == [0.2, 0.6]


def test_scores_that_are_none_are_an_incident(connection):
    connection.execute(answers.update().values(score=1.2).where(answers.c.id == "b"))
    with pytest.raises(DataIncident, match="scores outside 0 to 1"):
        read(connection)


@pytest.mark.parametrize("label", [2, -1, 0.5, "yes"])
def test_a_label_that_is_none_names_its_row(connection, label):
    statement = sa.text("UPDATE outcomes SET label = :label WHERE id = 'b'")
    connection.execute(statement, {"label": label})
    with pytest.raises(DataIncident, match=rf"row 'b' the label {label!r}, expected 0, 1 or null"):
        read(connection)


def test_two_labels_of_one_moment_never_count_a_row_twice(connection):
    again = {"id": "a", "label": 0, "available_at": START.replace(tzinfo=None) + timedelta(hours=5)}
    connection.execute(outcomes.insert(), again)
    with pytest.raises(DataIncident, match=r"row 'a' is there twice: .* with one available_at"):
        read(connection)
    before = again["available_at"] - timedelta(hours=1)
    changed = outcomes.update().where(outcomes.c.id == "a", outcomes.c.label == 0)
    connection.execute(changed.values(available_at=before))
    assert read(connection).label.tolist()[2] == 1  # of two versions the newer one


def test_a_select_without_its_columns_is_a_fault_of_the_use_case(connection):
    with pytest.raises(ConfigurationError, match=r"(?s)no column model.*no column score"):
        read(connection, predictions=sa.select(answers.c.id, answers.c.available_at))


@pytest.mark.parametrize(
    ("columns", "good"),
    [
        ({}, 2),
        ({"size": Column(type="integer", max=10)}, 1),  # b has none, c is not labelled
        ({"size": Column(type="integer", max=10, max_null_fraction=0.5)}, 2),
        ({"size": Column(type="integer", min=5, max=5, max_null_fraction=0.5)}, 2),
        ({"size": Column(type="integer", min=6, max_null_fraction=0.5)}, 1),
        ({"place": Column(type="category", categories=("y",))}, 0),
        ({"elsewhere": Column(type="number", min=1)}, 2),  # not of this select
    ],
)
def test_quality_is_the_share_of_rows_that_may_be_trained_on(connection, columns, good):
    moments = moments_of(as_of=END, start=START, end=END)
    found = count_quality(
        connection, sa.select(*visits.c), sa.select(*outcomes.c), columns, moments
    )
    assert (found.rows, found.labelled, found.good) == (3, 2, good)
    assert found.share == pytest.approx(good / 3)


def test_quality_of_no_rows_is_unknown(connection):
    moments = moments_of(as_of=END, start=END + timedelta(days=9), end=END + timedelta(days=10))
    found = count_quality(connection, sa.select(*visits.c), sa.select(*outcomes.c), {}, moments)
    assert (found.rows, found.share) == (0, None)
