"""The demo: seed a warehouse, train the first champion, retrain three times, show the verdicts.

It works in a repository of its own, .demo/flights, so that this checkout stays as it is. There it
does what a team would do, with the same scripts and on real data: the flights that left New York
in 2013. The one thing it takes upon itself is the approval of the first champion, which belongs
to a person; it says so when it does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import load_usecase
from pipeline.errors import OutsideError, exit_code_of
from pipeline.jsonio import load_json

DEMO = Path(".demo")
REPOSITORY = DEMO / "flights"
REPORTS = DEMO / "reports"


@dataclass(frozen=True)
class Retrain:
    """One retrain of the demo: its name and the moment whose knowledge it uses."""

    name: str
    as_of: str


FIRST = Retrain("january-to-march", "2013-04-02T00:00:00Z")
LATER = (
    Retrain("april", "2013-05-02T00:00:00Z"),
    Retrain("june", "2013-07-02T00:00:00Z"),
    Retrain("december", "2014-01-02T00:00:00Z"),
)


def main() -> int:
    """Run the demo from the repository's root."""
    return exit_code_of(lambda: run(Path.cwd()))


def run(root: Path) -> int:
    """Make the demo's repository and take it through a year. Returns 0."""
    started = time.monotonic()
    repository = make_repository(root)
    step("Load the flights of 2013 into a warehouse, as they would have arrived")
    call(repository, "seed_warehouse", "--apply")

    step("Train the first champion on January to March")
    call(repository, "retrain", "--as-of", FIRST.as_of, "--apply", may_refuse=True)
    keep_report(root, repository, FIRST)
    print("\nA first model is never its own judge: a person approves it. The demo does that now.")
    call(repository, "set_champion", "--approved-by", "demo", "--reason", "first model", "--apply")
    commit(repository, "Approve the first champion")

    verdicts = []
    for retrain in LATER:
        step(f"Retrain as of {retrain.as_of[:10]} ({retrain.name})")
        git(repository, "switch", "--quiet", "--create", f"retrain/{retrain.name}", "main")
        call(repository, "retrain", "--as-of", retrain.as_of, "--apply", may_refuse=True)
        verdicts.append((retrain, load_json(repository / "artifacts/compare/comparison.json")))
        keep_report(root, repository, retrain)
        commit(repository, f"Retrain as of {retrain.as_of[:10]}")
    git(repository, "switch", "--quiet", "main")
    show(root, verdicts, time.monotonic() - started)
    return 0


def make_repository(root: Path) -> Path:
    """Copy the checkout's own files into a fresh git repository."""
    repository = root / REPOSITORY
    shutil.rmtree(root / DEMO, ignore_errors=True)
    for name in tracked_files(root):
        target = repository / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target)
    git(repository, "init", "--quiet", "--initial-branch=main")
    commit(repository, "Start from the template")
    return repository


def tracked_files(root: Path) -> list[str]:
    """The files of the checkout that git knows or would know."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        raise OutsideError(f"git ls-files: {listed.stderr.strip()} The demo needs a git checkout.")
    return [name for name in listed.stdout.split("\0") if name and (root / name).is_file()]


def call(repository: Path, script: str, *arguments: str, may_refuse: bool = False) -> None:
    """Run a script as a user would. Exit code 1, a gate's no, is an answer where `may_refuse`."""
    run = subprocess.run(
        [sys.executable, "-m", f"scripts.{script}", *arguments],
        cwd=repository,
        env=os.environ | {"PYTHONPATH": str(repository)},
        check=False,
    )
    if run.returncode not in ((0, 1) if may_refuse else (0,)):
        raise OutsideError(f"scripts/{script}.py ended with exit code {run.returncode}.")


def git(repository: Path, *arguments: str) -> None:
    """Run git with an identity of the demo's own."""
    identity = ["-c", "user.name=demo", "-c", "user.email=demo@localhost"]
    subprocess.run(["git", *identity, *arguments], cwd=repository, check=True)


def commit(repository: Path, subject: str) -> None:
    """Commit everything that is not ignored."""
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", f"--message={subject}")


def keep_report(root: Path, repository: Path, retrain: Retrain) -> None:
    """Copy the report out, so that the next retrain does not replace it."""
    shutil.copytree(repository / "artifacts/report", root / REPORTS / retrain.name)


def step(title: str) -> None:
    """Say what comes next."""
    print(f"\n== {title}", flush=True)


def show(root: Path, verdicts: list[tuple[Retrain, dict]], seconds: float) -> None:
    """Print the verdicts side by side, and where to read why."""
    question = load_usecase(root).question
    print(f"\n{question} Three retrains against the champion of {FIRST.name}:\n")
    for retrain, comparison in verdicts:
        print(f"  {retrain.name:10} {comparison['verdict']:13} {comparison['summary']}")
    print("\nWhy, with plots:")
    for retrain in (FIRST, *LATER):
        print(f"  {REPORTS / retrain.name / 'report.html'}")
    print(f"\nTook {seconds:.0f} s. The demo's repository: {REPOSITORY}")


if __name__ == "__main__":
    sys.exit(main())
