"""A watchdog's reports: on disk until GitHub has them, and what never can be sent put aside."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.adapters.github import GitHub, Patience
from pipeline.adapters.spool import Spool, open_spool
from pipeline.core.rollout.observation import Stop
from pipeline.rolling.reporting import Reporting
from pipeline.rolling.reports import CHECK, STOPPED, report_of
from tests.rollouts import MODEL, START
from tests.servers import github_recorder
from tests.servers.binaries import wait_for
from tests.servers.github_recorder import BROKEN, INVALID, TOKEN, Answer, secondary_limit

STOP = Stop("2013-07-03-0123456789ab", 1, "error rate", START)
QUICK = Patience(attempts=1, seconds_between_requests=0, seconds_between_writes=0)
CHECKED, STOPPED_ID = "a" * 16, "b" * 16


@dataclass
class Desk:
    """Reporting to a GitHub, its spool and what it said."""

    reporting: Reporting
    spool: Spool
    github: github_recorder.GitHubRecorder
    said: list[str]

    def put(self) -> None:
        self.reporting.put(CHECKED, CHECK, report_of(MODEL))
        self.reporting.put(STOPPED_ID, STOPPED, report_of(MODEL, STOP))

    @property
    def sent(self) -> list[str]:
        return [dispatch["event_type"] for dispatch in self.github.dispatches]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with github_recorder.running() as github, open_spool(tmp_path) as spool:
        said: list[str] = []
        there = GitHub("octo/model", TOKEN, github.url, patience=QUICK)
        yield Desk(Reporting(spool, there.dispatch, said.append), spool, github, said)
    assert github.violations == []


def test_each_report_goes_out_once_in_the_order_it_came(desk: Desk) -> None:
    for _ in range(2):
        desk.put()
        assert desk.reporting.deliver() == 0
    assert desk.sent == [CHECK, STOPPED]
    assert desk.github.dispatches[1]["client_payload"]["stop"]["reason"] == "error rate"


@pytest.mark.parametrize("answer", [BROKEN, Answer(401, {"message": "Bad credentials"})])
def test_what_github_does_not_take_now_waits_and_longer_each_time(
    desk: Desk, answer: Answer
) -> None:
    desk.put()
    waits = []
    for _ in range(4):
        desk.github.next_answers.append(answer)
        waits.append(desk.reporting.deliver())
    assert all(low < wait <= 2 * low for low, wait in zip((1, 2, 4, 8), waits, strict=True))
    assert desk.spool.counts() == {"pending": 2, "refused": 0}
    assert desk.reporting.deliver() == 0
    assert desk.sent == [CHECK, STOPPED]
    assert not any(TOKEN in line for line in desk.said)


def test_github_says_how_long_to_wait(desk: Desk) -> None:
    desk.put()
    desk.github.next_answers.append(secondary_limit(40))
    assert desk.reporting.deliver() >= 40


def test_what_github_refuses_or_nobody_wrote_is_put_aside_and_the_rest_goes_out(
    desk: Desk,
) -> None:
    desk.put()
    (desk.spool.folder / "pending" / f"{'c' * 16}.json").write_text("{ half a")
    hostile = {"event": "deploy", "payload": {"model": "$(id)"}}
    desk.spool.put("d" * 16, hostile)
    desk.github.next_answers.append(INVALID)
    assert desk.reporting.deliver() == 0
    assert desk.sent == [STOPPED]
    assert desk.spool.counts() == {"pending": 0, "refused": 3}
    why = (desk.spool.folder / "refused" / f"{'d' * 16}.txt").read_text()
    assert "expected rollout-stopped or rollout-check" in why


def test_a_full_spool_keeps_nobody_from_watching(tmp_path: Path) -> None:
    said: list[str] = []
    with open_spool(tmp_path, max_pending=1) as spool:
        reporting = Reporting(spool, lambda *_: None, said.append)
        reporting.put(CHECKED, CHECK, report_of(MODEL))
        reporting.put(STOPPED_ID, STOPPED, report_of(MODEL, STOP))
    assert "1 events wait already" in said[-1]


def test_a_report_is_sent_as_soon_as_it_is_put_and_the_thread_ends_when_told(desk: Desk) -> None:
    ends = threading.Event()
    thread = threading.Thread(target=desk.reporting.run, args=(ends,), daemon=True)
    thread.start()
    desk.put()
    wait_for(lambda: desk.sent == [CHECK, STOPPED], 30)
    ends.set()
    desk.reporting.wake()
    thread.join(30)
    assert not thread.is_alive()
