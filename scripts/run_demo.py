"""The demo: a year of flights goes by, the triggers ask for retrains, and the best model serves.

It works in a repository of its own, .demo/flights, so that this checkout stays as it is. There it
does what a team would do, with the same scripts and on real data: the flights that left New York
in 2013. After the first champion the months go by: its answers are recorded as a server would, the
triggers look at them, and the retrains are those that fired. Two things it takes upon itself that
belong to people, and says so when it does: approving the first champion, and merging what passed.
In place of GitHub there is a folder, .forge.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config import load_usecase
from pipeline.errors import OutsideError, exit_code_of
from pipeline.jsonio import load_json

DEMO = Path(".demo")
REPOSITORY = DEMO / "flights"
REPORTS = DEMO / "reports"
FIRST = "2013-04-02T12:00:00Z"
CHECKS = (  # a moment a month; in production the monitor looks every hour
    "2013-05-03T12:00:00Z",
    "2013-06-03T12:00:00Z",
    "2013-07-03T12:00:00Z",
    "2013-08-03T12:00:00Z",
    "2013-09-03T12:00:00Z",
    "2013-10-03T12:00:00Z",
    "2013-11-03T12:00:00Z",
    "2013-12-03T12:00:00Z",
    "2014-01-02T12:00:00Z",
)


@dataclass(frozen=True)
class Ended:
    """A retrain of the demo: when it ran, why, and what came of it."""

    as_of: str
    causes: str
    comparison: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of its report's folder."""
        return self.as_of[:10]


def main() -> int:
    """Run the demo from the repository's root."""
    return exit_code_of(lambda: run(Path.cwd()))


def run(root: Path) -> int:
    """Make the demo's repository and take it through the year. Returns 0."""
    started = time.monotonic()
    repository = make_repository(root)
    step("Load the flights of 2013 into a warehouse, as they would have arrived")
    call(repository, "seed_warehouse", "--apply")

    step("Train the first champion on what is known on April 2nd")
    call(repository, "retrain", "--as-of", FIRST, "--apply", may_refuse=True)
    keep_report(root, repository, FIRST[:10])
    print("\nA first model is never its own judge: a person approves it. The demo does that now.")
    approve(repository, "first model")
    serve(repository, FIRST)

    ended = []
    for now in CHECKS:
        step(f"{now[:10]}: another month of answers is known, and the triggers look")
        seen = check(repository, now)
        if seen["retrain"] is not None:
            ended.append(retrain(root, repository, seen, now))
    show(root, ended, time.monotonic() - started)
    return 0


def check(repository: Path, at: str) -> dict[str, Any]:
    """Check the triggers as of `at`; what was seen and decided. Broken data trains nothing."""
    path = repository / "artifacts/check.json"
    options = ("--at", at, "--json", str(path.relative_to(repository)), "--local", "--apply")
    call(repository, "check_triggers", *options, allowed=(0, 4))
    return load_json(path)


def retrain(root: Path, repository: Path, seen: dict[str, Any], at: str) -> Ended:
    """Claim the retrain that is due, train, propose and merge what passed, tell the ledger."""
    name, first = seen["retrain"], seen["causes"][0]
    call(repository, "admit_retrain", "--local", "--retrain", name, "--at", at, "--apply")
    why = ("--trigger-type", first["trigger"], "--trigger-priority", first["priority"])
    known = ("--retrain", name, "--local")
    call(repository, "retrain", "--as-of", at, *why, *known, "--apply", may_refuse=True)
    comparison = load_json(repository / "artifacts/compare/comparison.json")
    keep_report(root, repository, at[:10])
    is_better = comparison["verdict"] == "PASS"
    if is_better:
        branch = propose(repository, name)
        print("\nTwo people would review it now, and merge it; the demo does that.")
        discard_changes(repository)
        git(repository, "merge", "--quiet", "--no-ff", f"--message=Merge {name}", branch)
        approve(repository, f"{name} passed its gates")
        serve(repository, at)
    else:
        discard_changes(repository)
    outcome = "won" if is_better else "lost"
    note = f"--note={comparison['summary']}"
    told = ("--local", "--retrain", name, "--outcome", outcome, note, "--at", at, "--apply")
    call(repository, "settle_retrain", *told)
    return Ended(at, ", ".join(cause["trigger"] for cause in seen["causes"]), comparison)


def propose(repository: Path, name: str) -> str:
    """Open the pull request of a retrain that passed, in a folder. Returns its branch."""
    call(repository, "open_retrain_pr", "--forge", "local", "--retrain", name, "--apply")
    call(repository, "update_dashboard_issue", "--forge", "local", "--apply")
    return f"perennial/retrain/{name}"


def discard_changes(repository: Path) -> None:
    """Leave main as it is: what a retrain wrote is on the proposal's branch, or lost."""
    git(repository, "checkout", "--quiet", "--", ".")
    git(repository, "clean", "--quiet", "--force", "-d", "artifacts", "evidence")


def approve(repository: Path, reason: str) -> None:
    """Make the packaged challenger the champion, and commit that."""
    call(repository, "set_champion", "--approved-by", "demo", "--reason", reason, "--apply")
    commit(repository, f"Approve the champion: {reason}")


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


def call(
    repository: Path,
    script: str,
    *arguments: str,
    may_refuse: bool = False,
    allowed: tuple[int, ...] = (0,),
) -> None:
    """Run a script as a user would. Exit code 1, a gate's no, is an answer where `may_refuse`."""
    run = subprocess.run(
        [sys.executable, "-m", f"scripts.{script}", *arguments],
        cwd=repository,
        env=os.environ | {"PYTHONPATH": str(repository)},
        check=False,
    )
    if run.returncode not in ((0, 1) if may_refuse else allowed):
        raise OutsideError(f"scripts/{script}.py ended with exit code {run.returncode}.")


def git(repository: Path, *arguments: str) -> None:
    """Run git with an identity of the demo's own."""
    identity = ["-c", "user.name=demo", "-c", "user.email=demo@localhost"]
    subprocess.run(["git", *identity, *arguments], cwd=repository, check=True)


def commit(repository: Path, subject: str) -> None:
    """Commit everything that is not ignored."""
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", f"--message={subject}")


def keep_report(root: Path, repository: Path, name: str) -> None:
    """Copy the report out, so that the next retrain does not replace it."""
    shutil.copytree(repository / "artifacts/report", root / REPORTS / name)


def step(title: str) -> None:
    """Say what comes next."""
    print(f"\n== {title}", flush=True)


def serve(repository: Path, start: str) -> None:
    """Let the champion answer every flight from `start` on.

    Each answer counts from the moment that its flight was known, and a check as of some moment
    sees what was known then: so one run for the rest of the year is as good as one an hour.
    """
    step("The champion serves: its answers are recorded, each as of its flight")
    call(repository, "score_rows", "--start", start, "--end", CHECKS[-1], "--apply")


def show(root: Path, retrains: list[Ended], seconds: float) -> None:
    """Print what fired and what came of it, and where to read why."""
    print(f"\n{load_usecase(root).question} {len(CHECKS)} months, {len(retrains)} retrains:\n")
    for ended in retrains:
        print(f"  {ended.name}  {ended.causes}")
        print(f"              {ended.comparison['verdict']}: {ended.comparison['summary']}")
    print("\nWhy, with plots:")
    for name in (FIRST[:10], *(ended.name for ended in retrains)):
        print(f"  {REPORTS / name / 'report.html'}")
    print("What the triggers saw and did: git -C .demo/flights log perennial/ledger")
    print(f"\nTook {seconds:.0f} s. The demo's repository: {REPOSITORY}")


if __name__ == "__main__":
    sys.exit(main())
