"""The window that a batch is asked to score, and the answers that it keeps."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from pipeline.adapters import bulkload
from pipeline.adapters.warehouse import connect, reading, writing
from pipeline.errors import ConfigurationError
from pipeline.monitoring.production import ANSWER_COLUMNS, answers_table
from pipeline.usecase import query
from scripts.score_rows import answered_ids, save_answers, unanswered
from tests.called import call_script
from tests.flights import sample_tables
from tests.repository import ROOT

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize("end", ["2013-05-09", "2013-05-10"])
def test_a_window_that_holds_no_moment_is_refused(tmp_path: Path, end: str) -> None:
    window = ("--start", "2013-05-10", "--end", end)
    done = call_script(tmp_path, "score_rows", *window, "--apply")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--start: found 2013-05-10 00:00:00+00:00, expected a time before --end" in done.stderr


def test_a_row_is_answered_once_though_its_id_is_a_number_in_the_warehouse(tmp_path: Path) -> None:
    engine, tables = connect(f"sqlite:///{tmp_path / 'warehouse.db'}"), sa.MetaData()
    for table in (*query.metadata.sorted_tables, query.flight_predictions):
        copy = table.to_metadata(tables)
        if "id" in copy.c:
            copy.c.id.type = sa.Integer()
    frames = sample_tables()
    flights = frames["flights"].assign(id=range(len(frames["flights"])))
    answered = flights[["id", "available_at"]].iloc[3:].assign(model=DIGEST, score=0.5)
    frames |= {"flights": flights, "flight_predictions": answered}
    frames["flight_labels"] = frames["flight_labels"].iloc[:0]
    with writing(engine) as connection:
        bulkload.replace_tables(connection, tables.sorted_tables, frames)
    start, end = (datetime(year, 1, 1, tzinfo=UTC) for year in (2013, 2014))
    left = unanswered(ROOT, engine, DIGEST, start, end)
    assert sorted(left["id"]) == ["0", "1", "2"]


ANSWERS = query.flight_predictions


def with_column(column: sa.Column) -> sa.Select:
    """predictions() of a table that has one more column than an answer, and names of its own."""
    plain = (sa.Column(f"its_{known.name}", known.type, key=known.name) for known in ANSWERS.c)
    table = sa.Table("kept", sa.MetaData(), column, *plain)
    return sa.select(*(table.c[name] for name in ANSWER_COLUMNS))


OWED = sa.Column("by", sa.Text, nullable=False)
OWING = with_column(OWED)


def test_answers_are_written_to_the_table_that_predictions_reads() -> None:
    assert answers_table() == (ANSWERS, {name: name for name in ANSWER_COLUMNS})


@pytest.mark.parametrize(
    "column",
    [
        sa.Column("by", sa.Text),
        sa.Column("by", sa.Text, nullable=False, server_default="batch"),
        sa.Column("number", sa.Integer, primary_key=True),
    ],
    ids=["nullable", "with a default", "numbered"],
)
def test_a_column_that_the_database_fills_needs_no_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: sa.Column
) -> None:
    asked = with_column(column)
    monkeypatch.setattr(query, "predictions", lambda: asked)
    table, columns = answers_table()
    answer = pd.DataFrame([("1", DIGEST, 0.5, pd.Timestamp("2013-05-10"))], columns=ANSWER_COLUMNS)
    engine = connect(f"sqlite:///{tmp_path / 'warehouse.db'}")
    with writing(engine) as connection:
        bulkload.append_rows(connection, table, answer.rename(columns=columns))
        assert [tuple(row) for row in connection.execute(asked)] == [tuple(answer.loc[0])]


BY = sa.Column("by", sa.Text, server_default="batch")
TWO = pd.DataFrame(
    [
        (row_id, DIGEST, score, pd.Timestamp("2013-05-10"))
        for row_id, score in (("1", 0.5), ("2", 1))
    ],
    columns=ANSWER_COLUMNS,
)


@pytest.mark.parametrize(
    ("where", "lost"),
    [
        (
            lambda table: table.c.by == "server",
            "2 of 2 answers just written to kept, such as that to row 1",
        ),
        (
            lambda table: table.c.score > 0.6,
            "1 of 2 answers just written to kept, such as that to row 1",
        ),
    ],
    ids=["all", "some"],
)
def test_answers_that_predictions_leaves_out_are_refused_and_none_is_kept(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: Callable[[sa.Table], sa.ColumnElement[bool]],
    lost: str,
) -> None:
    asked = with_column(BY._copy())
    [table] = asked.get_final_froms()
    monkeypatch.setattr(query, "predictions", lambda: asked.where(where(table)))
    engine = connect(f"sqlite:///{tmp_path / 'warehouse.db'}")
    with pytest.raises(ConfigurationError, match=lost):
        save_answers(engine, TWO)
    assert not sa.inspect(engine).has_table("kept")


def test_a_where_that_the_answers_meet_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = with_column(BY._copy())
    [table] = asked.get_final_froms()
    monkeypatch.setattr(query, "predictions", lambda: asked.where(table.c.by == "batch"))
    engine = connect(f"sqlite:///{tmp_path / 'warehouse.db'}")
    save_answers(engine, TWO)
    with reading(engine) as connection:
        assert answered_ids(connection, DIGEST) == {"1", "2"}


@pytest.mark.parametrize(
    ("select", "said"),
    [
        (None, "predictions(): not there"),
        (sa.select(query.predictions().subquery()), "reads no single sqlalchemy.Table"),
        (sa.select(ANSWERS, query.flights.c.carrier), "reads no single sqlalchemy.Table"),
        (sa.text("SELECT 1").columns(id=sa.String), "reads no single sqlalchemy.Table"),
        (sa.text("SELECT 1"), "predictions() returned TextClause"),
        (sa.select(ANSWERS.c.id, ANSWERS.c.model, ANSWERS.c.score), "available_at is no column of"),
        (
            sa.select(ANSWERS.c.id, ANSWERS.c.model, ANSWERS.c.available_at).add_columns(
                (1 - ANSWERS.c.score).label("score")
            ),
            "score is no column of flight_predictions",
        ),
        (OWING, "kept.by needs a value"),
        (OWING.add_columns(OWED), "kept.by needs a value"),
        (with_column(sa.Column("by", sa.Text, default="batch")), "kept.by needs a value"),
    ],
)
def test_where_no_answer_can_be_written_that_is_said_before_the_plan(
    monkeypatch: pytest.MonkeyPatch, select: sa.Select | None, said: str
) -> None:
    if select is None:
        monkeypatch.delattr(query, "predictions")
    else:
        monkeypatch.setattr(query, "predictions", lambda: select)
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        answers_table()
