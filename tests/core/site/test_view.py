"""A model's page as values: its state in a sentence, its timeline, its lineage, its pictures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.core.rollout.observation import Health
from pipeline.core.site.attempts import attempts_of
from pipeline.core.site.drawing import Scale, anchor_at, tick_words, time_ticks
from pipeline.core.site.lineage import lineage, pull_of
from pipeline.core.site.rolling import rolling_now
from pipeline.core.site.timeline import moments_of
from pipeline.core.site.track import draw_track
from pipeline.core.site.view import view_model
from pipeline.core.triggers.ledger import Ledger, RetrainState
from pipeline.rollout_commands import Command, Verb
from pipeline.rollout_status import Kind, Phase
from tests.core import site_histories as made
from tests.core.site_histories import BEGAN, history, merged, reign, written_of
from tests.rollouts import (
    BAD,
    DAY,
    GOOD,
    HOUR,
    MINUTE,
    START,
    run_until,
    samples,
    spec_of,
    tick,
    world_of,
)


def rolling(world):
    return rolling_now(history(world), attempts_of(written_of(world)))


def started(**changes):
    world = world_of(spec_of(**changes))
    tick(world, START)
    return world


# ---------------------------------------------------------------- the state


@pytest.mark.parametrize(
    ("changes", "sign", "state"),
    [
        (
            {"faults": ("champion.yaml: broken",)},
            "bad",
            "Something in git cannot be read: see below.",
        ),
        ({"reigns": ()}, "none", "No champion yet: a person approves the first one."),
        ({"reigns": (reign(None),)}, "none", "No champion yet: a person approves the first one."),
        (
            {"ledger": Ledger((), (made.retrain(4, START, RetrainState.PROPOSED),))},
            "busy",
            "Retrain flight-delay-0004 is under way: proposed.",
        ),
        (
            {"ledger": Ledger((made.event(START),))},
            "busy",
            "A retrain is due, and waits for the next check.",
        ),
        ({}, "good", "Nothing is due."),
        ({"ledger": None}, "good", "Nothing is due."),
    ],
)
def test_the_state_is_the_first_thing_that_matters(changes, sign: str, state: str) -> None:
    page = view_model(history(**changes), START + DAY)
    assert (page.sign, page.state) == (sign, state)


def test_a_rollout_goes_before_a_retrain_in_the_state() -> None:
    page = view_model(history(started()), START + HOUR)
    assert (page.sign, page.state) == ("busy", "A rollout is under way, at 5 % of traffic.")


# ---------------------------------------------------------------- what rolls out now


def test_nothing_rolls_out_before_a_merge_and_after_the_end() -> None:
    assert rolling(world_of(spec_of())) is None
    assert rolling(made.promoted_world()) is None
    assert rolling(made.failed_world()) is None


def test_the_last_stage_is_followed_by_the_promotion_and_that_by_its_settling_in() -> None:
    world = started()
    for hours in (1, 2):
        tick(world, START + hours * HOUR)
    found = rolling(world)
    assert (found.stage, found.next) == (
        "stage 3 of 3",
        "Promotion, if every criterion passes: 2013-07-03 12:00 UTC at the earliest.",
    )
    run_until(world, Phase.BAKING, START + 3 * HOUR)
    found = rolling(world)
    assert found.next == "It has settled in, 2013-07-03 13:00 UTC at the earliest."
    assert {step.state for step in found.stages} == {"done"}


def test_a_pause_says_what_ends_it() -> None:
    world = started()
    world.commands.add(Command(Verb.PAUSE, world.spec.version))
    tick(world, START + MINUTE)
    found = rolling(world)
    assert found.phase == "Paused"
    assert found.next == f"The revert of pause-{world.spec.version}.yaml ends the pause."
    other = started()
    other.commits[0].is_reverted = True
    tick(other, START + MINUTE)
    assert "resume-" in rolling(other).next


def test_a_hold_says_for_which_verdict() -> None:
    world = started()
    now = START + 5 * MINUTE
    tick(world, now, samples(world.spec, now, value=float("nan")))
    assert world.status.records[-1].kind is Kind.HELD
    assert rolling(world).phase == "Held (ERROR)"


def test_a_rollout_waits_for_its_servers_and_knows_when_its_manifest_is_gone() -> None:
    world = world_of(spec_of())
    tick(world, START, challenger_health=Health(False))
    assert rolling(world).next == "The first stage, once both servers answer."
    assert rolling(world).stage == "before the first stage"
    gone = history(started(), merged=())
    found = rolling_now(gone, attempts_of(gone.written))
    assert (found.stage, found.stages) == ("stage 1", ())
    assert found.next == "The manifest is gone: the next reconcile ends it."


# ---------------------------------------------------------------- the lineage


def test_without_a_champion_there_is_no_lineage() -> None:
    assert lineage(history(reigns=())) == ()
    assert lineage(history(reigns=(reign(None),))) == ()


def facts(found) -> dict[str, str]:
    return {link.label: link.value for step in found for link in step.links}


def test_what_git_does_not_hold_is_said_and_never_made_up() -> None:
    world = made.promoted_world()
    bare = merged(world.spec, found=made.Evidence(fault="the merge has no evidence package"))
    bare = made.replace(bare, subject="a commit")
    found = facts(lineage(history(world, reigns=(reign("c"),), merged=(bare,))))
    absent = {label for label, value in found.items() if value.startswith("not in git")}
    assert absent == {
        "Data digest", "Holdout digest", "dvc.lock", "Trigger", "Code", "MLflow version",
        "Pull request", "Approved by",
    }  # fmt: skip
    assert found["But"] == "the merge has no evidence package"


def test_the_trigger_of_a_retrain_is_named_from_the_ledger() -> None:
    world = made.promoted_world()
    events = (made.event(START, world.spec.retrain), made.event(START + DAY))
    ledger = Ledger(events, (made.retrain(4, START),))
    found = facts(lineage(history(world, reigns=(reign("c"),), ledger=ledger)))
    assert found["Data drift (high)"] == "PSI 0.3"
    assert "Trigger" not in found
    without = facts(lineage(history(world, reigns=(reign("c"),), ledger=None)))
    assert without["Trigger"] == "not in git"


def test_traffic_names_the_records_of_this_rollout_that_are_there_and_gave_some() -> None:
    world = started()
    now = START + 5 * MINUTE
    tick(world, now, samples(world.spec, now, value=float("nan")))
    found = history(world, reigns=(reign("c"),))
    other = merged(spec_of("d", "c"))
    links = lineage(made.replace(found, merged=(*found.merged, other)))[-1].links
    assert [(link.label, link.note, link.kind) for link in links] == [
        ("2013-07-03 09:00", "5 %", "commit")
    ]


def test_a_person_who_made_the_champion_is_the_whole_approval() -> None:
    found = lineage(history())
    assert [step.title for step in found] == ["Data", "Model", "Approval", "Traffic"]
    assert facts(found)["Approved by"] == "Ada"


def test_reviewers_whom_the_merge_names_are_the_approval() -> None:
    world = made.promoted_world()
    named = made.replace(merged(world.spec), reviewers=("maria", "ben"))
    found = facts(lineage(history(world, reigns=(reign("c"),), merged=(named,))))
    assert found["Approved by"] == "maria, ben"


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("Merge pull request #12 from a/b", "12"),
        ("Retrain flight-delay (#7)", "7"),
        ("Fix #7 at last", None),
        ("Merge branch 'x'", None),
    ],
)
def test_the_pull_request_is_known_as_github_writes_it(subject: str, number: str | None) -> None:
    assert pull_of(subject) == number


# ---------------------------------------------------------------- the timeline


def test_the_timeline_has_a_sentence_for_each_kind_of_record() -> None:
    world = started()
    world.commands.add(Command(Verb.PAUSE, world.spec.version))
    tick(world, START + MINUTE)
    world.commands.clear()
    tick(world, START + 2 * MINUTE)
    now = START + 5 * MINUTE
    tick(world, now, samples(world.spec, now, value=float("nan")))
    tick(world, START + 6 * MINUTE)
    now = START + 7 * MINUTE
    tick(world, now, samples(world.spec, now, BAD, GOOD))
    titles = [m.title for m in moments_of(history(world, reigns=(), merged=()))]
    version = world.spec.version
    assert titles == [
        f"{version} is rolled back",
        f"All clear for {version} at 5 %",
        f"{version} is held at 5 %",
        f"{version} goes on at 5 %",
        f"{version} is paused at 5 %",
        f"5 % to {version}",
    ]


def test_the_ledger_is_told_with_what_became_of_each_event_and_retrain() -> None:
    retrains = (
        made.retrain(1, BEGAN, RetrainState.LOST),
        made.retrain(2, BEGAN + DAY, RetrainState.RUNNING),
        made.retrain(3, BEGAN + DAY, model="other"),
    )
    events = (
        made.event(BEGAN, "flight-delay-0001"),
        made.event(BEGAN + 2 * DAY),
        made.event(BEGAN + 3 * DAY, superseded_by="sha256:f"),
        made.replace(made.event(BEGAN), model="other"),
    )
    found = moments_of(history(reigns=(), ledger=Ledger(events, retrains)))
    assert [(m.what, m.title, m.text) for m in found] == [
        ("trigger", "Data drift (high)", "PSI 0.3 Void: another champion came."),
        ("trigger", "Data drift (high)", "PSI 0.3 Waits for a retrain."),
        ("retrain", "flight-delay-0002 is planned", ""),
        ("retrain", "flight-delay-0001 lost", "It won."),
        ("retrain", "flight-delay-0001 is planned", ""),
        ("trigger", "Data drift (high)", "PSI 0.3 Goes into flight-delay-0001."),
    ]


def test_a_reverted_record_says_so_and_a_champion_by_hand_is_named() -> None:
    world = started()
    world.commits[0].is_reverted = True
    by_rollout = reign("c", START, is_by_hand=False)
    found = moments_of(history(world, reigns=(reign(), by_rollout, reign(None, START + DAY))))
    assert found[0].title == "No champion"
    assert any(m.text.endswith("Reverted since.") for m in found)
    assert sum(m.what == "champion" for m in found) == 2


def test_a_rollout_without_evidence_says_so_in_its_row() -> None:
    world = made.promoted_world()
    (row,) = view_model(history(world, merged=()), START + DAY).rollouts
    assert (row.outcome, row.improvement, row.rollback) == ("Completed", "not known", "–")
    stopped = world_of(spec_of())
    tick(stopped, START)
    stopped.spec = None
    tick(stopped, START + HOUR, ())
    (row,) = view_model(history(stopped), START + DAY).rollouts
    assert (row.outcome, row.improvement, row.rollback) == ("Rolled back", "not known", "not known")


def test_a_moment_before_everything_is_no_crash_and_claims_nothing() -> None:
    page = view_model(history(made.promoted_world()), BEGAN - 400 * DAY)
    assert page.track is None
    assert [f.value for f in page.figures if f.name in ("Retrains a month", "Availability")] == [
        "not known",
        "not known",
    ]


def test_a_page_is_where_its_name_says() -> None:
    assert view_model(history(), START).path == "models/flight-delay.html"


def test_a_waiting_rollout_and_a_merge_without_a_pull_request_are_told() -> None:
    world = world_of(spec_of())
    tick(world, START, challenger_health=Health(False))
    by_hand = made.replace(merged(world.spec, START - HOUR), subject="by hand")
    titles = [m.title for m in moments_of(history(world, merged=(by_hand,), reigns=()))]
    assert titles == [f"{world.spec.version} waits to start", f"{world.spec.version} is merged"]


# ---------------------------------------------------------------- pictures


def test_there_is_no_picture_of_nothing() -> None:
    assert draw_track(history(reigns=(), ledger=None), (), START) is None
    assert draw_track(history(), (), BEGAN) is None


def test_the_picture_shows_a_year_and_cuts_what_began_before_it() -> None:
    world = made.promoted_world()
    at = START + 400 * DAY
    ledger = Ledger(
        (made.event(START), made.event(at - DAY)),
        (made.retrain(1, START), made.retrain(2, at - DAY, RetrainState.RUNNING)),
    )
    reigns = (reign(), reign(None, BEGAN + DAY), reign("c", START + HOUR))
    found = history(world, ledger=ledger, reigns=reigns)
    track = draw_track(found, attempts_of(found.written), at)
    assert track.title == "flight-delay from 2013-08-07 to 2014-08-07"
    assert len(track.dots) == 1
    assert [bar.label for bar in track.bars] == [
        "flight-delay-0002: RUNNING", "cccccccccccc since 2013-07-03 10:00",
    ]  # fmt: skip
    assert track.bars[-1].x == 1.5
    assert track.bars[-1].width == 97.0


@pytest.mark.parametrize("hours", [1, 5, 30, 24 * 3, 24 * 20, 24 * 60, 24 * 300, 24 * 4000])
def test_ticks_are_few_round_inside_and_in_order(hours: int) -> None:
    start = datetime(2013, 3, 4, 9, 13, tzinfo=UTC)
    end = start + timedelta(hours=hours)
    ticks = time_ticks(start, end)
    moments = [at for at, _ in ticks]
    assert len(ticks) <= 4
    assert moments == sorted(moments)
    assert all(start <= at <= end and at.minute == 0 for at in moments)
    assert bool(ticks) or hours < 2


def test_a_scale_keeps_what_is_outside_on_its_edge() -> None:
    scale = Scale(0, 10, 5, 95)
    assert [scale(v) for v in (-3, 0, 5, 10, 99)] == [5, 5, 50, 95, 95]
    assert Scale(1, 1)(7) == 50


def test_words_keep_apart_and_stay_inside() -> None:
    words = tick_words([(1.0, "a"), (20.0, "b"), (50.0, "c"), (99.0, "d")], 7)
    assert [(w.text, w.anchor) for w in words] == [("a", "start"), ("c", "middle"), ("d", "end")]
    assert anchor_at(15) == anchor_at(85) == "middle"
