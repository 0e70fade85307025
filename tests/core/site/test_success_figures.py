"""Each figure at its goal, just beside it, and without data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.core.site.attempts import Outcome, attempts_of, running
from pipeline.core.site.success_figures import (
    NOISE_DECIMALS,
    Standing,
    mean_improvement,
    points_text,
    retrains_a_month,
    rollout_success,
    share_text,
)
from pipeline.core.triggers.ledger import Ledger
from pipeline.rollout_status import Phase
from tests.core import site_histories as made
from tests.core.site_histories import BEGAN, history, merged, promoted_world, written_of
from tests.rollouts import DAY, HOUR, MODEL, START, run_until, spec_of, tick, world_of

MET, MISSED, UNKNOWN = Standing.MET, Standing.MISSED, Standing.UNKNOWN


def copies(world, count: int):
    """The attempts of as many rollouts as `count`, all of which went as in `world`."""
    (one,) = attempts_of(written_of(world))
    return (one,) * count


# ---------------------------------------------------------------- retrains a month


def ledger(*months: int) -> Ledger:
    """A retrain on a day of each month of 2013, by its number."""
    moments = [datetime(2013, month, 9 + i, tzinfo=UTC) for i, month in enumerate(months)]
    return Ledger((), tuple(made.retrain(i, at) for i, at in enumerate(moments, 1)))


def test_the_rate_is_that_of_mean_months_since_the_first_champion() -> None:
    found = retrains_a_month(history(ledger=ledger(5, 5, 6)), BEGAN + timedelta(days=365.25 / 6))
    assert (found.value, found.standing) == ("1.5", MET)
    assert found.n == "3 retrains in 60 days"


def test_the_goal_holds_in_each_month_and_its_limit_is_still_allowed() -> None:
    at = START + 20 * DAY
    allowed = retrains_a_month(history(ledger=ledger(5, 5, 5)), at)
    over = retrains_a_month(history(ledger=ledger(5, 5, 5, 5)), at)
    assert (allowed.standing, over.standing) == (MET, MISSED)
    assert over.drawing is not None
    assert [bar.tone for bar in over.drawing.bars] == ["bad", "accent", "accent"]
    assert over.drawing.description == "2013-05: 4, 2013-06: 0, 2013-07: 0"


def test_retrains_of_another_model_are_not_counted() -> None:
    others = Ledger((), (made.retrain(1, START, model="other"),))
    assert retrains_a_month(history(ledger=others), START + DAY).n == "0 retrains in 61 days"


def test_only_retrains_of_its_own_time_are_counted() -> None:
    at = BEGAN + 30 * DAY
    moments = (BEGAN - 40 * DAY, BEGAN - DAY, BEGAN, at - HOUR, at, at + DAY)
    retrains = tuple(made.retrain(i, moment) for i, moment in enumerate(moments, 1))
    found = retrains_a_month(history(ledger=Ledger((), retrains)), at)
    assert (found.value, found.n) == ("2.0", "2 retrains in 30 days")
    assert found.drawing is not None
    assert found.drawing.bars[0].label.startswith(f"{BEGAN:%Y-%m}: 1")


def test_a_rate_needs_a_month() -> None:
    early = retrains_a_month(history(), BEGAN + 27 * DAY)
    assert (early.value, early.standing) == ("not known", UNKNOWN)
    assert early.gap == "A rate needs 28 days of history."
    assert retrains_a_month(history(), BEGAN + 28 * DAY).value == "0.0"


@pytest.mark.parametrize(
    ("changes", "n"),
    [
        ({"ledger": None}, "no trigger ledger in this history"),
        ({"reigns": ()}, "no champion in this history"),
    ],
)
def test_without_a_ledger_or_a_champion_the_rate_is_not_known(changes, n: str) -> None:
    found = retrains_a_month(history(**changes), START)
    assert (found.value, found.standing, found.n) == ("not known", UNKNOWN, n)
    assert found.drawing is None


def test_without_a_limit_there_is_a_rate_and_no_verdict() -> None:
    found = retrains_a_month(history(max_per_month=None), START)
    assert (found.value, found.standing, found.goal) == ("0.0", UNKNOWN, "none is set")


# ---------------------------------------------------------------- improvement


@pytest.mark.parametrize(
    ("value", "text", "standing"),
    [
        (0.01, "+0.0100", MISSED),
        (0.0101, "+0.0101", MET),
        (0.01004, "+0.01004", MET),
        (0.01000004, "+0.01000004", MET),
        (0.01 + 1e-17, "+0.0100", MISSED),
        (0.00996, "+0.0099", MISSED),
        (0.02999, "+0.0299", MET),
        (-0.00996, "−0.0099", MISSED),
        (0.0, "0.0000", MISSED),
        (-0.02, "−0.0200", MISSED),
    ],
)
def test_the_improvement_must_be_more_than_a_point(value, text: str, standing) -> None:
    world = promoted_world()
    found = mean_improvement(
        history(world, merged=(merged(world.spec, found=made.evidence(value)),))
    )
    assert (found.value, found.standing, found.n) == (
        text, standing, "1 promotion, in f1_weighted",
    )  # fmt: skip


def test_the_noise_of_adding_is_no_improvement() -> None:
    """0.1 and 0.2 are not quite 0.3 together, and no figure may say so."""
    assert points_text(round((0.1 + 0.2) / 30, NOISE_DECIMALS), 0.01) == "+0.0100"
    assert points_text(1e-7, 0.01) == "+0.0000"
    assert points_text(0.5, 0.5) == "+0.5000"


def test_only_promoted_challengers_count_and_unknown_ones_are_told() -> None:
    world = promoted_world()
    unknown = history(world, merged=(merged(world.spec, found=made.evidence(None)),))
    found = mean_improvement(unknown)
    assert (found.value, found.standing) == ("not known", UNKNOWN)
    assert found.gap == "1 promotion without evidence that can be trusted."
    assert mean_improvement(history(made.failed_world())).n == "0 promotions"
    gone = mean_improvement(history(world, merged=()))
    assert (gone.value, gone.gap) == (found.value, found.gap)


def test_an_interval_that_is_not_known_draws_no_line() -> None:
    world = promoted_world()
    bare = merged(world.spec, found=made.Evidence(improvement=0.03))
    drawing = mean_improvement(history(world, merged=(bare,))).drawing
    assert drawing is not None
    assert len(drawing.rules) == 2  # zero and the goal
    assert drawing.description == f"{world.spec.version}: +0.0300"


# ---------------------------------------------------------------- rollouts


def test_ninety_five_per_cent_is_not_more_than_that() -> None:
    good, bad = promoted_world(), made.failed_world()
    at_goal = rollout_success(MODEL, copies(good, 19) + copies(bad, 1))
    above = rollout_success(MODEL, copies(good, 20) + copies(bad, 1))
    assert (at_goal.value, at_goal.standing) == ("95.0 %", MISSED)
    assert (above.value, above.standing, above.n) == ("95.2 %", MET, "20 of 21 rollouts")


@pytest.mark.parametrize(
    ("count", "left", "said"), [(40, "first", ""), (120, "80 earlier", "The last 40 of 120. ")]
)
def test_a_picture_without_the_first_rollout_does_not_show_one(count, left, said) -> None:
    drawing = rollout_success(MODEL, copies(promoted_world(), count)).drawing
    assert drawing is not None
    assert (len(drawing.bars), drawing.words[0].text) == (40, left)
    assert drawing.description.partition("2013")[0] == said


def test_what_makes_way_is_refused_or_runs_is_neither_success_nor_failure() -> None:
    world = world_of(spec_of("c"))
    tick(world, START)
    world.spec = spec_of("d")
    tick(world, START + HOUR)  # c makes way
    tick(world, START + HOUR)  # d starts
    found = rollout_success(MODEL, attempts_of(written_of(world)))
    assert (found.value, found.standing) == ("not known", UNKNOWN)
    assert found.gap == "Not counted: 1 under way, 1 made way."
    assert found.drawing is None


def test_a_challenger_that_was_stopped_before_is_refused() -> None:
    world = made.failed_world()
    world.spec = spec_of("c", bake_after_promotion="2h")  # another plan, the same model
    tick(world, START + DAY)
    attempts = attempts_of(written_of(world))
    assert [a.outcome for a in attempts] == [Outcome.STOPPED, Outcome.REFUSED]


def test_a_promotion_that_is_reverted_is_no_success_any_more() -> None:
    world = promoted_world()
    assert attempts_of(written_of(world))[0].outcome is Outcome.COMPLETED
    world.spec = None
    tick(world, START + DAY, ())
    (found,) = attempts_of(written_of(world))
    assert found.outcome is Outcome.STOPPED
    assert rollout_success(MODEL, (found,)).value == "0.0 %"


def test_one_that_another_followed_after_it_had_settled_stays_a_success() -> None:
    world = promoted_world()
    world.champion = f"sha256:{'f' * 64}"
    tick(world, START + DAY)
    (found,) = attempts_of(written_of(world))
    assert found.ending is not None
    assert found.ending.record.phase is Phase.SUPERSEDED
    assert found.outcome is Outcome.COMPLETED


def test_only_the_newest_attempt_can_be_under_way() -> None:
    world = world_of(spec_of())
    assert running(attempts_of(written_of(world))) is None
    tick(world, START)
    (found,) = attempts_of(written_of(world))
    assert running((found,)) is found
    run_until(world, Phase.PROMOTED, START)
    assert running(attempts_of(written_of(world))) is None


def test_a_rollout_whose_records_were_all_reverted_is_still_known() -> None:
    world = world_of(spec_of())
    tick(world, START)
    world.commits[0].is_reverted = True
    (found,) = attempts_of(written_of(world))
    assert found.newest.is_reverted
    assert found.outcome is Outcome.RUNNING


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(999_999, 1_000_000, "99.9 %"), (3, 3, "100 %"), (0, 3, "0.0 %")]
)
def test_only_all_of_it_reads_a_hundred_per_cent(part: int, whole: int, text: str) -> None:
    assert share_text(part, whole) == text
