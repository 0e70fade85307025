"""JSON: strict, deterministic, whole or not at all."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from pipeline.domain import Verdict
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.jsonio import load_given_json, load_json, render_json, save_json


@dataclass
class Row:
    verdict: Verdict
    values: np.ndarray
    at: datetime


def test_values_of_every_kind_become_plain_json(tmp_path: Path) -> None:
    row = Row(Verdict.PASS, np.array([1.5, np.nan, np.inf]), datetime(2013, 1, 2, tzinfo=UTC))
    save_json(tmp_path / "deep" / "row.json", {"row": row, "n": np.int64(3), "t": (1, None)})
    assert load_json(tmp_path / "deep" / "row.json") == {
        "row": {"verdict": "PASS", "values": [1.5, None, None], "at": "2013-01-02T00:00:00Z"},
        "n": 3,
        "t": [1, None],
    }


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    save_json(path, {"a": 1})
    with pytest.raises(TypeError):
        save_json(path, {"a": object()})
    with pytest.raises(UnicodeEncodeError):
        save_json(path, {"a": "\ud800"})
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    assert load_json(path) == {"a": 1}


def test_a_missing_or_broken_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match="dvc repro"):
        load_json(tmp_path / "none.json")
    for text in ('{"a": ', "[" * 100_000):
        (tmp_path / "half.json").write_text(text)
        with pytest.raises(OutsideError, match="not JSON"):
            load_json(tmp_path / "half.json")


def test_rendering_keeps_the_order_and_ends_with_a_newline() -> None:
    assert render_json({"b": 1, "a": 2}) == '{\n  "b": 1,\n  "a": 2\n}\n'


def test_a_file_that_a_person_named_is_a_wrong_argument_where_it_is_none(tmp_path: Path) -> None:
    (tmp_path / "half.json").write_text('{"a": ')
    (tmp_path / "raw.json").write_bytes(b"\xff")
    for name, found in {
        "none.json": "not found",
        "half.json/none.json": "not found",
        ".": "found a folder",
        "half.json": "found no JSON",
        "raw.json": "found no JSON",
    }.items():
        with pytest.raises(ConfigurationError, match=f"{found}.*expected roles"):
            load_given_json(tmp_path / name, "roles")
    (tmp_path / "whole.json").write_text("[1]")
    assert load_given_json(tmp_path / "whole.json", "a list") == [1]
