"""One model's history, from what its commits changed and the contents of those files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.adapters.git.objects import Blob, CommitFacts
from pipeline.champion import Champion
from pipeline.core.inert import quote
from pipeline.core.site.facts import Ask, Merged, ModelHistory, Reign, Written
from pipeline.errors import ConfigurationError
from pipeline.manifest import RolloutSpec, parse_rollout
from pipeline.rolling.history import Touch
from pipeline.rolling.model_state import CHAMPION, COMMANDS, SPEC, STATUS
from pipeline.rolling.snapshot import ModelTree
from pipeline.rollout_status import Kind, Record
from pipeline.site.documents import read_champion, read_record

_NOBODY = CommitFacts("", "", ())
_MOVES_CHAMPION = (Kind.PROMOTED, Kind.ENDED)


class ModelReader:
    """Reads once; a file that is broken is a fault where it is there now, and is left out."""

    def __init__(
        self, tree: ModelTree, blobs: Mapping[str, Blob], commits: Mapping[str, CommitFacts]
    ) -> None:
        self._tree = tree
        self._touches = tuple(reversed(tree.history.touches))  # oldest first
        self._blobs = blobs
        self._commits = commits
        self._faults: list[str] = []

    def history(self) -> ModelHistory:
        """Everything but the ledger, the pacing and the evidence."""
        written = tuple(self._written())
        return ModelHistory(
            model=self._tree.name,
            reigns=tuple(self._reigns({found.commit: found.record for found in written})),
            merged=tuple(self._merged()),
            written=tuple(sorted(written, key=lambda found: found.record.sequence)),
            asked=tuple(_asks(self._touches)),
            faults=tuple(dict.fromkeys(self._faults)),
        )

    def _written(self) -> Iterator[Written]:
        """Each record, with the commit that first added it."""
        seen: set[str] = set()
        for touch in self._touches:
            for path, blob in touch.blobs.items():
                if blob is None or not path.startswith(STATUS) or path in seen:
                    continue
                seen.add(path)
                record = self._record(path, blob)
                if record is not None:
                    is_gone = path not in self._tree.entries
                    yield Written(record, touch.commit, touch.at, is_gone)

    def _record(self, path: str, blob: str) -> Record | None:
        try:
            name = path.removeprefix(STATUS)
            return read_record(self._text(path, blob), name, self._tree.name)
        except ConfigurationError as error:
            self._fault(path, blob, error)
            return None

    def _reigns(self, records: Mapping[str, Record]) -> Iterator[Reign]:
        """One for each change of who serves; rewriting the same champion is none."""
        serving: Champion | None = None
        for touch in self._touches:
            if CHAMPION not in touch.blobs:
                continue
            champion = self._champion(touch.blobs[CHAMPION])
            if (champion and champion.digest) == (serving and serving.digest):
                continue
            serving = champion
            record = records.get(touch.commit)
            is_by_hand = record is None or record.kind not in _MOVES_CHAMPION
            since = record.at if record and not is_by_hand else touch.at
            by = self._commits.get(touch.commit, _NOBODY).author
            yield Reign(champion, since, touch.commit, by, is_by_hand)

    def _champion(self, blob: str | None) -> Champion | None:
        if blob is None:
            return None
        try:
            found = read_champion(self._text(CHAMPION, blob))
        except ConfigurationError as error:
            self._fault(CHAMPION, blob, error)
            return None
        if found is not None and found.model != self._tree.name:
            self._faults.append(f"{CHAMPION}: it is of another model, {quote(found.model)}")
            return None
        return found

    def _merged(self) -> Iterator[Merged]:
        """Each manifest that was new when it came: one that is back after a revert is not."""
        seen: set[str] = set()
        for touch in self._touches:
            blob = touch.blobs.get(SPEC)
            if blob is None or blob in seen:
                continue
            seen.add(blob)
            spec = self._spec(blob)
            if spec is not None:
                facts = self._commits.get(touch.commit, _NOBODY)
                who, said = facts.author, facts.subject
                yield Merged(spec, touch.commit, touch.at, who, said, facts.reviewers)

    def _spec(self, blob: str) -> RolloutSpec | None:
        try:
            return parse_rollout(self._text(SPEC, blob), SPEC)
        except ConfigurationError as error:
            self._fault(SPEC, blob, error)
            return None

    def _text(self, path: str, blob: str) -> str:
        found = self._blobs.get(blob)
        if found is None or found.content is None:
            raise ConfigurationError(path, ["expected a small file"])
        return found.content.decode("utf-8", "replace")

    def _fault(self, path: str, blob: str, error: ConfigurationError) -> None:
        """A broken file of the past harms nobody; one that is there now is said."""
        entry = self._tree.entries.get(path)
        if entry is not None and entry.blob == blob:
            self._faults.append(f"{path}: {'; '.join(error.faults[:3])}")


def _asks(touches: tuple[Touch, ...]) -> Iterator[Ask]:
    """The commits that did something else than adding records, as they may ask for a rollback."""
    for touch in touches:
        added = {p for p, blob in touch.blobs.items() if blob and p.startswith(STATUS)}
        if added:
            continue  # the reconciler's own: what it changes beside a record, it decided
        paths = touch.blobs.keys()
        if any(path.startswith(COMMANDS) for path in paths):
            yield Ask(touch.at, is_command=True)
        if any(path in (CHAMPION, SPEC) or path.startswith(STATUS) for path in paths):
            yield Ask(touch.at)
