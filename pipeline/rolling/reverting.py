"""The revert of the merge that brought a manifest: what one click on a rollback makes.

Git's own revert of the whole merge where that is no conflict, so that what DVC keeps goes back with
it; else of the manifest alone, which is all that a rollout needs, and which never conflicts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.adapters.git.plumbing import MISSING, Git
from pipeline.core.inert import printable
from pipeline.rolling.history import Touch
from pipeline.rolling.model_state import SPEC
from pipeline.rolling.snapshot import FOLDER, ModelTree, Snapshot

MAX_REASON = 1_000
_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "commit.gpgsign=false")


@dataclass(frozen=True)
class Revert:
    """A commit to make: `blobs` by path, None for a file that goes."""

    of: str
    blobs: dict[str, str | None]
    is_whole: bool
    message: str


def plan_revert(snapshot: Snapshot, tree: ModelTree, reason: str, by: str) -> Revert | None:
    """The revert of the newest merge of a manifest; None where it is reverted already."""
    merged = merge_to_revert(tree)
    if merged is None:
        return None
    whole = _reverted_whole(snapshot, merged.commit)
    path = f"{FOLDER}/{tree.name}/{SPEC}"
    blobs = whole if whole is not None else {path: _blob_before(snapshot, merged.commit, path)}
    return Revert(merged.commit, blobs, whole is not None, _message(tree.name, merged, reason, by))


def merge_to_revert(tree: ModelTree) -> Touch | None:
    """The commit that brought the manifest that is there.

    None where there is no manifest, or where it is an earlier one again: then the newest merge was
    reverted already, and another revert would bring it back.
    """
    touches = [touch for touch in tree.history.touches if SPEC in touch.blobs]
    if not touches or touches[0].blobs[SPEC] is None:
        return None
    earlier = {touch.blobs[SPEC] for touch in touches[1:]}
    return None if touches[0].blobs[SPEC] in earlier else touches[0]


def _reverted_whole(snapshot: Snapshot, commit: str) -> dict[str, str | None] | None:
    """What `git revert` of `commit` changes on top of the snapshot; None where it is a conflict."""
    with _scratch(snapshot) as git:
        parents = git.run("rev-list", "--parents", "-n", "1", commit).stdout.split()[1:]
        if not parents:
            return None
        mainline = ("--mainline=1",) if len(parents) > 1 else ()
        revert = (*_QUIET, "revert", "--no-commit", *mainline, commit)
        if git.run(*revert, may_fail=True).exit_code != 0:
            return None
        tree = git.run("write-tree").stdout.strip()
        found = _changes(git, snapshot.commit, tree)
        for blob in filter(None, found.values()):
            content = git.run("cat-file", "blob", blob).stdout
            snapshot.git.write_blob(content.encode("utf-8", "surrogateescape"))
        return found or None


@contextmanager
def _scratch(snapshot: Snapshot) -> Iterator[Git]:
    """A throwaway clone with the snapshot checked out: the checkout is not touched."""
    with TemporaryDirectory(prefix="perennial-revert-") as folder:
        place = Path(folder) / "it"
        root = snapshot.git.root.resolve()
        clone = ("clone", "--quiet", "--shared", "--no-checkout", str(root), str(place))
        snapshot.git.run(*clone)
        git = Git(place, snapshot.git.where)
        git.run(*_QUIET, "checkout", "--quiet", "--detach", snapshot.commit)
        yield git


def _changes(git: Git, before: str, after: str) -> dict[str, str | None]:
    listed = git.run("diff", "--raw", "--no-abbrev", "--no-renames", "-z", before, after).stdout
    cells = iter(filter(None, listed.split("\0")))
    found: dict[str, str | None] = {}
    for about in cells:
        blob = about.split()[3]
        found[next(cells)] = None if blob == MISSING else blob
    return found


def _blob_before(snapshot: Snapshot, commit: str, path: str) -> str | None:
    asked = ("rev-parse", "--verify", "--quiet", f"{commit}^1:{path}")
    return snapshot.git.run(*asked, may_fail=True).stdout.strip() or None


def _message(model: str, merged: Touch, reason: str, by: str) -> str:
    why = printable(reason, MAX_REASON) or "no reason given"
    return (
        f"{model}: roll back\n\nThis reverts commit {merged.commit}.\n\n{why}\n\n"
        f"Said by {printable(by, 100) or 'somebody'}.\n"
    )
