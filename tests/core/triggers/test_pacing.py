from datetime import UTC, datetime, timedelta

import pytest

from pipeline.core.triggers.ledger import Retrain, RetrainState
from pipeline.core.triggers.pacing import back_off_wait, hold_reason, lost_in_a_row
from pipeline.trigger_config import BackOff, Pacing

WON, LOST, ABANDONED = RetrainState.WON, RetrainState.LOST, RetrainState.ABANDONED
START = datetime(2013, 7, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PACING = Pacing(
    cooldown=DAY,
    max_per_month=5,
    back_off=BackOff(lost_challengers=3, wait=7 * DAY, max_wait=28 * DAY),
)


def history(*states):
    """Retrains that were planned and ended a day apart, from 1 July on."""
    return [
        Retrain(f"m-{k}", "m", "c", state, START + k * DAY, START + k * DAY)
        for k, state in enumerate(states)
    ]


def test_the_first_retrain_waits_for_nothing():
    assert hold_reason(PACING, [], START) is None


@pytest.mark.parametrize("state", [WON, LOST, ABANDONED])
def test_the_cooldown_ends_at_its_moment(state):
    past = history(state)
    assert "cooldown until 2013-07-02 00:00Z" in hold_reason(
        PACING, past, START + DAY - timedelta(seconds=1)
    )
    assert hold_reason(PACING, past, START + DAY) is None


def test_a_retrain_that_is_still_open_has_no_cooldown_yet():
    assert hold_reason(PACING, history(RetrainState.RUNNING), START) is None


def test_three_losses_in_a_row_back_off_and_two_do_not():
    assert hold_reason(PACING, history(LOST, LOST), START + 3 * DAY) is None
    past = history(LOST, ABANDONED, LOST)
    assert "back-off until 2013-07-10 00:00Z: 3 challengers" in hold_reason(
        PACING, past, START + 8 * DAY
    )
    assert hold_reason(PACING, past, START + 9 * DAY) is None


def test_a_win_ends_the_row_of_losses():
    assert lost_in_a_row(history(LOST, LOST, WON, LOST)) == 1
    assert hold_reason(PACING, history(LOST, LOST, WON, LOST), START + 5 * DAY) is None


def test_each_further_loss_doubles_the_wait_up_to_its_limit():
    waits = [back_off_wait(PACING.back_off, lost) // DAY for lost in (3, 4, 5, 6, 99)]
    assert waits == [7, 14, 28, 28, 28]


def test_a_month_has_its_cap_and_the_next_one_starts_anew():
    past = history(*[WON] * 5)
    assert "5 retrains this month (UTC), and 5 are allowed" in hold_reason(
        PACING, past, START + 30 * DAY
    )
    assert hold_reason(PACING, past, START + 31 * DAY) is None
    assert hold_reason(PACING, past[:4], START + 30 * DAY) is None


@pytest.mark.usefixtures("machine_in_tokyo")
def test_a_month_is_one_of_utc_wherever_the_machine_stands():
    past = history(*[WON] * 5)
    last_hour = datetime(2013, 7, 31, 23, tzinfo=UTC)  # in Tokyo it is August already
    assert "5 retrains this month (UTC)" in hold_reason(PACING, past, last_hour)
