"""A throwaway clone of the checkout: git for real, and nothing of the checkout is touched."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.adapters.git import plumbing
from pipeline.errors import OutsideError

_OPTIONS = (
    f"user.name={plumbing.NAME}",
    f"user.email={plumbing.EMAIL}",
    "commit.gpgsign=false",
    "core.hooksPath=/dev/null",  # a hook of the checkout must not act on a rehearsal
    "core.autocrlf=false",
)


class Git:
    """Git in the folder `root`, with no configuration but the repository's own."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *arguments: str) -> str:
        """What git prints, without the last line break. Raises OutsideError with its words.

        Raises ConfigurationError where there is no repository.
        """
        done = self._do(arguments)
        if done.returncode != 0:
            plumbing.Git(self.root, f"git {arguments[0]}").require_place()
            words = (done.stderr.strip() or done.stdout.strip())[-1_000:]
            raise OutsideError(f"`git {arguments[0]}` failed in {self.root}: {words}")
        return done.stdout.removesuffix("\n")

    def is_done(self, *arguments: str) -> bool:
        """Whether git did it."""
        return self._do(arguments).returncode == 0

    def names(self, *arguments: str) -> list[str]:
        """The paths that a git command with -z prints."""
        return [name for name in self.run(*arguments).split("\0") if name]

    def id_of(self, revision: str, path: str = "") -> str | None:
        """The object at `path` of `revision`; None where there is none."""
        name = f"{revision}:{path}" if path else f"{revision}^{{tree}}"
        found = self._do(("rev-parse", "--verify", "--quiet", name))
        return found.stdout.strip() if found.returncode == 0 else None

    def text_of(self, revision: str, path: str) -> str | None:
        """The file at `path` of `revision`; None where there is none."""
        found = self._do(("show", f"{revision}:{path}"))
        return found.stdout if found.returncode == 0 else None

    def _do(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        outside = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        quiet = {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_EDITOR": "true",
        }
        options = [word for option in _OPTIONS for word in ("-c", option)]
        return subprocess.run(
            ["git", *options, *arguments],
            cwd=self.root,
            env=outside | quiet,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )


@contextmanager
def scratch_clone(root: Path, revision: str) -> Iterator[Git]:
    """A clone of the repository at `root` with `revision` checked out on the branch `base`.

    Raises OutsideError where git cannot. The folder is gone afterwards.
    """
    sha = Git(root).run("rev-parse", "--verify", f"{revision}^{{commit}}")
    with TemporaryDirectory(prefix="perennial-rehearsal-") as folder:
        Git(root).run("clone", "--quiet", "--shared", "--no-checkout", str(root), f"{folder}/it")
        git = Git(Path(folder) / "it")
        git.run("checkout", "--quiet", "-B", "base", sha)
        yield git
