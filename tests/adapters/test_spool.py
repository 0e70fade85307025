import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.adapters.spool import open_spool
from pipeline.errors import OutsideError

PROJECT = Path(__file__).parents[2]
A, B, C = (digit * 16 for digit in "abc")


@pytest.fixture
def spool(tmp_path):
    with open_spool(tmp_path / "spool") as opened:
        yield opened


def files(spool):
    return sorted(str(p.relative_to(spool.folder)) for p in spool.folder.rglob("*.*"))


def test_an_event_is_one_readable_file_named_by_its_id(spool):
    assert spool.put(A, {"reason": "≥ 3"})
    assert files(spool) == [f"pending/{A}.json"]
    assert spool.load(A) == {"reason": "≥ 3"}
    assert spool.counts() == {"pending": 1, "refused": 0}


def test_events_wait_in_the_order_in_which_they_came(spool):
    for event in (B, C, A):
        spool.put(event, {})
    assert spool.pending() == (B, C, A)


def test_an_event_is_taken_once_whether_it_waits_was_delivered_or_refused(spool):
    for event in (A, B, C):
        assert spool.put(event, {"first": True})
    spool.settle(B)
    spool.refuse(C, "GitHub says no")
    for event in (A, B, C):
        assert not spool.put(event, {"first": False})
    assert spool.pending() == (A,)
    assert spool.load(A) == {"first": True}


def test_a_refused_event_lies_beside_its_reason_and_can_be_put_back(spool):
    spool.put(A, {"x": 1})
    spool.refuse(A, "GitHub says no")
    assert files(spool) == [f"refused/{A}.json", f"refused/{A}.txt"]
    assert (spool.folder / "refused" / f"{A}.txt").read_text() == "GitHub says no\n"
    (spool.folder / "refused" / f"{A}.json").rename(spool.folder / "pending" / f"{A}.json")
    assert spool.pending() == (A,)
    spool.settle(A)
    assert spool.pending() == ()


def test_what_waits_is_there_after_opening_again(tmp_path):
    with open_spool(tmp_path) as spool:
        spool.put(A, {"x": 1})
    with open_spool(tmp_path) as spool:
        assert spool.pending() == (A,)
        assert not spool.put(A, {"x": 2})


def test_only_one_process_holds_a_spool(spool):
    with (
        pytest.raises(OutsideError, match="another relay uses this spool"),
        open_spool(spool.folder),
    ):
        pass


def test_a_full_spool_says_so_and_keeps_what_it_has(tmp_path):
    with open_spool(tmp_path, max_pending=2) as spool:
        spool.put(A, {})
        spool.put(B, {})
        with pytest.raises(OutsideError, match="2 events wait already"):
            spool.put(C, {})
        assert not spool.put(A, {})
        spool.settle(A)
        assert spool.put(C, {})


def test_the_memory_is_bounded_and_a_repeat_renews_it(tmp_path):
    with open_spool(tmp_path, kept=2) as spool:
        for event in (A, B):
            spool.put(event, {})
            spool.settle(event)
        assert not spool.put(A, {})  # still firing: now B is the oldest
        spool.put(C, {})
        spool.settle(C)
        assert files(spool) == [f"delivered/{A}.json", f"delivered/{C}.json"]
        assert spool.put(B, {})


def test_one_event_from_many_threads_is_taken_once(spool):
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: spool.put(A, {}), range(40)))
    assert sum(taken) == 1


def test_names_that_are_no_event_ids_never_become_paths(spool):
    for name in ("../../etc/passwd", "a" * 15, "A" * 16, "a" * 16 + "\n", ""):
        with pytest.raises(ValueError, match="not an event id"):
            spool.put(name, {})


def test_files_that_are_not_events_are_left_alone(spool):
    (spool.folder / "pending" / "notes.json").write_text("{}")
    (spool.folder / "pending" / f"{A}.json.bak").write_text("{}")
    assert spool.pending() == ()


def test_a_damaged_file_is_told_from_a_missing_disk(spool):
    (spool.folder / "pending" / f"{A}.json").write_text('{"half')
    with pytest.raises(ValueError, match="line 1"):
        spool.load(A)
    with pytest.raises(OutsideError, match="Mend the disk"):
        spool.load(B)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutsideError, match="Mend the disk"), open_spool(tmp_path / "file"):
        pass


WRITER = """
import sys; sys.path.insert(0, {project!r})
from pathlib import Path
from pipeline.adapters.spool import open_spool
with open_spool(Path({folder!r})) as spool:
    for number in range(1_000_000):
        name = f"{{number:016x}}"
        spool.put(name, {{"text": "x" * 20_000}})
        if number % 3 == 0:
            spool.settle(name)
        print(name, flush=True)
"""


def test_a_kill_leaves_every_answered_event_whole_and_no_half_of_another(tmp_path):
    code = WRITER.format(project=str(PROJECT), folder=str(tmp_path))
    writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    answered = [writer.stdout.readline().strip() for _ in range(50)]
    os.kill(writer.pid, signal.SIGKILL)
    answered += writer.stdout.read().split()
    writer.wait()
    with open_spool(tmp_path) as spool:
        for name in answered:
            assert not spool.put(name, {})
        for path in tmp_path.glob("*/*.json"):
            assert len(json.loads(path.read_text())["text"]) == 20_000
        assert list(tmp_path.glob("*/.*")) == []
