"""How long a stage has waited for a PASS, as its deadline and inconclusive_limit count it.

What passed and waits for its deploy window waits for the calendar and not for evidence, so patience
runs only while a window is open. It does not begin anew with each opening: else a stage that never
passes would live as long as no window is as long as its deadline.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pipeline.core.rollout.windows import time_open
from pipeline.rollout_config import PlannedStage, RolloutPlan
from pipeline.rollout_status import Phase, Record


def time_waited(plan: RolloutPlan, state: Record, stage: PlannedStage, now: datetime) -> timedelta:
    """The time since the duration of `stage` was over, or a pause after it, that a window was open.

    0 before that. What bakes asks for no window, so all of its time counts.
    """
    due = state.stage_since + stage.duration
    windows = () if state.phase is Phase.BAKING else plan.deploy_windows
    return time_open(windows, max(due, state.deadline_from or due), now)
