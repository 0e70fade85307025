"""Commit messages: what a person reads in `git log` of each transition."""

from __future__ import annotations

import pytest

from pipeline.core.rollout.message import render_message
from pipeline.rollout_commands import Command, Verb
from pipeline.rollout_status import GateEvidence
from tests.core.rollout_worlds import in_stage, promoted, started
from tests.rollouts import BAD, HOUR, MINUTE, START, samples, spec_of, tick, world_of

VERSION = spec_of().version
BEFORE = spec_of().champion_version
MIRROR = {"duration": "30m", "success_criteria": {"error_rate_max": 0.02}}
COMMANDS = "rollouts/flight-delay/commands"
STAYS = "It does not come back by itself."
BACK = "To go back: git revert this commit"


def rolled_back():
    world, spec, now = in_stage(2, rollback_conditions=[{"latency_spike_pct": 50}])
    tick(world, now, samples(spec, now, challenger=BAD))
    return world


def held():
    world, spec, now = in_stage(2)
    tick(world, now, samples(spec, now, error="500"))
    return world


def cleared():
    world, spec, now = in_stage(2)
    tick(world, now, samples(spec, now, error="500"))
    tick(world, now + MINUTE)
    return world


def told(verb):
    """A world in stage 2 whose person has given this command, and the minute after it."""
    world, spec, now = in_stage(2)
    world.commands.add(Command(verb, spec.version))
    tick(world, now)
    return world, now + MINUTE


def aborted():
    return told(Verb.ABORT)[0]


def superseded():
    world, _, now = in_stage(2)
    world.spec = spec_of("d")
    tick(world, now)
    return world


def refused():
    world = world_of(spec_of(champion="b"))
    tick(world, START)
    return world


def paused():
    return told(Verb.PAUSE)[0]


def resumed():
    world, later = told(Verb.PAUSE)
    world.commands.clear()
    tick(world, later)
    return world


def resumed_before_the_first_stage():
    world, spec, now = started()
    world.revert(world.commits[-1])
    number = tick(world, now + MINUTE).record.sequence
    world.commands.add(Command(Verb.RESUME, spec.version, number))
    tick(world, now + 2 * MINUTE)
    return world


def settled():
    world, _, now = promoted()
    tick(world, now + HOUR)
    return world


def mirrored(stage):
    return in_stage(stage, mirror=MIRROR)[0]


def paragraphs(world):
    """The newest commit's subject, and its paragraphs each on one line."""
    subject, *rest = world.commits[-1].message.split("\n\n")
    return subject, [" ".join(part.split()) for part in rest]


@pytest.mark.parametrize(
    ("world_after", "subject", "following"),
    [
        (
            lambda: started()[0],
            f"5 % to {VERSION}, stage 1 of 3",
            f"Next: 50 % (stage 2 of 3), if this holds for 1 h. {BACK}.",
        ),
        (
            lambda: in_stage(3)[0],
            f"100 % to {VERSION}, stage 3 of 3",
            f"Next: promotion, if this holds for 1 h. {BACK}.",
        ),
        (
            lambda: mirrored(1),
            f"a copy of the traffic to {VERSION}, stage 1 of 4",
            f"Next: 5 % (stage 2 of 4), if this holds for 30 min. {BACK}.",
        ),
        (
            lambda: mirrored(2),
            f"5 % to {VERSION}, stage 2 of 4",
            f"Next: 50 % (stage 3 of 4), if this holds for 1 h. {BACK}.",
        ),
        (
            lambda: promoted()[0],
            f"{VERSION} is the champion",
            f"Watched for 1 h more. {BACK}, or the merge.",
        ),
        (
            resumed,
            f"go on with {VERSION} at 50 %",
            f"Next: 100 % (stage 3 of 3), if this holds for 1 h. {BACK}.",
        ),
        (
            resumed_before_the_first_stage,
            f"go on with {VERSION} at 0 %",
            f"Next: 5 % (stage 1 of 3), if this holds now. {BACK}.",
        ),
        (
            paused,
            f"pause {VERSION} at 50 %",
            f"To go on: revert the commit of pause-{VERSION}.yaml.",
        ),
        (
            rolled_back,
            f"roll back {VERSION}",
            f"{STAYS} To try it again: commit retry-{VERSION}-1.yaml in {COMMANDS}.",
        ),
        (aborted, f"abort {VERSION}", STAYS),
        (superseded, f"make way for a newer one than {VERSION}", STAYS),
        (refused, f"refuse {VERSION}", STAYS),
    ],
)
def test_a_commit_says_what_happened_and_what_comes_next(world_after, subject, following) -> None:
    head, rest = paragraphs(world_after())
    assert head == f"flight-delay: {subject}"
    assert [part for part in rest if part.startswith(following)]


@pytest.mark.parametrize(
    ("world_after", "subject"),
    [
        (held, f"hold {VERSION} at 50 %: ERROR"),
        (cleared, f"all clear for {VERSION} at 50 %"),
        (settled, f"{VERSION} has settled in"),
    ],
)
def test_what_moves_nothing_says_nothing_of_what_comes_next(world_after, subject) -> None:
    head, rest = paragraphs(world_after())
    assert head == f"flight-delay: {subject}"
    assert not [part for part in rest if part.startswith(("Next", "To go", "Watched", "It does"))]


def test_a_promotion_without_a_bake_is_not_watched() -> None:
    world, _, now = in_stage(3, bake_after_promotion=None)
    tick(world, now + HOUR)
    assert f"{BACK}, or the merge." in paragraphs(world)[1]


def test_the_evidence_is_a_table_with_the_worst_first_and_each_query_once() -> None:
    world = rolled_back()
    record = world.commits[-1].record
    assert (
        world.commits[-1].message
        == f"""\
flight-delay: roll back {VERSION}

error rate: 20 % of 2,000 (at most 2 %); latency p95: 400 ms of 2,000 (at
most 150 ms); and 1 more

  FAIL         error rate     20 % of 2,000 (at most 2 %)
  FAIL         latency p95    400 ms of 2,000 (at most 150 ms)
  FAIL         latency spike  400 ms against 90 ms (less than 50 % above the champion's)
  PASS         challenger     answers
  PASS         champion       answers
  PASS         traffic        as recorded

It does not come back by itself. To try it again: commit
retry-{VERSION}-1.yaml in rollouts/flight-delay/commands.

Asked:
  error_rate of {VERSION}
  error_rate of {BEFORE}
  latency_p95 of {VERSION}
  latency_p95 of {BEFORE}

Perennial-Rollout: flight-delay {VERSION} 3
Perennial-Evidence: {record.digest}
"""
    )


def test_a_manifest_that_is_another_one_by_now_promises_nothing() -> None:
    record = started()[0].commits[-1].record
    for spec in (None, spec_of("d")):
        message = render_message(record, spec)
        assert message.startswith(f"flight-delay: 5 % to {VERSION}, stage 1\n")
        assert "Next" not in message
        assert "Asked" not in message


def test_texts_that_are_too_long_are_cut_and_words_are_never_broken() -> None:
    record = started()[0].commits[-1].record
    gate = GateEvidence(name="n" * 90, verdict="PASS", rule="r" * 300, reason="w" * 300)
    word = "a-" * 60
    long = record.model_copy(update={"reason": f"{word} {'x' * 2_000}", "gates": (gate,)})
    _, one, other, _, row, *_ = render_message(long, None).splitlines()[1:]
    assert (one, len(one) + 1 + len(other)) == (word, 1_000)
    assert [len(part) for part in row.split()[1:]] == [40, 200, 122]
