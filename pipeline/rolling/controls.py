"""What a person tells a rollout, as the files of one commit: see pipeline/rollout_commands.py."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.inert import printable
from pipeline.core.rollout.state import Rollout, current_rollout
from pipeline.errors import GateRefused
from pipeline.rolling.model_state import COMMANDS, ModelState
from pipeline.rolling.snapshot import FOLDER
from pipeline.rollout_commands import Command, Verb, render_command
from pipeline.rollout_status import PauseCause, Phase

MAX_REASON = 500


@dataclass(frozen=True)
class Control:
    """`files` by their paths in the repository; None takes one away. None at all: said already."""

    subject: str
    files: dict[str, bytes | None]

    def message(self, by: str, reason: str) -> str:
        """The commit's message; who and why are anybody's words, on one line each."""
        why = printable(reason, MAX_REASON) or "no reason given"
        return f"{self.subject}\n\n{why}\n\nSaid by {printable(by, 100) or 'somebody'}.\n"


def plan_control(verb: Verb, state: ModelState) -> Control:
    """What `verb` means for the model as it is. Raises GateRefused where it means nothing.

    `resume` and `retry` take back what stands against them: a pause, an abort.
    """
    if state.champion is None and state.spec is None and not state.status.ever:
        raise GateRefused(f"{state.model}: no model serves yet, so there is nothing to {verb}.")
    given = {
        Verb.PAUSE: _pause,
        Verb.RESUME: _resume,
        Verb.PROMOTE: _promote,
        Verb.ABORT: _abort,
        Verb.RETRY: _retry,
    }[verb](state)
    files = {name: blob for name, blob in given.items() if _is_change(state, name, blob)}
    version = _version(state)
    return Control(
        f"{state.model}: {verb} {version}",
        {f"{FOLDER}/{state.model}/{COMMANDS}{name}": blob for name, blob in files.items()},
    )


Given = dict[str, bytes | None]


def _pause(state: ModelState) -> Given:
    rollout = _running(state, "pause")
    if rollout.state.phase.is_promoted:
        raise GateRefused(f"{state.model}: it serves everyone already. `abort` takes it back.")
    return _give(Command(Verb.PAUSE, rollout.state.version))


def _resume(state: ModelState) -> Given:
    rollout = _running(state, "resume")
    record = rollout.state
    taken = _take(Command(Verb.PAUSE, record.version))
    if record.phase is not Phase.PAUSED:
        if Command(Verb.PAUSE, record.version) not in state.commands:
            raise GateRefused(f"{state.model}: nothing is paused.")
        return taken
    if record.pause is PauseCause.COMMAND:
        return taken
    return {**taken, **_give(Command(Verb.RESUME, record.version, record.pause_sequence))}


def _promote(state: ModelState) -> Given:
    rollout = _running(state, "promote")
    if rollout.entered is None or rollout.state.phase.is_promoted:
        raise GateRefused(f"{state.model}: there is no stage to end: {rollout.state.phase}.")
    return _give(Command(Verb.PROMOTE, rollout.state.version, rollout.entered.sequence))


def _abort(state: ModelState) -> Given:
    rollout = current_rollout(state.status)
    if rollout is not None and rollout.state.phase.is_ended and not _is_waiting(state):
        raise GateRefused(f"{state.model}: it ended already: {rollout.state.phase}.")
    return _give(Command(Verb.ABORT, _version(state)))


def _retry(state: ModelState) -> Given:
    spec = state.spec
    if spec is None:
        raise GateRefused(f"{state.model}: there is no manifest to try again: merge it first.")
    stops = len(state.status.endings_of(spec.challenger.digest))
    if not stops:
        raise GateRefused(f"{state.model}: {spec.version} was never stopped.")
    against = [Command(Verb.ABORT, spec.version), Command(Verb.PAUSE, spec.version)]
    taken = {name: blob for command in against for name, blob in _take(command).items()}
    return {**taken, **_give(Command(Verb.RETRY, spec.version, stops))}


def _running(state: ModelState, verb: str) -> Rollout:
    rollout = current_rollout(state.status)
    if rollout is None or rollout.state.phase.is_ended:
        what = rollout.state.phase if rollout else "it never began"
        raise GateRefused(f"{state.model}: no rollout to {verb}: {what}.")
    return rollout


def _is_waiting(state: ModelState) -> bool:
    """Whether a manifest is there that was not acted on yet."""
    return state.spec is not None and not state.status.has_acted_on(state.spec.digest)


def _version(state: ModelState) -> str:
    """The version that is spoken of: the manifest's, else that of the newest rollout."""
    rollout = current_rollout(state.status)
    if state.spec is not None and (rollout is None or _is_waiting(state)):
        return state.spec.version
    if rollout is None:
        raise GateRefused(f"{state.model}: there is no rollout.")
    return rollout.state.version


def _give(command: Command) -> Given:
    return {command.name: render_command(command).encode()}


def _take(command: Command) -> Given:
    return {command.name: None}


def _is_change(state: ModelState, name: str, blob: bytes | None) -> bool:
    is_there = f"{COMMANDS}{name}" in state.tree.entries
    return is_there == (blob is None)
