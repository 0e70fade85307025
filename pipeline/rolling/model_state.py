"""One model's spec, status, commands and champion, from a snapshot; or why they are refused.

Files come from anybody's pull request: names, links, sizes and contents are checked before
anything is believed. What is refused is refused whole, so nothing of it is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from pipeline.champion import Champion, parse_pointer
from pipeline.config import Identifier, Section, parse_section
from pipeline.core.inert import quote
from pipeline.core.rollout.succession import spec_in_force
from pipeline.errors import ConfigurationError
from pipeline.manifest import RolloutSpec, parse_rollout
from pipeline.rolling.history import ModelHistory
from pipeline.rolling.snapshot import Entry, ModelTree, Snapshot
from pipeline.rollout_commands import MAX_COMMANDS, Command, parse_command
from pipeline.rollout_status import MAX_RECORDS, Record, RolloutStatus, check_record, parse_record

T = TypeVar("T")
CHAMPION, SPEC, STATUS, COMMANDS = "champion.yaml", "rollout.yaml", "status/", "commands/"


@dataclass(frozen=True)
class ModelState:
    """What git says of one model at the commit of `snapshot`.

    `spec` is the manifest to go by: the one that is there, or that of what bakes while the one that
    is there is `waiting`. `last_spec` is the newest that ever was, for the names of what is to be
    taken down once the manifest is gone.
    """

    snapshot: Snapshot
    tree: ModelTree
    champion: Champion | None
    spec: RolloutSpec | None
    last_spec: RolloutSpec | None
    status: RolloutStatus
    commands: frozenset[Command]
    waiting: RolloutSpec | None = None

    @property
    def model(self) -> str:
        """The model's name."""
        return self.tree.name


class _Named(Section):
    model: Identifier


def load_model(snapshot: Snapshot, tree: ModelTree) -> ModelState:
    """Everything of one model. Raises ConfigurationError naming every fault at once."""
    where = f"rollouts/{tree.name if tree.name.isprintable() else quote(tree.name)}"
    parse_section(_Named, {"model": tree.name}, where)
    faults: list[str] = []

    def tried(load: Callable[[], T], otherwise: T) -> T:
        try:
            return load()
        except ConfigurationError as error:
            faults.extend(f"{error.where.removeprefix(where + '/')}: {f}" for f in error.faults)
            return otherwise

    snapshot.read_ahead(tree)
    files = _Files(snapshot, tree, where)
    champion = tried(lambda: _champion(files, tree.name), None)
    spec = tried(lambda: _spec(files, tree.name), None)
    status = tried(lambda: _status(files, tree.name), RolloutStatus(tree.name))
    commands: frozenset[Command] = tried(lambda: _commands(files), frozenset[Command]())
    if faults:
        raise ConfigurationError(where, faults)
    goes_by = spec_in_force(spec, status, lambda digest: _newest_spec_of(snapshot, tree, digest))
    waiting = None if goes_by is spec else spec
    last = goes_by or _last_spec(snapshot, tree)
    return ModelState(snapshot, tree, champion, goes_by, last, status, commands, waiting)


class _Files:
    """The texts of one model's folder. Raises ConfigurationError for what is no plain file."""

    def __init__(self, snapshot: Snapshot, tree: ModelTree, where: str) -> None:
        self.tree = tree
        self._snapshot = snapshot
        self._where = where

    def text(self, name: str) -> str | None:
        entry = self.tree.entries.get(name)
        if entry is None:
            if self.tree.below(f"{name}/"):
                raise ConfigurationError(self.place(name), ["found a folder, expected a file"])
            return None
        return self._texts({name: entry})[name]

    def texts(self, folder: str, most: int) -> dict[str, str]:
        """Name -> text of every file in `folder`."""
        entries = self.tree.below(folder)
        if len(entries) > most:
            raise ConfigurationError(self.place(folder), [f"more than {most:,} files"])
        return self._texts(entries, folder)

    def reverted(self, folder: str) -> Iterator[tuple[str, str]]:
        """Name and text of what a commit added to `folder` and is not there any more."""
        ever = self.tree.history.ever(folder)
        gone = {path: blob for path, blob in ever.items() if path not in self.tree.entries}
        contents = self._snapshot.read(gone.values())
        for path, blob in sorted(gone.items()):
            content = contents[blob]
            if content is not None:
                yield path.removeprefix(folder), content.decode("utf-8", "replace")

    def place(self, name: str) -> str:
        shown = name if name.isprintable() and len(name) < 200 else quote(name)
        return f"{self._where}/{shown}"

    def _texts(self, entries: dict[str, Entry], folder: str = "") -> dict[str, str]:
        contents = self._snapshot.read(e.blob for e in entries.values() if e.is_file)
        found = {}
        for name, entry in sorted(entries.items()):
            where = self.place(folder + name)
            if not entry.is_file:
                raise ConfigurationError(where, ["found a link, expected a file of its own"])
            content = contents[entry.blob]
            if content is None:
                raise ConfigurationError(where, [f"too large: {entry.size:,} bytes"])
            try:
                found[name] = content.decode("utf-8")
            except UnicodeDecodeError as error:
                raise ConfigurationError(where, [f"not UTF-8 text: {error}"]) from error
        return found


def _champion(files: _Files, model: str) -> Champion | None:
    text = files.text(CHAMPION)
    champion = None if text is None else parse_pointer(text, files.place(CHAMPION))
    if champion is not None:
        _check_model(files.place(CHAMPION), champion.model, model)
    return champion


def _spec(files: _Files, model: str) -> RolloutSpec | None:
    text = files.text(SPEC)
    if text is None:
        return None
    spec = _parsed_spec(text, files.place(SPEC))
    _check_model(files.place(SPEC), spec.model, model)
    return spec


@lru_cache(maxsize=1_000)
def _parsed_spec(text: str, where: str) -> RolloutSpec:
    return parse_rollout(text, where)


def _last_spec(snapshot: Snapshot, tree: ModelTree) -> RolloutSpec | None:
    blob = tree.history.ever(SPEC).get(SPEC)
    return _readable_spec(snapshot.read([blob])[blob] if blob else None)


def _newest_spec_of(snapshot: Snapshot, tree: ModelTree, challenger: str) -> RolloutSpec | None:
    """The newest manifest of a model that can be read; what was broken never counted."""
    blobs = [blob for touch in tree.history.touches if (blob := touch.blobs.get(SPEC))]
    contents = snapshot.read(blobs)
    found = (_readable_spec(contents[blob]) for blob in blobs)
    return next((s for s in found if s is not None and s.challenger.digest == challenger), None)


def _readable_spec(content: bytes | None) -> RolloutSpec | None:
    try:
        return _parsed_spec(content.decode("utf-8", "replace"), SPEC) if content else None
    except ConfigurationError:
        return None


def _check_model(where: str, found: str, expected: str) -> None:
    if found != expected:
        fault = f"model: found {found!r}, expected {expected!r}, as its folder is named"
        raise ConfigurationError(where, [fault])


def _status(files: _Files, model: str) -> RolloutStatus:
    found = files.texts(STATUS, MAX_RECORDS).items()
    records = [_record(text, name, model, files.place(STATUS + name)) for name, text in found]
    reverted = tuple(_reverted_records(files, model))
    return RolloutStatus(
        model,
        tuple(sorted(records, key=lambda record: record.sequence)),
        reverted,
        frozenset(_reverted_again(files.tree.history, records, reverted)),
    )


def _reverted_again(
    history: ModelHistory, records: Iterable[Record], reverted: Iterable[Record]
) -> Iterator[int]:
    """The sequences of `reverted` that went after each of `records` that answers them."""
    for gone in reverted:
        answers = [f"{STATUS}{r.name}" for r in records if gone.sequence in r.answers]
        if answers and history.has_gone_since(f"{STATUS}{gone.name}", answers):
            yield gone.sequence


@lru_cache(maxsize=20_000)
def _record(text: str, name: str, model: str, where: str) -> Record:
    """Kept, since a record never changes and every look at a model needs all of them."""
    return check_record(parse_record(text, where), name, model, where)


def _reverted_records(files: _Files, model: str) -> Iterator[Record]:
    """What never was a record was never acted on either, so it is left out."""
    for name, text in files.reverted(STATUS):
        try:
            yield _record(text, name, model, name)
        except ConfigurationError:
            continue


def _commands(files: _Files) -> frozenset[Command]:
    found = []
    for name, text in files.texts(COMMANDS, MAX_COMMANDS).items():
        where = files.place(f"{COMMANDS}{name}")
        command = parse_command(text, where)
        if command.name != name:
            fault = f"found {quote(command.name)} in it: the name must agree"
            raise ConfigurationError(where, [fault])
        found.append(command)
    return frozenset(found)
