"""How often retrains may start: each one costs money, and each pull request costs attention."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pipeline.core.triggers.ledger import Retrain, RetrainState
from pipeline.trigger_config import BackOff, Pacing


def hold_reason(pacing: Pacing, retrains: Sequence[Retrain], at: datetime) -> str | None:
    """Why no new retrain of this model may start at `at`; None if one may.

    `retrains` are those of one model, oldest first. Each limit ends at its moment: a cooldown of
    24 h lets a retrain start 24 h after the last one ended, not before.
    """
    ended = [retrain for retrain in retrains if not retrain.state.is_open]
    if ended and at < (until := ended[-1].changed_at + pacing.cooldown):
        return f"cooldown until {until:%Y-%m-%d %H:%MZ}, after {ended[-1].id} ended"
    lost = lost_in_a_row(ended)
    if lost >= pacing.back_off.lost_challengers:
        until = ended[-1].changed_at + back_off_wait(pacing.back_off, lost)
        if at < until:
            return (
                f"back-off until {until:%Y-%m-%d %H:%MZ}: {lost} challengers in a row did not "
                "win, so a person should look before the next one"
            )
    this_month = sum(1 for r in retrains if _month(r.planned_at) == _month(at))
    if this_month >= pacing.max_per_month:
        return f"{this_month} retrains this month (UTC), and {pacing.max_per_month} are allowed"
    return None


def lost_in_a_row(ended: Sequence[Retrain]) -> int:
    """How many of the latest retrains that ended did not win."""
    wins = (i for i, r in enumerate(reversed(ended)) if r.state is RetrainState.WON)
    return next(wins, len(ended))


def back_off_wait(back_off: BackOff, lost: int) -> timedelta:
    """How long to wait after `lost` losses in a row: doubled by each one beyond the allowed."""
    enough = (back_off.max_wait // back_off.wait).bit_length()
    doublings = min(lost - back_off.lost_challengers, enough)
    return min(back_off.wait * (1 << doublings), back_off.max_wait)


def _month(moment: datetime) -> tuple[int, int]:
    local = moment.astimezone(UTC)
    return local.year, local.month
