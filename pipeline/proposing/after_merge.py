"""A merged retrain as git, the ledger and the warehouse tell of it now."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from pipeline.adapters.git.plumbing import Git
from pipeline.champion import champion_path, parse_pointer
from pipeline.config import load_gates
from pipeline.core.inert import quote
from pipeline.core.outcome.promises import (
    Measured,
    OutcomeFacts,
    Promise,
    Served,
    Transition,
    events_since,
    promises_of,
)
from pipeline.core.triggers.labelled import LabelledWindow
from pipeline.core.triggers.ledger import Ledger
from pipeline.errors import OutsideError
from pipeline.manifest import parse_rollout, rollout_path
from pipeline.monitoring.since_served import measure_since
from pipeline.proposing.champion_history import champion_history
from pipeline.rollout_status import load_status

COMPARISON = Path("artifacts/compare/comparison.json")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Merge:
    """One merge commit of a retrain's pull request. The clone must reach back to it."""

    def __init__(self, root: Path, commit: str) -> None:
        """Looks at nothing yet. Raises OutsideError for what is no commit's full id."""
        if _COMMIT.fullmatch(commit) is None:
            raise OutsideError(f"forge: merge commit {quote(commit)}, expected a commit's full id")
        self.root = root
        self.commit = commit
        self._git = Git(root, f"merge {commit[:12]}")

    def at(self) -> datetime:
        """When it was committed. Raises OutsideError where the clone does not have it."""
        seconds = self._git.run("show", "--no-patch", "--format=%ct", self.commit).stdout
        return datetime.fromtimestamp(int(seconds), UTC)

    def text(self, path: Path) -> str | None:
        """A file as it was merged; None where it was not there."""
        shown = self._git.run("show", f"{self.commit}:{path.as_posix()}", may_fail=True)
        return shown.stdout if shown.exit_code == 0 else None

    def challenger(self, model: str) -> str | None:
        """The digest that was merged: the manifest's, else that of the champion pointer.

        Raises ConfigurationError for a file that is not valid.
        """
        manifest = self.text(rollout_path(Path(), model))
        if manifest is not None:
            return parse_rollout(manifest, f"rollout.yaml at {self.commit[:12]}").challenger.digest
        pointer = self.text(champion_path(Path(), model))
        champion = parse_pointer(pointer or "", f"champion.yaml at {self.commit[:12]}")
        return champion.digest if champion else None

    def promises(self) -> tuple[Promise, ...]:
        """What the merged comparison promised; nothing where there is none that can be read."""
        try:
            return promises_of(json.loads(self.text(COMPARISON) or "{}"))
        except (KeyError, TypeError, ValueError):
            return ()


def load_outcome(
    merge: Merge, model: str, ledger: Ledger, at: datetime, *, with_production: bool = True
) -> OutcomeFacts | None:
    """What became of it at `at`; None where the merge names no model version.

    Raises ConfigurationError and OutsideError from the files, git and the warehouse.
    """
    digest = merge.challenger(model)
    if digest is None:
        return None
    served = _served(merge.root, model, digest)
    found = _measure(merge.root, digest, served, at) if with_production else "it was not looked at"
    return OutcomeFacts(
        model=model,
        challenger=digest,
        promises=merge.promises(),
        min_rows=load_gates(merge.root).comparison.min_rows,
        transitions=_transitions(merge.root, model, digest),
        served=served,
        events=events_since([e for e in ledger.events if e.model == model], digest),
        measured=_measured(found) if isinstance(found, LabelledWindow) else None,
        unmeasured=found if isinstance(found, str) else "",
    )


def _served(root: Path, model: str, digest: str) -> Served | None:
    """Its latest time as champion."""
    newer = None
    for reign in champion_history(root, model):
        if reign.digest == digest:
            return Served(reign.since, *((newer.since, newer.digest) if newer else ()))
        newer = reign
    return None


def _transitions(root: Path, model: str, digest: str) -> tuple[Transition, ...]:
    return tuple(
        Transition(record.at, str(record.phase), record.weight_percent, record.reason)
        for record in load_status(root, model).records
        if record.challenger == digest
    )


def _measure(root: Path, digest: str, served: Served | None, at: datetime) -> LabelledWindow | str:
    if served is None:
        return "it has not become the champion"
    return measure_since(root, digest, served.since, served.until, at)


def _measured(found: LabelledWindow) -> Measured:
    window = found.window
    return Measured(
        start=window.start,
        end=window.end,
        rows=found.rows,
        labelled=found.labelled,
        positives=found.positives or 0,
        metrics=found.metrics,
    )
