"""What the core makes of a look, also where a figure of it breaks the core.

Figures are somebody else's. If one of them breaks the code that judges it, it would do so at every
look: nobody would judge the challenger any more, and it would keep its traffic. So it is judged
again without figures. That is an ERROR like any other, and the blindness budget ends it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pipeline.core.rollout.effects import RolloutStep
from pipeline.core.rollout.observation import Observation
from pipeline.core.rollout.reconcile import reconcile
from pipeline.errors import Bug, PipelineError
from pipeline.manifest import RolloutSpec
from pipeline.rollout_status import RolloutStatus


def judged(
    spec: RolloutSpec | None, status: RolloutStatus, seen: Observation, now: datetime
) -> tuple[RolloutStep, Bug | None]:
    """The step that follows, and the bug that the figures of `seen` showed, for people to know of.

    Raises what the core raises without figures as well.
    """
    try:
        return reconcile(spec, status, seen, now), None
    except PipelineError:
        raise
    except Exception as error:  # noqa: BLE001 (told by the caller, who goes on without figures)
        return reconcile(spec, status, replace(seen, samples=()), now), Bug.of(error)
