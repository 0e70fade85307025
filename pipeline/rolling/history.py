"""What the history of rollouts/ tells of every model, in one walk along the main branch.

A record that a commit added and that is not there any more was reverted. Whatever touched a
model's folder last says whether there can be anything to do.

The main branch are the first parents, so that a branch tells nothing but what its merge brought.
Who merges main into a branch and makes main that (`git pull`, then `git push`) turns it round: then
it goes on along the second parent, whose records are those that only the reconciler adds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from pipeline.adapters.git.plumbing import MISSING, Git
from pipeline.adapters.git.trees import changed_blobs

_COMMIT = "\x01"  # before each commit's line: no path of git's begins with it
_LOG = ("log", "-z", "--first-parent", "-m", "--raw", "--no-abbrev", "--no-renames")
_EVERY_COMMIT = "--sparse"  # those too that changed nothing below rollouts/
_RECORD = re.compile(r"[^/]+/status/[0-9]{4,9}-[a-z0-9-]+\.yaml")


@dataclass(frozen=True)
class Touch:
    """One commit that changed a model's folder: what became of each path below it.

    `blobs` has None for a path that it took away. `before` is the parent that it is compared with,
    "" for the first commit.
    """

    commit: str
    at: datetime
    before: str = ""
    blobs: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class _Step:
    """One commit of a walk, compared with its parent `before`; paths are below rollouts/."""

    commit: str
    at: datetime
    before: str
    others: tuple[str, ...]
    blobs: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Walk:
    """Every commit up to `commit` that changed rollouts/, along first parents, newest first."""

    commit: str
    steps: tuple[_Step, ...] = field(repr=False)


@dataclass(frozen=True)
class ModelHistory:
    """Every commit that changed a model's folder, newest first, along the main branch."""

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

    def has_gone_since(self, path: str, others: Iterable[str]) -> bool:
        """Whether `path` went away after each of `others` was first there."""
        came = {touch.commit for other in others if (touch := self.added(other)) is not None}
        for touch in self.touches:
            if touch.commit in came:
                return False
            if path in touch.blobs:
                return touch.blobs[path] is None
        return False


def walk_to(git: Git, commit: str, known: Walk | None = None) -> Walk:
    """The walk to `commit`, which goes on from `known` where main has. Raises OutsideError."""
    if known is not None:
        newer = _walk(git, f"{known.commit}..{commit}", (*_LOG, _EVERY_COMMIT))
        if newer and newer[-1].before == known.commit:
            return Walk(commit, (*(step for step in newer if step.blobs), *known.steps))
    return Walk(commit, tuple(_walk(git, commit)))


def read_history(git: Git, walk: Walk) -> dict[str, ModelHistory]:
    """The history of each folder below rollouts/ up to the end of `walk`. Raises OutsideError."""
    touches: dict[str, list[Touch]] = {}
    for step in _main_branch(git, walk):
        for path, blob in step.blobs.items():
            model, slash, name = path.partition("/")
            if not slash:
                continue
            mine = touches.setdefault(model, [])
            if not mine or mine[-1].commit != step.commit:
                mine.append(Touch(step.commit, step.at, step.before))
            mine[-1].blobs[name] = blob
    return {model: ModelHistory(tuple(found)) for model, found in touches.items()}


def unseen_records(git: Git, commit: str) -> dict[str, str]:
    """Path below rollouts/ -> commit of each record that was added off the main branch alone.

    Only where main has none as new of that model. Nobody acts on its revert. Raises OutsideError.
    """
    shown = ("log", "-z", "--full-history", "--raw", "--no-abbrev", "--no-renames")
    newest: dict[str, int] = {}
    for model, number in map(_numbered, _records(_main_branch(git, walk_to(git, commit)))):
        newest[model] = max(number, newest.get(model, 0))

    def is_unseen(path: str) -> bool:
        model, number = _numbered(path)
        return number > newest.get(model, 0)

    steps = _walk(git, commit, shown)
    return {path: step.commit for step in steps for path in filter(is_unseen, _records([step]))}


def _main_branch(git: Git, walk: Walk) -> list[_Step]:
    """The commits of `walk`; below a merge that was turned round, those of what was main."""
    steps, number = list(walk.steps), 0
    while number < len(steps):
        step = steps[number]
        if step.others and (new := _records([step])) and new - _records(steps[number + 1 :]):
            steps[number:] = _turned(git, step) or steps[number:]
        number += 1
    return steps


def _turned(git: Git, merge: _Step) -> list[_Step]:
    """`merge` and what was before it by its second parent, where that was main; else nothing.

    It was where only that side has new records: on main they are written all the time, and a branch
    that brings one back which main has reverted has none that is new.
    """
    before, main = merge.before, merge.others[0]
    walk = _walk(git, main)
    if _records(_walk(git, f"{main}..{before}")) - _records(walk):
        return []
    changed = changed_blobs(git, main, merge.commit, "rollouts/")
    blobs = {path.removeprefix("rollouts/"): blob for path, blob in changed.items()}
    return [replace(merge, before=main, others=(), blobs=blobs), *walk]


def _records(steps: Iterable[_Step]) -> set[str]:
    """The paths of the records that `steps` added."""
    changes = (change for step in steps for change in step.blobs.items())
    return {path for path, blob in changes if blob is not None and _RECORD.fullmatch(path)}


def _numbered(record: str) -> tuple[str, int]:
    """The model and the sequence of a record, by its path."""
    model, _, name = record.split("/")
    return model, int(name.partition("-")[0])


def _walk(git: Git, span: str, shown: tuple[str, ...] = _LOG) -> list[_Step]:
    """The commits of `span` that changed rollouts/, newest first, as `git log` has them."""
    log = git.run(*shown, f"--format={_COMMIT}%H %ct %P", span, "--", "rollouts/").stdout
    steps: list[_Step] = []
    cells = iter(log.split("\0"))
    for cell in cells:
        told = cell.lstrip("\n")
        if told.startswith(_COMMIT):
            head, _, told = told.removeprefix(_COMMIT).partition("\n")
            made, seconds, *parents = head.split()
            before, *others = parents or [""]
            at = datetime.fromtimestamp(int(seconds), UTC)
            steps.append(_Step(made, at, before, tuple(others)))
            told = told.lstrip("\n")
        if told.startswith(":"):
            path, blob = _change(told, cells)
            steps[-1].blobs[path] = blob
    return steps


def _change(about: str, cells: Iterator[str]) -> tuple[str, str | None]:
    """The path below rollouts/ of one change, which is the next of `cells`, and its new blob."""
    blob = about.split()[3]
    return next(cells).removeprefix("rollouts/"), None if blob == MISSING else blob
