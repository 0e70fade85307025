"""One branch as a value that is swapped: accepted only on top of what was seen, never forced."""

from __future__ import annotations

from pathlib import Path

from pipeline.adapters.git.plumbing import MISSING, Git


class Branch:
    """`name` on `remote`, or in the repository itself without one."""

    def __init__(self, git: Git, name: str, remote: str | None) -> None:
        self.name = name
        self._git = git
        self._remote = remote
        self._ref = f"refs/heads/{name}"
        self._here: str | None = None
        self._shallow: Path | None = None

    def deepen(self) -> None:
        """Make a shallow clone whole, where a server has the rest. Raises OutsideError."""
        if self._remote is None:
            return
        if self._shallow is None:
            place = self._git.run("rev-parse", "--git-path", "shallow").stdout.rstrip("\n")
            self._shallow = self._git.root / place
        if self._shallow.exists():  # that is how git knows it
            self._fetch("--unshallow", self._ref)

    def tip(self) -> str | None:
        """The newest commit, fetched; None where the branch is not there. Raises OutsideError."""
        if self._remote is None:
            found = self._git.run("rev-parse", "--verify", "--quiet", self._ref, may_fail=True)
            if found.exit_code > 1:  # 1 is "no such branch"
                self._git.require_place()
            return found.stdout.strip() or None
        listed = self._git.run("ls-remote", self._remote, self._ref).stdout.splitlines()
        # Git lists whatever ends so too: refs/heads/a/refs/heads/main is a branch of anybody's.
        tips = {ref: commit for commit, ref in (line.split("\t") for line in listed)}
        tip = tips.get(self._ref)
        if tip is None or tip == self._here:
            return tip
        self._fetch(tip, may_fail=True)
        if self._git.run("cat-file", "-e", f"{tip}^{{commit}}", may_fail=True).exit_code:
            self._fetch(self._ref)
        self._here = tip
        return tip

    def swap(self, tip: str | None, commit: str) -> bool:
        """Whether `commit`, made on top of `tip`, became the branch's newest or is below it.

        False where another writer came first. Raises OutsideError where it was refused for another
        reason: a push by the remote, or a branch of the repository itself by its disk.
        """
        if self._remote is None:
            swap = ("update-ref", self._ref, commit, tip or MISSING)
        else:
            swap = ("push", "--quiet", self._remote, f"{commit}:{self._ref}")
        swapped = self._git.run(*swap, may_fail=True)
        if swapped.exit_code == 0:
            self._here = commit  # with its past, since it was made here
            return True
        now = self.tip()
        if now == tip:
            raise self._git.failure(swap[0], swapped)
        # A push whose answer was lost had arrived, and others may have built on it since.
        return now is not None and self._git.is_ancestor(commit, now)

    def _fetch(self, *options_and_ref: str, may_fail: bool = False) -> None:
        *options, ref = options_and_ref
        fetch = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", *options)
        self._git.run(*fetch, str(self._remote), ref, may_fail=may_fail)
