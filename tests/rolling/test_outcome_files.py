"""The evidence package tells what became of its rollout, in the commit that records it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.core.evidence import Subject, build_evidence, package_digest, package_faults
from pipeline.core.rollout.observation import Stop
from pipeline.manifest import RolloutSpec, render_rollout, rollout_path
from pipeline.rolling.latch import Latch
from tests.repository import git
from tests.rolling.rolled import Rolled, file_spec, roll
from tests.rollouts import BAD

REFERENCE = b'{"until": "2013-07-01T00:00:00Z", "metrics": {}, "columns": {}}\n'


@pytest.fixture
def spec(world: Rolled) -> RolloutSpec:
    """A manifest whose evidence package is in the repository."""
    return with_package(world, file_spec())


def with_package(world: Rolled, spec: RolloutSpec) -> RolloutSpec:
    subject = Subject(
        model=spec.model,
        version=spec.version,
        digest=spec.challenger.digest,
        champion=spec.champion.digest,
        commit=None,
        changed=(),
        data_digest=f"sha256:{'d' * 64}",
        holdout_digest=f"sha256:{'e' * 64}",
    )
    files = {"artifacts/reference.json": REFERENCE}
    for path, raw in build_evidence(subject, files, {}).items():
        file = world.people / spec.evidence.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(raw)
    return spec


def package_of(world: Rolled, spec: RolloutSpec) -> dict[str, bytes]:
    world.pull()
    folder = world.people / spec.evidence.path
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def outcomes(world: Rolled, spec: RolloutSpec) -> list[str]:
    return sorted(path for path in package_of(world, spec) if path.startswith("outcome/"))


def test_a_promotion_is_told_with_its_stages_and_the_package_stays_sound(
    world: Rolled, spec: RolloutSpec
) -> None:
    world.merge(spec)
    digest = package_digest(package_of(world, spec))
    roll(world, spec, "settled")
    assert outcomes(world, spec) == ["outcome/0004-promoted.md", "outcome/0005-settled.md"]
    package = package_of(world, spec)
    assert package_faults(package, digest) == ()
    told = package["outcome/0005-settled.md"].decode()
    assert told.startswith(f"# flight-delay {spec.version}: Promoted\n")
    assert [line.split(" | ")[1] for line in told.splitlines() if "| 2013" in line] == [
        "0001-stage-1", "0002-stage-2", "0003-stage-3", "0004-promoted", "0005-settled",
    ]  # fmt: skip
    world.reconcile()
    assert package_of(world, spec) == package


def test_no_revert_conflicts_with_it_and_each_takes_back_what_it_told(
    world: Rolled, spec: RolloutSpec
) -> None:
    merge = world.merge(spec)
    roll(world, spec, "promoted")
    promotion = world.tip()
    roll(world, spec, "settled")
    world.revert(promotion)
    assert outcomes(world, spec) == ["outcome/0005-settled.md"]
    world.reconcile()
    assert outcomes(world, spec) == ["outcome/0005-settled.md", "outcome/0006-ended.md"]
    assert "0004-promoted" in package_of(world, spec)["outcome/0006-ended.md"].decode()
    world.revert(merge)  # the package goes, and nothing keeps the champion from serving
    world.reconcile()
    assert world.served() == spec.champion_version
    assert set(package_of(world, spec)) == {"outcome/0005-settled.md", "outcome/0006-ended.md"}


def test_a_kill_leaves_the_record_and_its_outcome_or_neither(
    world: Rolled, spec: RolloutSpec
) -> None:
    world.merge(spec)
    roll(world, spec, "stage-2")
    world.record(spec, challenger=BAD)
    for number in range(4):
        world.reconcile_and_be_killed(number, after=False)
        shown = git(world.folder / "remote.git", "ls-tree", "-r", "--name-only", "main")
        assert ("status/0003-ended.yaml" in shown) == ("outcome/0003-ended.md" in shown)
    world.reconcile()
    assert outcomes(world, spec) == ["outcome/0003-ended.md"]
    assert "error rate" in package_of(world, spec)["outcome/0003-ended.md"].decode()


def test_a_package_that_is_damaged_or_elsewhere_keeps_nobody_from_rolling_back(
    world: Rolled, spec: RolloutSpec
) -> None:
    manifest = world.people / spec.evidence.path / "manifest.json"
    manifest.write_text("[")
    world.merge(spec)
    roll(world, spec, "stage-2")
    world.record(spec, challenger=BAD)
    world.reconcile()
    assert world.share() == 0
    assert outcomes(world, spec) == []


def test_a_bake_by_an_edited_plan_is_told_as_well(world: Rolled, spec: RolloutSpec) -> None:
    world.merge(spec)
    roll(world, spec, "promoted")
    world.pull()
    edited = spec.model_copy(update={"retrain": "flight-delay-9999"})
    rollout_path(world.people, world.model).write_text(render_rollout(edited))
    world.push("Edit the manifest")
    roll(world, spec, "settled")
    assert outcomes(world, spec) == ["outcome/0004-promoted.md", "outcome/0005-settled.md"]


def test_the_stop_of_a_champion_is_not_told_in_the_package_of_what_was_refused_since(
    world: Rolled, spec: RolloutSpec
) -> None:
    world.merge(spec)
    roll(world, spec, "settled")
    later = with_package(world, file_spec("d"))
    world.merge(later)
    world.record(later)
    world.reconcile()
    assert outcomes(world, later) == ["outcome/0006-ended.md"]
    stop = Stop(spec.version, 1, "rolled back here", world.now)
    latch = Latch(world.serving)
    latch.save(replace(latch.load(), stop=stop))
    world.reconcile()
    assert world.status.records[-1].challenger == spec.challenger.digest
    assert outcomes(world, later) == ["outcome/0006-ended.md"]
