"""The demo's own repository: made from this checkout's files, and worked in as people would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from pipeline.errors import OutsideError

# Whatever else this machine is used for, the demo writes into its own folder alone, and nobody is
# told of its rollbacks: not the chat, the forge or the registry of whoever runs it.
OWN = {"WAREHOUSE_URL": "sqlite:///warehouse.db", "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"}
OUTSIDE = ("ALERT_WEBHOOK_URL", "GITHUB_", "METRICS_TOKEN", "MLFLOW_TRACKING_", "PROMETHEUS_")
PLAN = Path(__file__).with_name("rollout-plan.yaml")


def make_repository(root: Path, repository: Path) -> None:
    """Copy the checkout's own files into a fresh git repository, with the demo's rollout plan."""
    for name in tracked_files(root):
        target = repository / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target)
    git(repository, "init", "--quiet", "--initial-branch=main")
    commit(repository, "Start from the template")
    shutil.copy2(PLAN, repository / "configs/rollout-plan.yaml")
    commit(repository, "Roll out with seconds for hours: this is a demo")


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


def own_environment(**more: str) -> dict[str, str]:
    """The variables there are, without those that lead out of the demo; then `OWN` and `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OUTSIDE)}
    return kept | OWN | more


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
        env=own_environment(PYTHONPATH=str(repository)),
        check=False,
    )
    if run.returncode not in ((0, 1) if may_refuse else allowed):
        raise OutsideError(f"scripts/{script}.py ended with exit code {run.returncode}.")


def git(repository: Path, *arguments: str) -> str:
    """Run git with an identity of the demo's own, and without the user's hooks and signatures.

    Returns what it printed. Raises OutsideError.
    """
    settings = (
        *("user.name=demo", "user.email=demo@localhost"),
        *("commit.gpgSign=false", f"core.hooksPath={os.devnull}"),
    )
    options = [word for setting in settings for word in ("-c", setting)]
    done = subprocess.run(
        ["git", *options, *arguments], cwd=repository, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise OutsideError(f"git {arguments[0]} in {repository}: {done.stderr.strip()}")
    return done.stdout


def commit(repository: Path, subject: str) -> None:
    """Commit everything that is not ignored."""
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", f"--message={subject}")


def merge(repository: Path, branch: str, subject: str) -> None:
    """Merge a proposal, with a commit of its own: its revert takes all of it back."""
    git(repository, "merge", "--quiet", "--no-ff", f"--message={subject}", branch)


def discard_changes(repository: Path) -> None:
    """Leave main as it is: what a retrain wrote is on the proposal's branch, or lost."""
    git(repository, "checkout", "--quiet", "--", ".")
    git(repository, "clean", "--quiet", "--force", "-d", "artifacts", "evidence")
