"""What git says of each model, or said before its newest files were refused or could not be read.

A bad edit on main must not blind who watches: a challenger that fails keeps its traffic then. What
was there before says who runs, what it must show and where to go back to. It is enough to take
traffic away and to nothing more, since nobody knows what the newest files were to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.errors import ConfigurationError, OutsideError, PipelineError
from pipeline.rolling.model_state import ModelState, load_model
from pipeline.rolling.snapshot import ModelTree, Snapshot

MOST_TRIED = 100  # a folder that never was a model's is no reason to read all of a long history


@dataclass(frozen=True)
class Reading:
    """A model as it is to be watched; None where nothing of it loads.

    `refusal` says in one line for people why an earlier `state` counts, and is empty where the
    newest does. `error` is git's own, where that is why: the next reading may be better.
    """

    state: ModelState | None
    refusal: str = ""
    error: OutsideError | None = None

    @property
    def is_earlier(self) -> bool:
        """Whether `state` is not what the newest files say."""
        return bool(self.refusal)


@dataclass
class Readings:
    """The newest reading of each model. A commit is read once."""

    _known: dict[str, tuple[str | None, Reading]] = field(default_factory=dict)

    def of(self, snapshot: Snapshot, tree: ModelTree) -> Reading:
        """What the newest files say; else what was known before them, or what git's history has."""
        commit, known = self._known.get(tree.name, (None, Reading(None)))
        if commit == tree.commit and known.error is None:
            return known
        try:
            found = Reading(load_model(snapshot, tree))
        except ConfigurationError as error:
            state = load_earlier(snapshot, tree) or known.state
            found = Reading(state, told_refusal(tree, state, error))
        except OutsideError as error:  # git may fail on what is earlier just as well
            state = known.state or load_earlier(snapshot, tree)
            found = Reading(state, told_refusal(tree, state, error), error)
        self._known[tree.name] = tree.commit, found
        return found


def load_earlier(snapshot: Snapshot, tree: ModelTree) -> ModelState | None:
    """The newest version of a model before the one in `tree` that loads; None without one.

    All of its files are of one commit, so they agree with each other.
    """
    for touch in tree.history.touches[1 : MOST_TRIED + 1]:
        before = Snapshot(snapshot.git, touch.commit)
        try:
            return load_model(before, before.models[tree.name])
        except (ConfigurationError, OutsideError):
            continue
    return None


def told_refusal(tree: ModelTree, earlier: ModelState | None, error: PipelineError) -> str:
    """One line for people: which files count in place of the newest, and why."""
    where = f"{tree.name}: REFUSED as it is in {tree.commit[:12]}"
    if earlier is None:
        return f"{where}, and nothing earlier loads, so nobody watches it. {error}"
    return (
        f"{where}, so what was there before counts, in {earlier.tree.commit[:12]}: that is watched "
        f"and can be rolled back, and gets no more traffic until main is mended. {error}"
    )
