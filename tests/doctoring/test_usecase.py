"""The use case, broken on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.doctoring.usecase import check_usecase
from pipeline.usecase import model, query
from tests.doctoring.checkouts import replaced, situation_of, told


def test_the_shipped_one_is_fine(root: Path) -> None:
    expected = "ok use case: rows() and labels() fit one another and configs/schema.yaml"
    assert told(check_usecase, situation_of(root)) == [expected]


def test_a_column_of_one_side_alone_is_a_fault(root: Path) -> None:
    replaced(root / "configs/schema.yaml", "  carrier:", "  airline:")
    does_not, does = told(check_usecase, situation_of(root))
    assert "fault configs/schema.yaml: does not describe carrier, which rows() gives" in does_not
    assert "describes airline, which rows() does not give" in does


def test_a_select_that_lacks_a_column_is_a_fault_of_its_file(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "rows", lambda: sa.select(query.flights.c.id))
    lines = told(check_usecase, situation_of(root))
    assert len(lines) == 2
    assert lines[0].startswith("fault pipeline/usecase/query.py: rows() has no column event_time")


def test_a_name_that_is_not_there_is_a_fault_of_its_file(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(model, "SEARCH_SPACE")
    (line,) = told(check_usecase, situation_of(root))
    assert line.startswith("fault pipeline/usecase/model.py: has no SEARCH_SPACE")


def test_a_schema_with_faults_of_its_own_is_left_to_the_check_of_files(root: Path) -> None:
    (root / "configs/schema.yaml").write_text("columns: [")
    (line,) = told(check_usecase, situation_of(root))
    assert line.startswith("not checked use case")
