"""What GitHub says of a push: its commits, who made them, and which files they changed."""

from __future__ import annotations

from typing import Any

from tests.servers.github_standin.world import World

NOTHING = "0" * 40  # how git writes "no such object"
_FORMAT = "%H%x1f%T%x1f%aI%x1f%an%x1f%ae%x1f%cn%x1f%ce%x1f%B"
_MOST_COMMITS = 2048


def push_payload(
    world: World, ref: str, old: str | None, new: str | None, actor: str
) -> dict[str, Any]:
    """The payload of a push of `ref` from `old` to `new`; None is a ref that is not there."""
    commits = _commits(world, old, new) if new else []
    return {
        "ref": ref,
        "before": old or NOTHING,
        "after": new or NOTHING,
        "created": old is None,
        "deleted": new is None,
        "forced": bool(old and new and not world.git.is_ancestor(old, new)),
        "base_ref": None,
        "compare": f"{world.page}/compare/{(old or NOTHING)[:12]}...{(new or NOTHING)[:12]}",
        "commits": commits[-_MOST_COMMITS:],
        "head_commit": _commit(world, new) if new else None,
        "pusher": {"name": actor, "email": f"{actor}@users.noreply.github.com"},
    }


def changed_paths(world: World, old: str, new: str) -> list[str]:
    """The files that differ; of a new branch, from where it left the default branch."""
    if new == NOTHING:
        return []
    start = _start(world, None if old == NOTHING else old, new)
    diff = ["diff", "--name-only", "-z", "--no-renames", start, new]
    files = world.git.run(*diff) if start else world.git.run("ls-tree", "-rz", "--name-only", new)
    return [path for path in files.split("\0") if path]


def message_of(world: World, commit: str) -> str:
    return world.git.run("show", "--no-patch", "--format=%B", commit)


def _start(world: World, old: str | None, new: str) -> str | None:
    if old is not None:
        return old
    main = world.git.commit_of(f"refs/heads/{world.default_branch}")
    if main is None or main == new:
        return None
    return world.git.run("merge-base", main, new)


def _commits(world: World, old: str | None, new: str) -> list[dict[str, Any]]:
    start = _start(world, old, new)
    names = world.git.commits_between(start, new) if start else [new]
    return [_commit(world, name) for name in names[-20:]]


def _commit(world: World, name: str) -> dict[str, Any]:
    words = world.git.run("show", "--no-patch", f"--format={_FORMAT}", name).split("\x1f")
    sha, tree, at, author, author_email, committer, committer_email, message = words
    files = world.git.run(
        "diff-tree",
        "--root",
        "-r",
        "-m",
        "--first-parent",
        "-z",
        "--no-commit-id",
        "--name-status",
        "--no-renames",
        name,
    ).split("\0")
    changed = list(zip(files[0::2], files[1::2], strict=False))
    return {
        "id": sha,
        "tree_id": tree,
        "distinct": True,
        "message": message.strip(),
        "timestamp": at,
        "url": f"{world.page}/commit/{sha}",
        "author": {"name": author, "email": author_email},
        "committer": {"name": committer, "email": committer_email},
        "added": [path for status, path in changed if status == "A"],
        "removed": [path for status, path in changed if status == "D"],
        "modified": [path for status, path in changed if status == "M"],
    }
