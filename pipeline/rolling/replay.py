"""Every transition of a model decided again, from what its commit says was seen.

A record carries its samples, and its gates say what servers and traffic answered. From these, the
files of the commit before it and the time that it names, the same core must make the same record,
byte for byte. What only a traffic layer or a server could know where no metric was looked at (a
latch, a server that did not start) is taken from the record's own words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipeline.core.rollout.observation import Health, Observation, Role, Routing, Stop
from pipeline.core.rollout.reconcile import reconcile
from pipeline.core.rollout.reverts import LATCHED
from pipeline.domain import Verdict
from pipeline.errors import ConfigurationError
from pipeline.rolling.history import ModelHistory
from pipeline.rolling.measure import version_in
from pipeline.rolling.model_state import CHAMPION, COMMANDS, SPEC, STATUS, ModelState, load_model
from pipeline.rolling.observe import asked_metrics
from pipeline.rolling.recorded import recorded_routing
from pipeline.rolling.snapshot import Entry, ModelTree, Snapshot
from pipeline.rollout_status import GateEvidence, Kind, Record, Sample, parse_record, render_record

_OTHER = "another model than the champion"  # no digest, so it agrees with none
_ANSWERS = {Verdict.PASS: True, Verdict.FAIL: False, Verdict.ERROR: None}


@dataclass(frozen=True)
class Replayed:
    """One transition decided again. `difference` is empty where both agree."""

    commit: str
    name: str
    verdict: Verdict | None
    difference: str = ""


def replay(snapshot: Snapshot, tree: ModelTree) -> Iterator[Replayed]:
    """Every transition of a model, oldest first. Raises OutsideError where git fails."""
    touches = list(reversed(tree.history.touches))
    files: dict[str, str] = {}
    for number, touch in enumerate(touches):
        before = dict(files)
        for path, blob in touch.blobs.items():
            if blob is None:
                files.pop(path, None)
            else:
                files[path] = blob
        history = ModelHistory(tuple(reversed(touches[:number])))
        known = history.ever(STATUS)
        added = [p for p, b in touch.blobs.items() if b and p.startswith(STATUS) and p not in known]
        entries = {p: Entry(b, 0, is_file=True) for p, b in before.items() if _decides(p)}
        for path in added:
            tree_before = ModelTree(tree.name, entries, history)
            yield _again(snapshot, tree_before, touch.commit, path, files[path])


def _again(snapshot: Snapshot, before: ModelTree, commit: str, path: str, blob: str) -> Replayed:
    name = path.removeprefix(STATUS)
    text = (snapshot.read([blob])[blob] or b"").decode("utf-8", "replace")
    try:
        record = parse_record(text, path)
    except ConfigurationError as error:
        return Replayed(commit, name, None, f"it is no record: {error.faults[0]}")
    try:
        state = load_model(snapshot, before)
    except ConfigurationError as error:
        return Replayed(commit, name, record.verdict, f"nothing could be decided: {error}")
    step = reconcile(state.spec, state.status, seen_by(record, state), record.at)
    return Replayed(commit, name, record.verdict, _difference(record, text, step.record))


def seen_by(record: Record, state: ModelState) -> Observation:
    """What the reconcile that wrote `record` had seen, as far as it mattered."""
    gates = {gate.name: gate for gate in record.gates}
    expected = recorded_routing(state)
    return Observation(
        champion=state.champion.digest if state.champion else "",
        routing=_routing(gates.get("traffic"), expected),
        samples=record.samples if record.verdict is not None else _quiet(record, state),
        champion_health=_health(gates.get("champion"), record, "champion"),
        challenger_health=_health(gates.get("challenger"), record, "challenger"),
        stop=_stop(record),
        commands=state.commands,
    )


def _quiet(record: Record, state: ModelState) -> tuple[Sample, ...]:
    """No request anywhere: what a record without a look says nothing of must not have decided."""
    spec = state.spec
    roles: tuple[Role, ...] = ("challenger", "champion")
    return tuple(
        Sample(
            metric=metric,
            role=role,
            version=version_in(spec, role),
            n=0.0,
            window=spec.plan.metrics.queries[metric].window,
            sampled_at=record.at,
        )
        for metric in (asked_metrics(spec, state.status) if spec else ())
        for role in roles
        if spec is not None
    )


def _routing(gate: GateEvidence | None, expected: Routing) -> Routing | None:
    if gate is None or gate.verdict is Verdict.PASS:
        return expected
    if gate.verdict is Verdict.ERROR:
        return None
    told = gate.reason.rpartition(" gets ")[2].removesuffix(" %")
    found = Routing(expected.champion, expected.challenger, float(told))
    # Where the share was right, the rest went to another than the champion: who, nobody wrote down.
    return replace(found, champion=_OTHER) if found.agrees_with(expected) else found


def _health(gate: GateEvidence | None, record: Record, role: str) -> Health:
    if gate is not None:
        return Health(_ANSWERS[gate.verdict], gate.reason.partition(": ")[2])
    _, found, reason = record.reason.partition(f"the {role} does not answer (")
    return Health(None, reason.rpartition(")")[0]) if found else Health(True)


def _stop(record: Record) -> Stop | None:
    if record.kind is not Kind.ENDED or not record.reason.startswith(LATCHED):
        return None
    reason = record.reason.removeprefix(LATCHED)
    return Stop(record.version, record.attempt, reason, record.at)


def _decides(path: str) -> bool:
    return path in (CHAMPION, SPEC) or path.startswith((STATUS, COMMANDS))


def _difference(record: Record, text: str, again: Record | None) -> str:
    if again is None:
        return "nothing was due"
    if render_record(again) == text:
        return ""
    mine, theirs = again.model_dump(mode="json"), record.model_dump(mode="json")
    names = [name for name in mine if mine[name] != theirs[name]]
    shown = "; ".join(f"{n}: {str(theirs[n])[:120]} against {str(mine[n])[:120]}" for n in names)
    return shown or "it is written otherwise"
