"""The commit message of a transition: what a person reads in `git log`, with its evidence."""

from __future__ import annotations

import textwrap

from pipeline.core.inert import printable
from pipeline.core.rollout.wording import render_length, render_metric, render_percent
from pipeline.domain import Verdict
from pipeline.manifest import RolloutSpec
from pipeline.rollout_config import PlannedStage
from pipeline.rollout_status import GateEvidence, Kind, Phase, Record

WIDTH = 76
MAX_GATES = 40


def render_message(record: Record, spec: RolloutSpec | None) -> str:
    """Subject, why, the evidence as a small table, what comes next, and two trailers.

    `spec` is the manifest where it is still the one of the record; without it nothing is next.
    Text from outside is shown on one line, and none of it can begin a trailer.
    """
    mine = spec if spec is not None and spec.digest == record.spec else None
    parts = [
        f"{record.model}: {_headline(record, mine)}",
        _wrap(printable(record.reason, 1_000)),
        _table(record.gates),
        _next(record, mine),
        _queries(record),
        _trailers(record),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _headline(record: Record, spec: RolloutSpec | None) -> str:
    share, total = render_percent(record.weight_percent), len(spec.plan.stages) if spec else 0
    of = f" of {total}" if total else ""
    words = {
        Kind.STAGE: f"{_given(record, spec)} to {{}}, stage {record.stage}{of}",
        Kind.PROMOTED: "{} is the champion",
        Kind.ENDED: f"{_ending(record.phase)} {{}}",
        Kind.WAITING: "wait to start {}",
        Kind.SETTLED: "{} has settled in",
        Kind.PAUSED: f"pause {{}} at {share}",
        Kind.RESUMED: f"go on with {{}} at {share}",
        Kind.HELD: f"hold {{}} at {share}: {record.trouble.verdict if record.trouble else ''}",
        Kind.CLEARED: f"all clear for {{}} at {share}",
    }
    return words[record.kind].format(record.version)


def _given(record: Record, spec: RolloutSpec | None) -> str:
    stages = spec.plan.stages if spec is not None else ()
    is_mirror = any(stage.is_mirror and stage.number == record.stage for stage in stages)
    return "a copy of the traffic" if is_mirror else render_percent(record.weight_percent)


def _ending(phase: Phase) -> str:
    return {
        Phase.ROLLED_BACK: "roll back",
        Phase.ABORTED: "abort",
        Phase.SUPERSEDED: "make way for a newer one than",
    }.get(phase, "refuse")


def _table(gates: tuple[GateEvidence, ...]) -> str:
    """Failures first; one line a gate, in columns."""
    order = [Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.PASS]
    shown = sorted(gates[:MAX_GATES], key=lambda gate: order.index(gate.verdict))
    width = max((len(render_metric(gate.name)) for gate in shown), default=0)
    return "\n".join(
        f"  {gate.verdict:<12} {printable(gate.name, 40):<{width}}  {printable(gate.reason, 200)}"
        f"{_rule(gate)}{'' if gate.decides else ' [dry run]'}"
        for gate in shown
    )


def _rule(gate: GateEvidence) -> str:
    """What a figure was held against; that a server must answer goes without saying."""
    is_plain = gate.name in ("challenger", "champion", "traffic")
    return "" if is_plain else f" ({printable(gate.rule, 120)})"


def _next(record: Record, spec: RolloutSpec | None) -> str:
    if record.phase.is_ended:
        verb = f"retry-{record.version}-{record.attempt}.yaml in rollouts/{record.model}/commands"
        return _wrap(f"It does not come back by itself. To try it again: commit {verb}.")
    if record.phase is Phase.PAUSED:
        return _wrap(_resume(record))
    if spec is None or record.kind not in (Kind.STAGE, Kind.RESUMED, Kind.PROMOTED):
        return ""
    if record.phase.is_promoted:
        bake = spec.plan.bake_after_promotion
        watched = f"Watched for {render_length(bake)} more. " if bake else ""
        return _wrap(f"{watched}To go back: git revert this commit, or the merge.")
    stages = spec.plan.stages
    lasting = f"for {render_length(stages[record.stage - 1].duration)}" if record.stage else "now"
    following = _following(stages, record.stage)
    return _wrap(f"Next: {following}, if this holds {lasting}. To go back: git revert this commit.")


def _following(stages: tuple[PlannedStage, ...], stage: int) -> str:
    if stage >= len(stages):
        return "promotion"
    following = stages[stage]
    share = render_percent(following.weight_percent)
    return f"{share} (stage {following.number} of {len(stages)})"


def _resume(record: Record) -> str:
    if record.pause is not None and record.pause == "command":
        return f"To go on: revert the commit of pause-{record.version}.yaml."
    name = f"resume-{record.version}-{record.pause_sequence}.yaml"
    return f"To go on: commit {name} in rollouts/{record.model}/commands."


def _queries(record: Record) -> str:
    """Each query once, as it was asked."""
    found = dict.fromkeys(printable(s.query, 300) for s in record.samples if s.query)
    return "Asked:\n" + "\n".join(f"  {query}" for query in found) if found else ""


def _trailers(record: Record) -> str:
    return (
        f"Perennial-Rollout: {record.model} {record.version} {record.sequence}\n"
        f"Perennial-Evidence: {record.digest}"
    )


def _wrap(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
