"""Who was served during a rollout: its records in git say so, and so do the buckets."""

from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.core.routing import assign
from pipeline.manifest import render_rollout
from pipeline.rollout_status import Phase, render_record
from pipeline.tracing.past import Past
from pipeline.tracing.serving import answered, serving_at
from tests.repository import commit, git
from tests.rollouts import BAD, MODEL, START, run_until, samples, spec_of, tick, world_of

SECOND = timedelta(seconds=1)


def served(past: Past, unit: str, at) -> str:
    return answered(serving_at(past, at), unit)[0]


def history_of(root: Path, spec, world) -> Past:
    folder = root / "rollouts" / MODEL
    (folder / "status").mkdir(parents=True)
    (folder / "rollout.yaml").write_text(render_rollout(spec), encoding="utf-8")
    for record in world.status.records:
        path = folder / "status" / record.name
        path.write_text(render_record(record), encoding="utf-8")
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root, "A rollout")
    return Past(root, MODEL)


def rolled_out(spec):
    world = world_of(spec)
    now = run_until(world, Phase.BAKING, START)
    return world, now


def test_each_stage_has_its_share_and_the_promoted_model_all(tmp_path):
    spec = spec_of()
    world, _ = rolled_out(spec)
    history = history_of(tmp_path, spec, world)
    staged = [r for r in world.status.records if 0 < r.weight_percent < 100]
    assert staged
    for record in staged:
        for unit in map(str, range(10)):
            is_challengers = assign(spec.version, unit) < record.weight_percent * 100
            expected = record.challenger if is_challengers else record.champion
            assert served(history, unit, record.at + SECOND) == expected
    last = world.status.records[-1]
    assert last.phase.is_promoted
    assert served(history, "anyone", last.at + SECOND) == spec.challenger.digest


def test_a_rollout_with_a_test_routes_by_the_test_s_salt(tmp_path):
    spec = spec_of(ab_test="exp-1")
    world, _ = rolled_out(spec)
    history = history_of(tmp_path, spec, world)
    record = next(r for r in world.status.records if 0 < r.weight_percent < 100)
    share = record.weight_percent * 100
    everyone = map(str, range(5_000))
    units = [
        u for u in everyone if (assign("exp-1", u) < share) != (assign(spec.version, u) < share)
    ]
    units = units[:20]  # whom the two salts treat differently
    found = {u: served(history, u, record.at + SECOND) for u in units}
    assert found == {
        unit: record.challenger if assign("exp-1", unit) < share else record.champion
        for unit in found
    }


@pytest.mark.parametrize("is_reverted", [False, True])
def test_after_a_rollback_it_is_the_champion_even_if_the_record_is_gone(tmp_path, is_reverted):
    spec = spec_of()
    world, now = rolled_out(spec)
    tick(world, now, samples(spec, now, challenger=BAD))
    history = history_of(tmp_path, spec, world)
    last = world.status.records[-1]
    if is_reverted:
        (tmp_path / "rollouts" / MODEL / "status" / last.name).unlink()
        commit(tmp_path, "Take the record back")
        history = Past(tmp_path, MODEL)
    expected = last.challenger if last.phase.is_promoted else last.champion
    assert served(history, "anyone", last.at + SECOND) == expected
