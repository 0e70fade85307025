"""Which model served a user or request at a moment, from git alone.

    python -m scripts.who_served --user X --at 2013-07-02T12:00:00Z

A test that was active decides; else a rollout that was under way; else the champion of that moment.
Tests and rollouts say themselves when they did what, so that those whose files are gone since (by a
revert, say) are found too. The champion is the one of the last commit before the moment. Nothing
is read but commits: not the checkout, no server.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.adapters.git.plumbing import Git
from pipeline.champion import parse_champion
from pipeline.config import load_usecase, parse_utc
from pipeline.core.routing import BUCKETS, Variant, assign, variant_of
from pipeline.errors import GateRefused, exit_code_of
from pipeline.experiment import Experiment, parse_experiment
from pipeline.manifest import parse_rollout
from pipeline.rollout_status import Record, parse_record


@dataclass(frozen=True)
class Answer:
    """The digest of the model that served, and why it was that one."""

    digest: str
    why: str


class History:
    """What the commits up to `ref` say of one model."""

    def __init__(self, root: Path, model: str, ref: str) -> None:
        self._git = Git(root, "who_served")
        self._folder = f"rollouts/{model}"
        self._ref = self._git.run("rev-parse", "--verify", f"{ref}^{{commit}}").stdout.strip()

    def documents(self, folder: str) -> Iterator[tuple[str, str]]:
        """Path and last content of every YAML file that ever was in `folder`."""
        where = f"{self._folder}/{folder}/"
        listed = self._log("--name-only", "--format=", "--diff-filter=AM", "--", where)
        for path in sorted({line for line in listed.splitlines() if line.endswith(".yaml")}):
            newest = self._log("-1", "--format=%H", "--diff-filter=AM", "--", path).strip()
            yield path, self._git.run("show", f"{newest}:{path}").stdout

    def versions(self, name: str) -> Iterator[str]:
        """Every content that the file `name` ever had, newest first."""
        path = f"{self._folder}/{name}"
        for commit in self._log("--format=%H", "--diff-filter=AM", "--", path).split():
            yield self._git.run("show", f"{commit}:{path}").stdout

    def champion_at(self, at: datetime) -> tuple[str, str] | None:
        """The commit that was the newest at `at`, and its champion.yaml; None before the first."""
        path = f"{self._folder}/champion.yaml"
        lines = self._log("--format=%H %ct", "--first-parent").splitlines()
        commits = (line.split() for line in lines)
        commit = next((name for name, time in commits if int(time) <= at.timestamp()), None)
        if commit is None:
            return None
        shown = self._git.run("show", f"{commit}:{path}", may_fail=True)
        is_there = shown.exit_code == 0 and any(
            line and not line.startswith("#") for line in shown.stdout.splitlines()
        )
        return (commit, shown.stdout) if is_there else None

    def _log(self, *options: str) -> str:
        before = options.index("--") if "--" in options else len(options)
        arguments = (*options[:before], self._ref, *options[before:])
        return self._git.run("log", "--full-history", *arguments).stdout


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and answer."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--user", required=True, help="the user or request id, as it was routed by")
    parser.add_argument("--at", required=True, help="the moment, such as 2013-07-02T12:00:00Z")
    parser.add_argument("--ref", default="HEAD", help="the newest commit to believe")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: tell(Path.cwd(), arguments))


def tell(root: Path, arguments: argparse.Namespace) -> int:
    """Print the answer. Returns 0."""
    at = parse_utc(arguments.at, "--at")
    model = load_usecase(root).model
    found = who_served(History(root, model, arguments.ref), arguments.user, at)
    print(f"{found.digest}\n  {found.why}")
    return 0


def who_served(history: History, unit: str, at: datetime) -> Answer:
    """The model that served `unit` at `at`. Raises GateRefused where none did."""
    steps: tuple[Callable[[History, str, datetime], Answer | None], ...] = (
        _by_test,
        _by_rollout,
        _by_champion,
    )
    for step in steps:
        answer = step(history, unit, at)
        if answer is not None:
            return answer
    raise GateRefused(
        f"no model served at {at:%Y-%m-%d %H:%M} UTC: no commit has a champion by then"
    )


def _by_test(history: History, unit: str, at: datetime) -> Answer | None:
    tests = [parse_experiment(text, path) for path, text in history.documents("experiments")]
    active = [test for test in tests if test.is_active(at)]
    if not active:
        return None
    test: Experiment = max(active, key=lambda one: one.started_at)
    digests = {Variant.MODEL_A: test.model_a, Variant.MODEL_B: test.model_b}
    return _routed(unit, test.salt, test.weight_at(at), digests, f"A/B test {test.id}")


def _by_rollout(history: History, unit: str, at: datetime) -> Answer | None:
    """By the last record before `at`; a rollout that ended has no say any more."""
    records = [parse_record(text, path) for path, text in history.documents("status")]
    past = [record for record in records if record.at <= at]
    if not past:
        return None
    last: Record = max(past, key=lambda record: record.sequence)
    if last.phase.is_promoted or last.phase.is_ended:
        digest = last.challenger if last.phase.is_promoted else last.champion
        return Answer(digest, f"rollout of {last.version}, {last.phase} since record {last.name}")
    digests = {Variant.MODEL_A: last.champion, Variant.MODEL_B: last.challenger}
    points = round(last.weight_percent * 100)
    salt = _salt_of(history, last)
    return _routed(unit, salt, points, digests, f"rollout of {last.version}")


def _salt_of(history: History, record: Record) -> str:
    """The rollout's version, or the A/B test that its plan names: both route alike."""
    for text in history.versions("rollout.yaml"):
        spec = parse_rollout(text, "rollout.yaml")
        if spec.digest == record.spec:
            return spec.plan.ab_test or spec.version
    return record.version


def _by_champion(history: History, unit: str, at: datetime) -> Answer | None:
    found = history.champion_at(at)
    if found is None:
        return None
    commit, text = found
    digest = parse_champion(text, f"champion.yaml in {commit[:10]}").digest
    return Answer(
        digest, f"the champion of commit {commit[:10]}; no test and no rollout was active"
    )


def _routed(unit: str, salt: str, points: int, digests: dict[Variant, str], what: str) -> Answer:
    bucket = assign(salt, unit)
    variant = variant_of(bucket, points)
    why = f"{what}: bucket {bucket:,} of {BUCKETS:,}, the challenger had those below {points:,}"
    return Answer(digests[variant], f"{variant} by {why}")


if __name__ == "__main__":
    sys.exit(main())
