"""What the history of rollouts/ tells of every model, in one walk along the main branch.

A record that a commit added and that is not there any more was reverted. Whatever touched a
model's folder last says whether there can be anything to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pipeline.adapters.git.plumbing import MISSING, Git

_COMMIT = "\x01"  # before each commit's line: no path of git's begins with it


@dataclass(frozen=True)
class Touch:
    """One commit that changed a model's folder: what became of each path below it.

    `blobs` has None for a path that it took away.
    """

    commit: str
    at: datetime
    blobs: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelHistory:
    """Every commit that changed a model's folder, newest first, along the first parents."""

    touches: tuple[Touch, ...] = ()

    @property
    def newest(self) -> Touch | None:
        """The last one, None for a folder that never was."""
        return self.touches[0] if self.touches else None

    def ever(self, folder: str) -> dict[str, str]:
        """Every file that ever was below `folder`: path -> the blob that it had last."""
        found: dict[str, str] = {}
        for touch in self.touches:
            for path, blob in touch.blobs.items():
                if path.startswith(folder) and blob is not None:
                    found.setdefault(path, blob)
        return found

    def added(self, path: str) -> Touch | None:
        """The commit that first brought `path`."""
        touches = [touch for touch in self.touches if touch.blobs.get(path) is not None]
        return touches[-1] if touches else None


def read_history(git: Git, commit: str, since: str | None = None) -> dict[str, ModelHistory]:
    """The history of each folder below rollouts/ up to `commit`. Raises OutsideError."""
    span = f"{since}..{commit}" if since else commit
    log = git.run(
        *("log", "-z", "--first-parent", "-m", "--raw", "--no-abbrev", "--no-renames"),
        *(f"--format={_COMMIT}%H %ct", span, "--", "rollouts/"),
    ).stdout
    touches: dict[str, list[Touch]] = {}
    for made, at, model, path, blob in _changes(log):
        mine = touches.setdefault(model, [])
        if not mine or mine[-1].commit != made:
            mine.append(Touch(made, at))
        mine[-1].blobs[path] = blob
    return {model: ModelHistory(tuple(found)) for model, found in touches.items()}


def _changes(log: str) -> Iterator[tuple[str, datetime, str, str, str | None]]:
    """Commit, time, model, path and blob of each change, as `git log -z --raw` tells them."""
    made, at = "", datetime.fromtimestamp(0, UTC)
    cells = iter(log.split("\0"))
    for cell in cells:
        told = cell.lstrip("\n")
        if told.startswith(_COMMIT):
            head, _, told = told.removeprefix(_COMMIT).partition("\n")
            made, _, seconds = head.partition(" ")
            at = datetime.fromtimestamp(int(seconds), UTC)
            told = told.lstrip("\n")
        if told.startswith(":"):
            path = next(cells)
            blob = told.split()[3]
            _, _, rest = path.partition("/")
            model, slash, name = rest.partition("/")
            if slash:
                yield made, at, model, name, None if blob == MISSING else blob
