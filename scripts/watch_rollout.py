"""Watch the rollouts of this machine's traffic layer, and stop a challenger that fails by itself.

Every few seconds: what git says is done to the traffic, and the rollback conditions and criteria
are checked. A challenger that fails goes to 0 % with a latch, is reported by repository_dispatch,
and git records it next. It goes on from what it knew last while git or GitHub are down. Prints
what it does; without --apply it only says what it would do. Stops on SIGTERM.

Needs PROMETHEUS_URL; GITHUB_REPOSITORY and GITHUB_TOKEN for the reports. See docs/runbook.md.
Exit codes: 0 stopped, 2 bad configuration, 3 with --once: something failed.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import Bug, OutsideError, PipelineError, exit_code_of
from pipeline.options import new_parser, wait_seconds
from pipeline.rolling.known import require_known
from pipeline.rolling.reporting import Reporting
from pipeline.rolling.repository import MAIN, RolloutRepository
from pipeline.rolling.settings import Equipment
from pipeline.rolling.snapshot import Snapshot
from pipeline.rolling.watchdog import Report, Watchdog
from pipeline.serving_config import load_serving

QUICK_GIT = {"GIT_HTTP_LOW_SPEED_LIMIT": "1000", "GIT_HTTP_LOW_SPEED_TIME": "20"}
REPEAT_SECONDS = 300.0  # until git is read again, it is said again that it was not


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and watch."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--model", action="append", default=[], help="only this one (repeatable)")
    parser.add_argument("--every", type=wait_seconds, default=5.0, help="seconds between looks (5)")
    parser.add_argument(
        "--pull-every", type=wait_seconds, default=15.0, help="seconds between pulls (15)"
    )
    parser.add_argument("--branch", default=MAIN, help=f"where the rollouts are ({MAIN})")
    parser.add_argument("--local", action="store_true", help="this repository's own branch")
    parser.add_argument("--spool", type=Path, default=Path(".serving/reports"), help="for reports")
    parser.add_argument("--once", action="store_true", help="pull, look and report once")
    parser.add_argument("--apply", action="store_true", help="set weights, stop, report")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: watch(Path.cwd(), arguments))


def watch(root: Path, arguments: argparse.Namespace) -> int:
    """Watch until a signal stops it. Returns the exit code. Raises ConfigurationError."""
    for name, value in QUICK_GIT.items():
        os.environ.setdefault(name, value)
    repository = RolloutRepository(root, None if arguments.local else "origin", arguments.branch)
    equipment = Equipment(
        root=root,
        repository=repository,
        serving=load_serving(root),
        environment=os.environ,
        tell=log,
        is_beside=True,
    )
    repository.require_place()
    with reporting_of(root, arguments, os.environ) as reporting:
        put = reporting.put if reporting else only_saying()
        watchdog = Watchdog(equipment, put, is_applied=arguments.apply)
        loop = Loop(repository, watchdog, frozenset(arguments.model))
        if arguments.once:
            failed = loop.once()
            failed |= bool(reporting and reporting.deliver())
            return OutsideError.exit_code if failed else 0
        mode = "watching" if arguments.apply else "watching, and changing nothing without --apply"
        log(f"{mode}: a look each {arguments.every:g} s, a pull each {arguments.pull_every:g} s")
        loop.run(arguments.every, arguments.pull_every, reporting)
    log("stopped")
    return 0


class Loop:
    """Looks in the main thread; pulls in another one, since a server that hangs must not blind."""

    def __init__(
        self,
        repository: RolloutRepository,
        watchdog: Watchdog,
        models: frozenset[str],
        repeat_seconds: float = REPEAT_SECONDS,
    ) -> None:
        self._repository = repository
        self._watchdog = watchdog
        self._models = models
        self._newest: Snapshot | None = None
        self._repeat_seconds = repeat_seconds
        self._git_said = ""
        self._said_at = self._read_at = time.monotonic()
        self._is_fetched = False
        self._is_checked = not models
        self._stop = threading.Event()

    def once(self) -> bool:
        """Pull and look. Returns whether anything failed.

        Raises ConfigurationError for a model that nobody knows.
        """
        pulled = self._pull()
        self._check_models()
        return bool(self._look()) or not pulled

    def run(self, every: float, pull_every: float, reporting: Reporting | None) -> None:
        """Until a signal comes. A look that failed is told, and the next one follows.

        Raises ConfigurationError for a model that nobody knows, at the start.
        """
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self._stop.set())
        threads = [threading.Thread(target=self._pulls, args=(pull_every,), daemon=True)]
        if reporting is not None:
            threads.append(threading.Thread(target=reporting.run, args=(self._stop,), daemon=True))
        for thread in threads:
            thread.start()
        try:
            while not self._stop.wait(every if self._newest else min(every, 0.1)):
                self._check_models()
                self._look()
        finally:
            self._stop.set()
            if reporting is not None:
                reporting.wake()
                threads[-1].join(5)

    def _pulls(self, every: float) -> None:
        while not self._stop.is_set():
            try:
                self._pull()
            except Exception as error:  # noqa: BLE001 (without pulls it would watch the past)
                self._say_once(str(Bug.of(error)))
            self._stop.wait(every)

    def _pull(self) -> bool:
        try:
            found = self._repository.snapshot()
        except (PipelineError, OSError) as error:
            self._say_once(" ".join(f"git: {error} Going on from what was known.".split()))
            if self._newest is None:
                self._newest = self._repository.last_known()
            return False
        if self._newest is None or found.commit != self._newest.commit:
            self._newest = found
        self._git_said = ""
        self._read_at = time.monotonic()
        self._is_fetched = True
        return True

    def _say_once(self, line: str) -> None:
        """A server that is down for hours is told of every few minutes, until it answered."""
        now = time.monotonic()
        if line != self._git_said:
            log(line)
        elif now - self._said_at >= self._repeat_seconds:
            log(f"{line} Git has not been read for {(now - self._read_at) / 60:.0f} minutes.")
        else:
            return
        self._git_said, self._said_at = line, now

    def _check_models(self) -> None:
        """Each that was named is in the first commit that git gave, or ever was.

        What was known of old decides nothing: the models that it does have must be watched.
        """
        if self._is_checked or not self._is_fetched or self._newest is None:
            return
        try:
            known = self._newest.models
        except (PipelineError, OSError):
            return  # the look that follows says it
        require_known(known, self._models)
        self._is_checked = True

    def _look(self) -> list[Any]:
        if self._newest is None:
            return []
        try:
            return list(self._watchdog.look(self._newest, self._models))
        except (PipelineError, OSError) as error:
            log(str(error))
            return [error]
        except Exception as error:  # noqa: BLE001 (what watches must outlive a bug of ours)
            log(str(Bug.of(error)))
            return [error]


@contextmanager
def reporting_of(
    root: Path, arguments: argparse.Namespace, environment: Mapping[str, str]
) -> Iterator[Reporting | None]:
    """The way to GitHub; None where none is configured, or nothing is applied."""
    repository, token = environment.get("GITHUB_REPOSITORY"), environment.get("GITHUB_TOKEN")
    if not arguments.apply or not repository or not token:
        yield None
        return
    from pipeline.adapters.github import API_URL, GitHub, Patience  # noqa: PLC0415 (slow)
    from pipeline.adapters.spool import open_spool  # noqa: PLC0415

    url = environment.get("GITHUB_API_URL") or API_URL
    github = GitHub(repository, token, url, patience=Patience(attempts=1))
    with open_spool(root / arguments.spool) as spool:
        yield Reporting(spool, github.dispatch, log)


def only_saying() -> Report:
    """What is due in git is said once, where there is no GitHub to report it to."""
    said: set[str] = set()

    def say(event_id: str, event: str, payload: dict[str, Any]) -> None:
        if event_id not in said:
            said.add(event_id)
            log(f"{event} of {payload.get('model')}: due in git, and no GitHub to report it to")

    return say


def log(line: str) -> None:
    """One line for one event, with the time in UTC."""
    print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
