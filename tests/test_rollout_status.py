"""Records and commands: files that are never changed, and are read exactly or refused."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain import Verdict
from pipeline.errors import ConfigurationError
from pipeline.rollout_commands import (
    Command,
    Verb,
    parse_command,
    render_command,
)
from pipeline.rollout_status import (
    Kind,
    Phase,
    RolloutStatus,
    Trouble,
    load_status,
    parse_record,
    render_record,
    status_path,
)
from tests.rollouts import BAD, MODEL, START, run_until, samples, spec_of, tick, world_of

VERSION = spec_of().version


def a_life():
    """Every kind of record that a rollout and its rollback leave."""
    spec = spec_of()
    world = world_of(spec)
    now = run_until(world, Phase.BAKING, START)
    tick(world, now, samples(spec, now, challenger=BAD))
    return world


def save(root: Path, records) -> None:
    folder = status_path(root, MODEL)
    folder.mkdir(parents=True, exist_ok=True)
    for record in records:
        (folder / record.name).write_text(render_record(record), encoding="utf-8")


def test_what_is_written_is_read_back_exactly(tmp_path: Path) -> None:
    records = a_life().status.records
    save(tmp_path, records)
    assert load_status(tmp_path, MODEL).records == records
    for record in records:
        text = render_record(record)
        assert render_record(parse_record(text, "x")) == text


def test_names_are_in_the_order_of_what_happened() -> None:
    names = [record.name for record in a_life().status.records]
    assert names == sorted(names)
    assert names[0] == "0001-stage-1.yaml"
    assert names[-1] == "0005-ended.yaml"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, 0.1 + 0.2, 1e-300])
def test_a_sample_is_kept_as_it_was_measured(value: float | None) -> None:
    record = a_life().status.records[1]
    odd = record.samples[0].model_copy(update={"value": value, "error": "\u202e: #x\n"})
    record = record.model_copy(update={"samples": (odd,)})
    found = parse_record(render_record(record), "x").samples[0]
    assert found.value == value or math.isnan(found.value)
    assert found.error == odd.error


def test_without_a_folder_nothing_happened_yet(tmp_path: Path) -> None:
    assert load_status(tmp_path, MODEL) == RolloutStatus(MODEL)


@pytest.mark.parametrize("name", ["x.yaml", "0001-stage-1.yml", "1-stage-1.yaml", "0001.yaml"])
def test_a_file_that_is_no_record_is_refused(tmp_path: Path, name: str) -> None:
    record = a_life().status.records[0]
    folder = status_path(tmp_path, MODEL)
    folder.mkdir(parents=True)
    (folder / name).write_text(render_record(record))
    with pytest.raises(ConfigurationError, match="expected a record"):
        load_status(tmp_path, MODEL)


def test_a_record_under_another_name_or_model_is_refused(tmp_path: Path) -> None:
    record = a_life().status.records[0]
    folder = status_path(tmp_path, MODEL)
    folder.mkdir(parents=True)
    (folder / "0009-stage-1.yaml").write_text(render_record(record))
    with pytest.raises(ConfigurationError, match=r"expected 0009-stage-1\.yaml"):
        load_status(tmp_path, MODEL)
    other = status_path(tmp_path, "other")
    other.mkdir(parents=True)
    (other / record.name).write_text(render_record(record))
    with pytest.raises(ConfigurationError, match="of other"):
        load_status(tmp_path, "other")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda t: t.replace("phase: Progressing", "phase: Paused"), "pause_sequence"),
        (lambda t: t.replace("phase: Progressing", "phase: Baking"), "champion_before"),
        (lambda t: t.replace("phase: Progressing", "phase: RolledBack"), "has no traffic"),
        (lambda t: t.replace("weight_percent: 5.0", "weight_percent: 105.0"), "weight_percent"),
        (lambda t: t.replace("weight_percent: 5.0", "weight_percent: .nan"), "weight_percent"),
        (lambda t: t.replace("sequence: 1\n", "sequence: -1\n"), "sequence"),
        (lambda t: t.replace("kind: stage", "kind: magic"), "kind"),
        (lambda t: t + "weight: 5\n", "unknown key"),
    ],
)
def test_a_state_that_cannot_be_is_refused(change, found: str) -> None:
    text = render_record(a_life().status.records[0])
    assert change(text) != text
    with pytest.raises(ConfigurationError, match=found):
        parse_record(change(text), "x")


def test_trouble_that_was_written_before_it_was_counted_apart_is_read() -> None:
    record = a_life().status.records[0]
    trouble = Trouble(verdict=Verdict.ERROR, since=START)
    text = render_record(record.model_copy(update={"trouble": trouble}))
    assert "other_seconds" not in text
    assert parse_record(text, "x").trouble == trouble
    flapped = trouble.model_copy(update={"other_seconds": 312.000001})
    text = render_record(record.model_copy(update={"trouble": flapped}))
    assert parse_record(text, "x").trouble == flapped
    with pytest.raises(ConfigurationError, match="other_seconds"):
        parse_record(text.replace("312.000001", ".inf"), "x")


def test_a_sequence_is_never_used_twice_reverted_or_not() -> None:
    records = a_life().status.records
    status = RolloutStatus(MODEL, records[:2], records[2:])
    assert status.next_sequence == 6
    assert [record.sequence for record in status.ever] == [1, 2, 3, 4, 5]


def test_the_ledger_keeps_what_was_stopped_even_if_it_was_reverted() -> None:
    records = a_life().status.records
    assert records[-1].kind is Kind.ENDED
    status = RolloutStatus(MODEL, records[:-1], records[-1:])
    assert status.endings_of(spec_of().challenger.digest) == records[-1:]
    assert status.endings_of(f"sha256:{'0' * 64}") == ()


# ---------------------------------------------------------------- commands

COMMANDS = [
    Command(Verb.PAUSE, VERSION),
    Command(Verb.ABORT, VERSION),
    Command(Verb.RESUME, VERSION, 5),
    Command(Verb.PROMOTE, VERSION, 2),
    Command(Verb.RETRY, VERSION, 1),
]


def test_commands_are_read_back_exactly() -> None:
    for command in COMMANDS:
        assert parse_command(render_command(command), command.name) == command


def test_equal_commands_are_equal_bytes() -> None:
    assert render_command(COMMANDS[0]) == render_command(Command(Verb.PAUSE, VERSION))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "schema: 1\ncommand: rm\nversion: 2013-07-03-cccccccccccc",
        "schema: 1\ncommand: pause\nversion: ../../x",
        "schema: 1\ncommand: pause\nversion: 2013-07-03-cccccccccccc\nnumber: 1",
        "schema: 1\ncommand: resume\nversion: 2013-07-03-cccccccccccc",
        "schema: 1\ncommand: retry\nversion: 2013-07-03-cccccccccccc\nnumber: true",
        "command: pause\nversion: 2013-07-03-cccccccccccc",
    ],
)
def test_what_is_no_command_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_command(text, "x")


@given(st.text(max_size=300))
def test_no_text_crashes_what_reads_it(text: str) -> None:
    for parse in (parse_command, parse_record):
        with pytest.raises(ConfigurationError):
            parse(text, "x")
