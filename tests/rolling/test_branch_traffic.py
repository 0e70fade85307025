"""A cluster's weights on the branch perennial/traffic: real git, and whoever else writes there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.core.rollout.observation import Routing, Stop
from pipeline.errors import GateRefused, OutsideError
from pipeline.manifest import RolloutSpec
from pipeline.rolling.branch_traffic import KINDS, BranchTraffic
from pipeline.rolling.latch import Decided
from pipeline.rolling.model_state import load_model
from pipeline.rollout_status import Phase
from pipeline.serving_config import ClusterSettings, ServingConfig
from tests.repository import git
from tests.rolling.rolled import Rolled, file_spec, serving_config
from tests.rollouts import BAD, HOUR, START

BRANCH = "perennial/traffic"
SALT = "salt"
DECIDED = Decided(1, 1)


def merge(world: Rolled, provider: str) -> RolloutSpec:
    """A rollout by `provider`; a cluster calls servers by name, and a Service has no address."""
    spec = file_spec(traffic_provider=provider)
    world.merge(spec)
    path = world.serving / "addresses.yaml"
    path.write_text(path.read_text().replace("127.0.0.1", "localhost"))
    return spec


def serving_of(world: Rolled) -> ServingConfig:
    """The world's settings, with a place that KServe can load models from."""
    serving = serving_config(world.serving)
    assert serving.default is not None
    cluster = ClusterSettings(storage="s3://models/{version}")
    traffic = serving.default.traffic.model_copy(update={"cluster": cluster})
    default = serving.default.model_copy(update={"traffic": traffic})
    return serving.model_copy(update={"default": default})


def go_on(world: Rolled, spec: RolloutSpec, until: str) -> None:
    for _ in range(20):
        world.record(spec)
        world.reconcile(serving=serving_of(world))
        if until in world.kinds():
            return
        world.now += HOUR
    raise AssertionError(world.said[-3:])


def traffic_of(world: Rolled, name: str = "runner") -> BranchTraffic:
    equipment = world.equipment(world.repository(name), serving=serving_of(world))
    snapshot = equipment.repository.snapshot()
    eyes, _ = equipment.equip(load_model(snapshot, snapshot.models[world.model]))
    assert isinstance(eyes.traffic, BranchTraffic)
    return eyes.traffic


def on_branch(world: Rolled, *arguments: str) -> list[str]:
    return git(world.folder / "remote.git", *arguments).splitlines()


def commits(world: Rolled) -> int:
    return len(on_branch(world, "rev-list", BRANCH))


@pytest.mark.parametrize("provider", sorted(KINDS))
def test_a_whole_rollout_is_commits_on_the_branch_and_nothing_of_it_on_main(
    world: Rolled, provider: str
) -> None:
    spec = merge(world, provider)
    go_on(world, spec, "promoted")
    subjects = on_branch(world, "log", "--reverse", "--format=%s", BRANCH)
    shares = ("5 %", "50 %", "100 %", "0 %")
    assert subjects == [f"{world.model}: the challenger gets {share}" for share in shares]
    listed = on_branch(world, "ls-tree", "-r", "--name-only", BRANCH)
    folder = f"rollouts/{world.model}/traffic"
    path = f"{folder}/{KINDS[provider]}.yaml"
    assert listed == sorted([path, f"{folder}/perennial.yaml"])
    rendered = "\n".join(on_branch(world, "show", f"{BRANCH}:{path}"))
    assert spec.version in rendered
    assert spec.champion_version not in rendered
    assert not on_branch(world, "ls-tree", "-r", "--name-only", "main", "--", folder)
    tip = on_branch(world, "rev-parse", BRANCH)
    world.record(spec)
    world.reconcile(serving=serving_of(world))
    assert on_branch(world, "rev-parse", BRANCH) == tip


def test_a_failing_challenger_is_latched_on_the_branch_before_anything_is_on_main(
    world: Rolled,
) -> None:
    spec = merge(world, "gateway-api")
    go_on(world, spec, "stage-2")
    before = world.commits()
    world.record(spec, challenger=BAD)
    assert world.reconcile_and_be_killed(0, after=True)
    assert world.commits() == before
    seen = traffic_of(world).observe()
    assert seen.routing is not None
    assert (seen.routing.challenger_percent, seen.stop and seen.stop.version) == (0, spec.version)
    world.record(spec)
    world.reconcile()
    assert world.status.records[-1].phase is Phase.ROLLED_BACK


@pytest.fixture
def half(world: Rolled):
    """A rollout at 50 %, by nobody but this."""
    spec = merge(world, "istio")
    traffic = traffic_of(world)
    routing = Routing(spec.champion.digest, spec.challenger.digest, 50.0)
    assert traffic.observe().routing == Routing(spec.champion.digest)  # there is no branch yet
    traffic.apply(routing, None, decided=DECIDED, salt=SALT)
    return spec, traffic, routing


def test_what_is_there_already_makes_no_commit(world: Rolled, half) -> None:
    _, traffic, routing = half
    tip = on_branch(world, "rev-parse", BRANCH)
    world.now = START.replace(year=2014)
    traffic.apply(routing, None, decided=DECIDED, salt=SALT)
    assert on_branch(world, "rev-parse", BRANCH) == tip
    seen = traffic.observe()
    assert seen.routing == routing
    assert seen.routed_since == START


def test_of_two_writers_at_once_the_second_builds_on_the_first(
    world: Rolled, half, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, traffic, routing = half
    other = traffic_of(world, "another")
    stop = Stop(spec.version, 1, "errors", START)
    swap, raced = traffic._branch.swap, []

    def lose_once(tip, commit):
        if not raced:
            raced.append(tip)
            other.apply(replace(routing, challenger_percent=0.0), stop, decided=DECIDED, salt=SALT)
        return swap(tip, commit)

    monkeypatch.setattr(traffic._branch, "swap", lose_once)
    more = replace(routing, challenger_percent=100.0)
    with pytest.raises(GateRefused, match=r"was stopped at the traffic layer \(errors\)"):
        traffic.apply(more, None, decided=DECIDED, salt=SALT)
    seen = traffic.observe()
    assert seen.stop == stop
    assert seen.routing is not None
    assert seen.routing.challenger_percent == 0
    assert on_branch(world, "merge-base", "--is-ancestor", raced[0], BRANCH) == []  # not forced
    assert commits(world) == 2


def test_another_attempt_may_have_what_an_earlier_one_was_stopped_for(world: Rolled, half) -> None:
    spec, traffic, routing = half
    stop = Stop(spec.version, 1, "errors", START)
    traffic.apply(replace(routing, challenger_percent=0.0), stop, decided=DECIDED, salt=SALT)
    traffic.apply(routing, None, decided=Decided(2, 5), salt=SALT)
    seen = traffic.observe()
    assert (seen.routing, seen.stop) == (routing, None)
    with pytest.raises(GateRefused, match="weights of record 0005 are set"):
        traffic.apply(replace(routing, challenger_percent=5.0), None, decided=DECIDED, salt=SALT)


def test_a_file_that_was_changed_by_hand_is_not_believed_and_is_put_right(
    world: Rolled, half
) -> None:
    _, traffic, routing = half
    git(world.people, "fetch", "--quiet", "origin", BRANCH)
    git(world.people, "checkout", "--quiet", "-B", "by-hand", "FETCH_HEAD")
    path = world.people / f"rollouts/{world.model}/traffic/virtualservice.yaml"
    path.write_text(path.read_text().replace("weight: 50", "weight: 90", 1))
    git(world.people, "commit", "--quiet", "--all", "--message=By hand")
    git(world.people, "push", "--quiet", "origin", f"HEAD:{BRANCH}")
    git(world.people, "checkout", "--quiet", "main")
    seen = traffic.observe()
    assert seen.routing is None
    assert seen.reason
    traffic.apply(routing, None, decided=DECIDED, salt=SALT)
    assert traffic.observe().routing == routing


def test_a_remote_that_is_away_says_nothing_and_sets_nothing(world: Rolled, half) -> None:
    _, traffic, routing = half
    (world.folder / "remote.git").rename(world.folder / "away.git")
    assert traffic.observe().routing is None
    with pytest.raises(OutsideError):
        traffic.apply(replace(routing, challenger_percent=5.0), None, decided=DECIDED, salt=SALT)
