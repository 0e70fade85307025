"""A copy of this repository in a folder of the test's own: real git, real DVC, real data."""

import os
import shutil
import subprocess
from pathlib import Path

from tests import warm

ROOT = Path(__file__).parent.parent


def copy_repository(target: Path, overlay: Path | None = None) -> Path:
    """Copy the checkout's own files, lay `overlay` over them, and commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    if overlay is not None:
        shutil.copytree(overlay, target, dirs_exist_ok=True)
    git(target, "init", "--quiet", "--initial-branch=main")
    commit(target, "Start")
    git(target, "repack", "--quiet", "-a", "-d")  # as a clone has it: quick to copy and to read
    return target


def git(repository: Path, *arguments: str) -> str:
    """Run git and return what it printed."""
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    return _run(repository, "git", *identity, *arguments, check=True).stdout


def commit(repository: Path, subject: str) -> None:
    """Commit everything that is not ignored."""
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", f"--message={subject}")


def edit(path: Path, changes: dict[str, str]) -> None:
    """Put the values in place of the keys, each of which is in the file."""
    text = path.read_text()
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after)
    path.write_text(text)


def python(
    repository: Path, module: str, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `python -m module` in the repository, as a user would."""
    return _run(repository, warm.python(), "-m", module, *arguments, environment=environment)


def _run(
    repository: Path, *command: str, check: bool = False, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    path = f"{Path(warm.python()).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=repository,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(repository), **(environment or {})},
        capture_output=True,
        text=True,
        check=check,
    )
