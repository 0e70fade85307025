"""What merges bring: that of a branch into main, and those of main into a branch.

The button *Update branch* makes a merge of main and nothing else. Whoever presses it is the author
of the commit and pushes it, and has put nothing of their own into the branch: that is worked out
here, and believed of nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.adapters.git.plumbing import Git
from pipeline.adapters.git.trees import changed_blobs

MOST_MERGES = 250  # as many commits as GitHub lists of a pull request


def merge_changes(root: Path, main: str, head: str) -> dict[str, str | None]:
    """What merging `head` into `main` changes: git's id of each new content by its path.

    None for a file that goes; a renamed one counts as both of its paths. Of a merge with a conflict
    it is what git leaves to be mended. Raises OutsideError where nothing can be merged.
    """
    git = Git(root, "a merge into main")
    done = git.run("merge-tree", "--write-tree", "--no-messages", main, head, may_fail=True)
    if done.exit_code not in (0, 1):  # 1: a conflict
        raise git.failure("merge-tree", done)
    return changed_blobs(git, main, done.stdout.partition("\n")[0])


def is_plain_merge(git: Git, parents: Sequence[str], tree: str, main: str) -> bool:
    """Git's own merge has no conflict and the same files, and what came in is main's."""
    if len(parents) != 2 or not git.is_ancestor(parents[1], main):
        return False
    merged = git.run("merge-tree", "--write-tree", *parents, may_fail=True)
    return merged.exit_code == 0 and merged.stdout.strip() == tree


def plain_merges(root: Path, main: str, head: str) -> dict[str, str]:
    """Those of the newest MOST_MERGES merges that `head` has and `main` has not, as full ids.

    Each with its first parent, which is the branch before it. Raises OutsideError.
    """
    git = Git(root, "the merges of a branch")
    log = ("log", "--merges", f"--max-count={MOST_MERGES}", "--format=%H %T %P", f"{main}..{head}")
    rows = (line.split() for line in git.run(*log, "--").stdout.splitlines())
    return {
        commit: parents[0]
        for commit, tree, *parents in rows
        if is_plain_merge(git, parents, tree, main)
    }


def below_merges(head: str, merges: Mapping[str, str]) -> str:
    """The newest commit of a branch that is none of its plain `merges`."""
    while head in merges:
        head = merges[head]
    return head
