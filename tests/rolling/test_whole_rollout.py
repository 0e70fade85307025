"""A rollout from its merge to its end, on real git."""

from __future__ import annotations

from pipeline.rolling.effects import Hands
from pipeline.rolling.model_state import ModelState
from pipeline.rolling.observe import Eyes
from pipeline.rolling.reconciler import Reconciler
from pipeline.rollout_status import Phase
from tests.repository import git
from tests.rolling.rolled import Rolled, file_spec, roll


def test_a_merge_is_rolled_out_stage_by_stage_and_promoted(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    before = world.commits()
    roll(world, spec, "settled")

    assert world.kinds() == ["stage-1", "stage-2", "stage-3", "promoted", "settled"]
    assert world.commits() == before + 5
    assert world.served() == spec.version
    assert world.share() == 0
    champion = world.champion()
    assert champion.digest == spec.challenger.digest
    assert champion.previous == spec.champion.digest
    assert champion.approved_by == "test"  # as the helpers of git commit
    shares = (world.serving / "weights.log").read_text().split()
    assert shares == ["0", "500", "5000", "10000", "0"]


def test_nothing_to_do_makes_no_commit_and_changes_no_byte(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    world.record(spec)
    world.reconcile()
    tip = world.tip()
    there = {p: p.read_bytes() for p in world.serving.iterdir()}
    found = world.reconcile()
    assert [result.steps for result in found] == [()]
    assert world.tip() == tip
    assert {p: p.read_bytes() for p in world.serving.iterdir()} == there


def test_the_commit_of_a_stage_is_by_us_and_tells_its_evidence(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-2")
    told = git(world.folder / "remote.git", "log", "-1", "--format=%an <%ae>%n%B", "main")
    assert told.startswith("perennial <perennial@noreply.invalid>\n")
    assert "flight-delay: 50 % to" in told
    assert "PASS" in told
    assert "Perennial-Evidence: sha256:" in told


def test_the_promotion_writes_what_monitoring_compares_with(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "promoted")
    world.pull()
    text = (world.people / "rollouts/flight-delay/reference.json").read_text()
    assert spec.challenger.digest in text
    assert "2013-07-01T00:00:00Z" in text


def test_a_challenger_that_fails_goes_to_zero_and_stays_there(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-2")
    world.record(spec, challenger={"error_rate": 0.2, "latency_p95": 90.0})
    world.reconcile()
    record = world.status.records[-1]
    assert record.phase is Phase.ROLLED_BACK
    assert "error rate" in record.reason
    assert world.share() == 0
    stop = world.latch()
    assert stop is not None
    assert stop.version == spec.version
    world.record(spec)
    tip = world.tip()
    world.reconcile()
    assert world.tip() == tip


def test_a_bug_that_one_model_meets_is_its_own_failure(world: Rolled) -> None:
    world.merge(file_spec())
    repository = world.repository("clumsy")

    def equip(_: ModelState) -> tuple[Eyes, Hands]:
        raise ZeroDivisionError

    told: list[str] = []
    clumsy = Reconciler(repository, equip, lambda: world.now, told.append, is_applied=True)
    (result,) = clumsy.run()
    assert [error.exit_code for error in result.failures] == [70]
    assert "ZeroDivisionError" in told[-1]
