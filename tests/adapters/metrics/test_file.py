import json
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.adapters.metrics import Missing
from pipeline.adapters.metrics.file import FileMetrics
from pipeline.errors import ConfigurationError, OutsideError

START = datetime(2013, 7, 2, tzinfo=UTC)
WINDOW = timedelta(seconds=30)


def minute(number):
    return START + timedelta(minutes=number)


def record(number, value, name="error_rate", version="v1"):
    return {
        "name": name,
        "version": version,
        "sampled_at": minute(number).isoformat(),
        "value": value,
        "n": 100,
    }


def metrics_of(tmp_path, *records):
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    return FileMetrics(path, timedelta(minutes=2))


def test_the_newest_record_that_is_not_from_the_future_is_the_sample(tmp_path):
    records = [record(3, 0.3), record(1, 0.1), record(2, 0.2), record(2, 9, "other")]
    metrics = metrics_of(tmp_path, *records, record(2, 9, version="v2"))
    found = [metrics.query("error_rate", "v1", WINDOW, minute(m)).value for m in (1, 2.5, 3, 5)]
    assert found == [0.1, 0.2, 0.3, 0.3]


def test_before_the_first_record_and_long_after_the_last_there_is_none(tmp_path):
    metrics = metrics_of(tmp_path, record(1, 0.1))
    assert metrics.query("error_rate", "v1", WINDOW, minute(0)).missing is Missing.EMPTY
    assert metrics.query("error_rate", "v1", WINDOW, minute(3)).missing is None
    assert metrics.query("error_rate", "v1", WINDOW, minute(3.1)).missing is Missing.STALE
    assert metrics.query("error_rate", "v2", WINDOW, minute(1)).missing is Missing.EMPTY


def test_a_recorded_gap_is_a_gap(tmp_path):
    metrics = metrics_of(tmp_path, record(1, 0.1), record(2, None))
    assert metrics.query("error_rate", "v1", WINDOW, minute(2)).missing is Missing.EMPTY


def test_a_file_that_is_not_there_or_not_json_is_a_clear_error(tmp_path):
    with pytest.raises(OutsideError, match=r"no\.jsonl"):
        FileMetrics(tmp_path / "no.jsonl", WINDOW).query("m", "v", WINDOW, START)
    metrics = metrics_of(tmp_path)
    for text in ("{", "[]"):
        metrics.path.write_text(text)
        with pytest.raises(ConfigurationError, match="JSON"):
            metrics.query("m", "v", WINDOW, START)
