"""A record is what its file says, and its file has its name."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigurationError
from pipeline.rollout_status import parse_record, render_record
from pipeline.site import documents
from tests.core.site_histories import failed_world
from tests.rollouts import MODEL

RECORD = failed_world().status.records[-1]
TEXT = render_record(RECORD)


def read(text: str):
    return documents.read_record(text, RECORD.name, MODEL)


def test_it_reads_what_was_written() -> None:
    assert read(TEXT) == parse_record(TEXT, "x") == RECORD


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (TEXT + "model: other\n", "twice"),
        (TEXT.replace("gates:", "gates: &a\n") + "x: *a\n", "alias"),
        (TEXT + "sample: 1\n", "sample"),
        (TEXT + "x: [\n", "line"),
        ("", "the file is empty"),
        (TEXT + "? [a]\n: 1\n", "unhashable"),
        (TEXT.replace("sequence: 2", "sequence: 3"), "0003-ended.yaml"),
    ],
)
def test_it_refuses_what_is_no_record(text: str, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        read(text)


def test_a_champion_that_says_nothing_is_none() -> None:
    assert documents.read_champion("# nobody yet\n") is None
    with pytest.raises(ConfigurationError):
        documents.read_champion("digest: x\n")
