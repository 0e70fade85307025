"""Everything that git's history ever had of one model's serving, read from its objects.

Nothing of the checkout is read, and no server is asked. A file that never was valid was never
acted on, so it is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pipeline.adapters.git.plumbing import Git
from pipeline.champion import Champion, parse_champion
from pipeline.core.trace.serving import Made, Manifest, Pointer
from pipeline.errors import ConfigurationError
from pipeline.experiment import Experiment, parse_experiment
from pipeline.manifest import RolloutSpec, parse_rollout
from pipeline.rolling.history import ModelHistory, Touch
from pipeline.rolling.known import require_known
from pipeline.rolling.model_state import CHAMPION, SPEC, STATUS
from pipeline.rolling.snapshot import FOLDER, Snapshot
from pipeline.rollout_status import Record, parse_record

T = TypeVar("T")
EXPERIMENTS = "experiments/"
_FIELDS = ("%H", "%ct", "%an", "%P", "%s")


@dataclass(frozen=True)
class Kept:
    """A status record as the commit `commit` first had it; `blobs` are all that its file had."""

    record: Record
    commit: str
    blobs: tuple[str, ...]


class Past:
    """What the commits up to `ref` say of `model`. Raises OutsideError where git fails."""

    def __init__(self, root: Path, model: str, ref: str = "HEAD") -> None:
        self.root = root
        self.model = model
        self.git = Git(root, "the history of rollouts/")
        self.ref = self.git.require_commit(ref)
        self._snapshot = Snapshot(self.git, self.ref)

    def require_model(self) -> None:
        """Raises ConfigurationError where no commit has a file of the model."""
        require_known(self._snapshot.models, (self.model,))

    @property
    def folder(self) -> str:
        """Where the model's files are."""
        return f"{FOLDER}/{self.model}"

    @cached_property
    def records(self) -> tuple[Kept, ...]:
        """Every record that ever was, reverted or not, by its sequence."""
        kept = []
        for path, touches in self._by_path(STATUS).items():
            blobs = tuple(dict.fromkeys(filter(None, (touch.blobs[path] for touch in touches))))
            record = self._parsed(parse_record, blobs[0], path) if blobs else None
            if record is not None:
                kept.append(Kept(record, touches[0].commit, blobs))
        return tuple(sorted(kept, key=lambda one: one.record.sequence))

    @cached_property
    def manifests(self) -> tuple[Manifest, ...]:
        """Every rollout.yaml that a commit brought, newest first."""
        found: Iterable[tuple[RolloutSpec, str]] = self._versions(SPEC, parse_rollout)
        return tuple(Manifest(spec, self.made(commit)) for spec, commit in found)

    @cached_property
    def pointers(self) -> tuple[Pointer, ...]:
        """Every champion.yaml that a commit brought, newest first."""
        found: Iterable[tuple[Champion, str]] = self._versions(CHAMPION, parse_champion)
        return tuple(Pointer(champion, self.made(commit)) for champion, commit in found)

    def pointer_at(self, at: datetime) -> Pointer | None:
        """What champion.yaml said in the newest commit by `at`; None where it named nobody."""
        for touch in self._history.touches:
            if CHAMPION in touch.blobs and touch.at <= at:
                blob = touch.blobs[CHAMPION]
                found = self._parsed(parse_champion, blob, CHAMPION) if blob else None
                return None if found is None else Pointer(found, self.made(touch.commit))
        return None

    @cached_property
    def tests(self) -> tuple[tuple[tuple[Experiment, str], ...], ...]:
        """Every A/B test that ever was: its versions with their commits, newest first."""
        paths = self._by_path(EXPERIMENTS)
        tests = (tuple(self._versions(path, parse_experiment)) for path in sorted(paths))
        return tuple(versions for versions in tests if versions)

    def made(self, commit: str) -> Made:
        """A commit's people and parents."""
        if commit in self._commits:
            return self._commits[commit]
        shown = self.git.run("show", "--no-patch", f"--format={'%x00'.join(_FIELDS)}", commit)
        return _made(shown.stdout.rstrip("\n").split("\0"))

    def champion_in(self, commit: str) -> Champion | None:
        """champion.yaml as a commit has it."""
        content = self.git.file_at(commit, f"{self.folder}/{CHAMPION}")
        try:
            return parse_champion((content or b"").decode("utf-8", "replace"), CHAMPION)
        except ConfigurationError:
            return None

    @cached_property
    def _history(self) -> ModelHistory:
        tree = self._snapshot.models.get(self.model)
        return tree.history if tree else ModelHistory()

    @cached_property
    def _commits(self) -> dict[str, Made]:
        asked = ("log", "-z", "--first-parent", "-m", f"--format={'%x00'.join(_FIELDS)}", self.ref)
        cells = self.git.run(*asked, "--", f"{self.folder}/").stdout.split("\0")
        width = len(_FIELDS)
        rows = (cells[i : i + width] for i in range(0, len(cells) - width + 1, width))
        return {row[0]: _made(row) for row in rows}

    @cached_property
    def _texts(self) -> dict[str, bytes | None]:
        blobs = (
            blob
            for touch in self._history.touches
            for path, blob in touch.blobs.items()
            if blob is not None and path.endswith(".yaml")
        )
        return self._snapshot.read(blobs)

    def _by_path(self, folder: str) -> dict[str, list[Touch]]:
        """The commits that changed each YAML file below `folder`, oldest first."""
        found: dict[str, list[Touch]] = {}
        for touch in reversed(self._history.touches):
            for path in touch.blobs:
                if path.startswith(folder) and path.endswith(".yaml"):
                    found.setdefault(path, []).append(touch)
        return found

    def _versions(self, path: str, parse: Callable[[str, str], T]) -> Iterator[tuple[T, str]]:
        """Every valid content of a file with the commit that brought it, newest first."""
        for touch in self._history.touches:
            blob = touch.blobs.get(path)
            value = self._parsed(parse, blob, path) if blob is not None else None
            if value is not None:
                yield value, touch.commit

    def _parsed(self, parse: Callable[[str, str], T], blob: str, path: str) -> T | None:
        content = self._texts.get(blob)
        try:
            return None if content is None else parse(content.decode("utf-8", "replace"), path)
        except ConfigurationError:
            return None


def _made(cells: Sequence[str]) -> Made:
    commit, seconds, author, parents, subject = cells
    at = datetime.fromtimestamp(int(seconds), UTC)
    return Made(commit, at, author, subject, tuple(parents.split()))
