"""The window that a batch is asked to score."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.adapters import bulkload
from pipeline.adapters.warehouse import connect, writing
from pipeline.usecase import query
from scripts.score_rows import unanswered
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
