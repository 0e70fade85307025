"""What people were told of a rollout that still stands: owed to them until it was told.

Chat and forge may both have been away when a step alerted, and its record is in git all the same,
so no later step would say it again. Whoever sends knows what arrived; here is only said what must.
"""

from __future__ import annotations

from dataclasses import replace

from pipeline.core.rollout.effects import Alert
from pipeline.core.rollout.reverts import LATCHED
from pipeline.core.rollout.state import Rollout, Situation
from pipeline.core.rollout.step import alert_of
from pipeline.rollout_status import PauseCause, Phase


def reminder_of(situation: Situation, rollout: Rollout) -> Alert | None:
    """The alert of the state that `rollout` is in, as one that was sent before; None without one.

    A hold that only a look can tell of (the champion is bad as well) is not in the state: the look
    says so, see `verdicts.py`.
    """
    is_owed = _is_waiting(situation, rollout) or _is_alarming_end(situation, rollout)
    return replace(alert_of(rollout.state), is_again=True) if is_owed else None


def _is_waiting(situation: Situation, rollout: Rollout) -> bool:
    """For servers, or for a person by the plan's own hold: each of them is told."""
    state = rollout.state
    is_pending = state.phase is Phase.PENDING and state in situation.status.records
    return is_pending or state.pause is PauseCause.HOLD


def _is_alarming_end(situation: Situation, rollout: Rollout) -> bool:
    """Refused, or stopped for what was measured: what people did themselves alarms nobody."""
    state, spec = rollout.state, situation.spec
    is_measured = state.verdict is not None or state.reason.startswith(LATCHED)
    is_told = spec is None or spec.plan.monitoring.alert_on_failure
    is_stopped = state.phase is Phase.ROLLED_BACK and is_measured and is_told
    return is_stopped or state.phase is Phase.REFUSED
