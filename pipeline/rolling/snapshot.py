"""The rollouts of all models at one commit, and what git's history tells of them.

Everything is read from git's objects, never from a checkout: a link, a file half written or a
commit that came later cannot be seen. One walk over the history of rollouts/ answers for all
models; the files of a model are read only once somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from pipeline.adapters.git.objects import read_objects
from pipeline.adapters.git.plumbing import Git
from pipeline.manifest import MAX_MANIFEST_BYTES
from pipeline.rolling.history import ModelHistory, Walk, read_history, walk_to

FOLDER = "rollouts"
# Blobs never change, and most are the same at each look: the watchdog looks every few seconds.
_READ: dict[str, bytes] = {}
MAX_READ = 5_000
MAX_READ_BYTES = 20_000  # of one that is kept: twenty records' worth
_FILES = {"100644", "100755"}  # git's modes: anything else is a link or a submodule


@dataclass(frozen=True)
class Entry:
    """One file of a commit. `size` is in bytes; a link or a submodule is no `is_file`."""

    blob: str
    size: int
    is_file: bool


@dataclass(frozen=True)
class ModelTree:
    """The folder of one model: its files by path below it, and its history."""

    name: str
    entries: Mapping[str, Entry]
    history: ModelHistory

    @property
    def commit(self) -> str:
        """The commit that changed it last; "" for a folder that never was."""
        return self.history.newest.commit if self.history.newest else ""

    def below(self, folder: str) -> dict[str, Entry]:
        """The files below `folder` (which ends with a slash), by what is left of their path."""
        found = self.entries.items()
        return {p.removeprefix(folder): entry for p, entry in found if p.startswith(folder)}


@dataclass(frozen=True)
class Snapshot:
    """rollouts/ as it is in `commit`. `known` is a walk to an earlier one, to go on from."""

    git: Git = field(repr=False)
    commit: str
    known: Walk | None = field(default=None, repr=False, compare=False)

    @cached_property
    def models(self) -> dict[str, ModelTree]:
        """Every folder below rollouts/, by its name, whatever is in it. Raises OutsideError."""
        entries = self._entries
        history = read_history(self.git, self._walk)
        names = sorted({*entries, *history})
        nothing = ModelHistory()
        return {n: ModelTree(n, entries.get(n, {}), history.get(n, nothing)) for n in names}

    def at_newer(self, commit: str) -> Snapshot:
        """The same of another commit; what this one knows of the history is not read again."""
        return Snapshot(self.git, commit, self.__dict__.get("_walk", self.known))

    @cached_property
    def _walk(self) -> Walk:
        return walk_to(self.git, self.commit, self.known)

    def read(self, blobs: Iterable[str]) -> dict[str, bytes | None]:
        """The content of each blob; None for one that is larger than any file of a rollout."""
        wanted = list(dict.fromkeys(blobs))
        found = {blob: _READ[blob] for blob in wanted if blob in _READ}
        new = [blob for blob in wanted if blob not in found]
        for blob, file in read_objects(self.git, new, MAX_MANIFEST_BYTES).items():
            if file.content is not None:
                found[blob] = file.content
                _keep(blob, file.content)
        return {blob: found.get(blob) for blob in wanted}

    def read_ahead(self, tree: ModelTree) -> None:
        """Read a model's files at once: each by itself would take two processes."""
        self.read(e.blob for e in islice(tree.entries.values(), MAX_READ) if e.is_file)

    def at(self, commit: str, path: str) -> bytes | None:
        """A file of another commit, None where it has none."""
        return self.git.file_at(commit, path)

    @cached_property
    def _entries(self) -> dict[str, dict[str, Entry]]:
        listed = self.git.run("ls-tree", "-r", "-l", "-z", self.commit, "--", f"{FOLDER}/").stdout
        found: dict[str, dict[str, Entry]] = {}
        for line in filter(None, listed.split("\0")):
            about, path = line.split("\t", 1)
            mode, _, blob, size = about.split()
            _, _, rest = path.partition("/")
            model, slash, name = rest.partition("/")
            if slash:
                length = int(size) if size.isdecimal() else 0
                found.setdefault(model, {})[name] = Entry(blob, length, mode in _FILES)
        return found


def _keep(blob: str, content: bytes) -> None:
    if len(_READ) >= MAX_READ:
        _READ.clear()
    if len(content) <= MAX_READ_BYTES:
        _READ[blob] = content


def tree_of_model(git: Git, commit: str, model: str) -> str | None:
    """Git's id of everything below rollouts/<model>/ in `commit`; None where nothing is."""
    asked = ("rev-parse", "--verify", "--quiet", f"{commit}:{FOLDER}/{model}")
    return git.run(*asked, may_fail=True).stdout.strip() or None
