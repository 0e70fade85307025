"""The records in git: the trigger ledger can be read, and no rollout is stuck."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pipeline.core.rollout.patience import time_waited
from pipeline.core.rollout.start import may_start
from pipeline.core.rollout.state import Rollout, current_rollout, stage_of
from pipeline.core.rollout.state import Situation as Seen
from pipeline.core.rollout.succession import goes_by
from pipeline.doctoring.finding import Finding, fault, ok, warning
from pipeline.doctoring.situation import Situation
from pipeline.errors import PipelineError, in_one_line
from pipeline.manifest import RolloutSpec
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.rolling.history import unseen_records
from pipeline.rolling.idle import is_idle
from pipeline.rolling.model_state import ModelState, load_model
from pipeline.rolling.observe import blind
from pipeline.rollout_status import Phase

LONG_PAUSE = timedelta(days=1)  # a pause over night is a person's business, a longer one forgotten
PATIENCE = timedelta(hours=7)  # the scheduled safety net looks every 6 hours, and may be late
_SAY_AGAIN = (
    "what its revert asked for was not done: say it again, with python -m scripts.control_rollout "
    "pause or abort (docs/runbook.md)"
)
_LOOK = "gh workflow run rollout.yml; is PERENNIAL_ROLLOUT on, and the watchdog running?"


def check_ledger(situation: Situation) -> Iterator[Finding]:
    """The ledger's branch can be read and says what a ledger says."""
    ledger = LedgerStore(situation.root, is_local=not situation.has_remote).read()
    yield ok("trigger ledger", f"{len(ledger.events)} events, {len(ledger.retrains)} retrains")


def check_rollouts(situation: Situation) -> Iterator[Finding]:
    """Every model's rollout: not paused for long, not past its deadline, not unanswered."""
    snapshot = situation.rollouts().snapshot()
    for name, tree in sorted(snapshot.models.items()):
        subject = f"rollout of {name}"
        if is_idle(tree, situation.now):
            if not tree.entries:  # history alone knows it, as the example that was taken away
                continue
            yield ok(subject, "nothing runs")
            continue
        try:
            state = load_model(snapshot, tree)
        except PipelineError as error:
            text = in_one_line(error)
            yield fault(subject, text, "revert the commit that brought it")
            continue
        yield assess_rollout(state, subject, situation.now)


def check_history(situation: Situation) -> Iterator[Finding]:
    """No record that was reverted hides in a branch, where nobody can see that it was."""
    snapshot = situation.rollouts().snapshot()
    hidden = unseen_records(snapshot.git, snapshot.commit)
    if not hidden:
        yield ok("history of rollouts", "main has each record that ever was")
    for path, commit in sorted(hidden.items()):
        model, _, name = path.split("/")
        text = f"{name} was added in {commit[:12]} and is in a merged branch alone: main knows none"
        yield warning(f"history of {model}", text, _SAY_AGAIN)


def assess_rollout(state: ModelState, subject: str, now: datetime) -> Finding:
    """One line on one model's rollout."""
    rollout = current_rollout(state.status)
    if state.spec is not None and _is_to_start(state, state.spec, rollout, now):
        return _not_started(state, state.spec, subject, now)
    if rollout is None:
        return ok(subject, "none yet")
    if rollout.unanswered:
        names = ", ".join(record.name for record in rollout.unanswered)
        return fault(subject, f"the revert of {names} was not acted on yet", _LOOK)
    return _assess_state(state, rollout, subject, now)


def _is_to_start(
    state: ModelState, spec: RolloutSpec, rollout: Rollout | None, now: datetime
) -> bool:
    """As the reconciler sees it; what waits for its servers has begun, and is told as that."""
    if rollout is not None and rollout.state.phase is Phase.PENDING and goes_by(spec, rollout):
        return False
    return may_start(Seen(spec, state.status, rollout, blind(state), now), rollout, spec)


def _not_started(state: ModelState, spec: RolloutSpec, subject: str, now: datetime) -> Finding:
    touch = state.tree.history.newest
    text = f"{spec.version} is to start and has not"
    if touch is not None and now - touch.at < PATIENCE:
        return warning(subject, text, "it starts with the next look: gh workflow run rollout.yml")
    return fault(subject, text, _LOOK)


def _assess_state(state: ModelState, rollout: Rollout, subject: str, now: datetime) -> Finding:
    record = rollout.state
    age = now - record.at
    told = f"{record.version} is {record.phase} at {record.weight_percent:g} %"
    if state.waiting is not None:
        told += f", and {state.waiting.version} waits for that"
    if record.phase is Phase.PAUSED and age > LONG_PAUSE:
        mend = (
            f"python -m scripts.control_rollout resume --model {state.model} --reason ... --apply"
        )
        text = f"{told} since {_days(age)} ({record.pause}): {record.reason}"
        return warning(subject, text, mend)
    if record.phase is Phase.PENDING and age > PATIENCE:
        text = f"{told} since {_days(age)}: {record.reason}"
        return fault(subject, text, "start its servers, or abort it: docs/runbook.md")
    overdue = _overdue(state.spec, rollout, now)
    if overdue is not None:
        return fault(subject, f"{told}, past its deadline by {_days(overdue)}", _LOOK)
    return ok(subject, told)


def _overdue(spec: RolloutSpec | None, rollout: Rollout, now: datetime) -> timedelta | None:
    """By how much a stage is past its time, its deadline and the next look; None if it is not."""
    record = rollout.state
    if (
        spec is None
        or not goes_by(spec, rollout)
        or record.phase not in (Phase.PROGRESSING, Phase.BAKING)
    ):
        return None
    stage = stage_of(spec, record)
    if stage is None:
        return None
    late = time_waited(spec.plan, record, stage, now - PATIENCE) - stage.deadline
    return late if late > timedelta(0) else None


def _days(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
