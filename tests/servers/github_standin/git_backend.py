"""The bare repository that the stand-in stands on, read and written as GitHub does it itself."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dulwich.refs import DiskRefsContainer

from tests.servers.github_recorder import SERVER_NAME

_PROTECTION = """#!/bin/sh
while read -r old new ref; do
  if [ "$ref" = "refs/heads/{branch}" ]; then
    echo "error: GH013: Repository rule violations found for $ref." >&2
    echo "- Changes must be made through a pull request." >&2
    exit 1
  fi
done
"""

# What GitHub's documentation of the scope `workflow` says, and what it is seen to do for Apps: a
# workflow file comes without that right only where some branch has it, at that path and so.
_WORKFLOWS = """#!/bin/sh
[ -n "$STANDIN_WITHOUT_WORKFLOWS" ] || exit 0
case "$3" in *[!0]*) ;; *) exit 0 ;; esac
files() {
  git ls-tree -r "$1" .github/workflows/
}
known=$(git for-each-ref --format='%(objectname)' refs/heads | while read -r tip; do
  files "$tip"
done)
files "$3" | while IFS= read -r file; do
  printf '%s\\n' "$known" | grep --quiet --line-regexp --fixed-strings -e "$file" && continue
  path=$(printf '%s' "$file" | cut -f 2)
  echo "refusing to allow a GitHub App to create or update workflow \\`$path\\`" >&2
  echo "without \\`workflows\\` permission" >&2
  exit 1
done
"""
WITHOUT_WORKFLOWS = "STANDIN_WITHOUT_WORKFLOWS"  # set by whoever serves a push with such a token


@dataclass(frozen=True)
class Change:
    """A changed file: `status` is git's letter (A, M, D, R), `blob` its newest content."""

    path: str
    status: str
    blob: str
    additions: int
    deletions: int
    before: str | None = None


class BareRepository:
    """Plumbing on a bare repository; the tests' clones push to `path`."""

    def __init__(self, path: Path) -> None:
        """Made if it is not there. Nobody can push to refs/pull/, as on GitHub."""
        self.path = path
        self._known: dict[tuple[str, ...], str] = {}  # what cannot change: it is said of commits
        if not (path / "HEAD").exists():
            path.mkdir(parents=True, exist_ok=True)
            self.run("init", "--quiet", "--template=", "--bare", "--initial-branch=main")
        (path / "hooks").mkdir(exist_ok=True)
        self._hook("update", _WORKFLOWS)
        self.run("config", "receive.hideRefs", "refs/pull")
        self.run("config", "uploadpack.allowAnySHA1InWant", "true")

    def protect(self, branch: str) -> None:
        """From now on nobody can push to the branch: it takes merges only."""
        self._hook("pre-receive", _PROTECTION.format(branch=branch))

    def _hook(self, name: str, text: str) -> None:
        hook = self.path / "hooks" / name
        hook.write_text(text, encoding="utf-8")
        hook.chmod(0o755)

    def run(self, *arguments: str, author: str = SERVER_NAME) -> str:
        """What git printed. Raises CalledProcessError where git says no."""
        return self._try(*arguments, author=author, check=True).stdout.strip("\n")

    def refs(self) -> dict[str, str]:
        """Each ref's commit. Asked at each request, which no process is started for."""
        found = DiskRefsContainer(self.path).as_dict()
        return {ref.decode(): found[ref].decode() for ref in sorted(found) if ref != b"HEAD"}

    def commit_of(self, revision: str) -> str | None:
        """The commit that a branch, tag, ref or SHA means; None if there is none."""
        if revision.startswith("-"):
            return None
        named = self._try("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        return named.stdout.strip() or None

    def update_ref(self, ref: str, new: str, old: str | None = None) -> bool:
        """Compare and swap: False if the ref is not at `old`. Without `old` it is just set."""
        return self._try("update-ref", ref, new, *([old] if old else [])).returncode == 0

    def delete_ref(self, ref: str) -> None:
        """The ref goes; it need not be there."""
        self._try("update-ref", "-d", ref)

    def is_ancestor(self, older: str, newer: str) -> bool:
        """A commit is an ancestor of itself."""
        return self._try("merge-base", "--is-ancestor", older, newer).returncode == 0

    def merged_tree(self, base: str, head: str) -> str | None:
        """The tree of a merge without conflicts, else None."""
        merged = self._try("merge-tree", "--write-tree", base, head)
        return merged.stdout.split("\n", 1)[0] if merged.returncode == 0 else None

    def commit_tree(self, tree: str, parents: list[str], message: str, author: str) -> str:
        """A new commit, which no ref names yet."""
        of = [part for parent in parents for part in ("-p", parent)]
        return self.run("commit-tree", tree, *of, "-m", message, author=author)

    def commits_between(self, base: str, head: str) -> list[str]:
        """The commits that `head` has and `base` has not, oldest first."""
        return self._fixed("rev-list", "--reverse", f"{base}..{head}").split()

    def changes_between(self, base: str, head: str) -> list[Change]:
        """The files that `head` changed since it left `base`."""
        start = self._fixed("merge-base", base, head)
        diff = ("diff-tree", "-r", "-z", "-M", start, head)
        raw = self._fixed(*diff, "--raw", "--no-abbrev").split("\0")
        counts = self._fixed(*diff, "--numstat").split("\0")
        return _changes(raw, counts)

    def blob(self, name: str) -> bytes:
        """The content of a blob."""
        command = ["git", "cat-file", "blob", name]
        return subprocess.run(command, cwd=self.path, capture_output=True, check=True).stdout

    def import_from(self, other: BareRepository, commit: str) -> None:
        """Fetch the commit of a fork."""
        self.run("fetch", "--quiet", "--no-tags", str(other.path), commit)

    def _fixed(self, *arguments: str) -> str:
        """`run` for a question about commits by SHA: it is asked once."""
        if arguments not in self._known:
            self._known[arguments] = self.run(*arguments)
        return self._known[arguments]

    def _try(
        self, *arguments: str, author: str = SERVER_NAME, check: bool = False
    ) -> subprocess.CompletedProcess[str]:
        email = f"{author}@users.noreply.github.com"
        own = {
            "GIT_AUTHOR_NAME": author,
            "GIT_AUTHOR_EMAIL": email,
            "GIT_COMMITTER_NAME": "GitHub",
            "GIT_COMMITTER_EMAIL": "noreply@github.com",
        }
        kept = {name: v for name, v in os.environ.items() if not name.startswith("GIT_")}
        return subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env={**kept, **own},
            capture_output=True,
            text=True,
            check=check,
        )


def _changes(raw: list[str], counts: list[str]) -> list[Change]:
    """From `git diff-tree -z`: raw and numstat list the same files in the same order."""
    changes = []
    while raw and raw[0]:
        *_, blob, letter = raw.pop(0).split(" ")
        before = raw.pop(0) if letter[0] == "R" else None
        path = raw.pop(0)
        added, deleted, _ = counts.pop(0).split("\t")
        del counts[: 2 if before else 0]
        plus, minus = (int(n) if n.isdecimal() else 0 for n in (added, deleted))
        changes.append(Change(path, letter[0], blob, plus, minus, before))
    return changes
