"""The demo's rollout alone, with small packages: real servers, Envoy, MLflow, git and users."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.adapters.registry_rest import RegistryRest
from pipeline.champion import Champion, champion_path, load_champion, render_champion
from pipeline.demo import acts
from pipeline.demo.checkout import PLAN, commit, git, merge
from pipeline.demo.load import Load, Question, went_back
from pipeline.demo.production import Production, production
from pipeline.demo.timeline import Timeline
from pipeline.manifest import EvidenceRef, ModelIdentity, RolloutSpec, render_rollout, rollout_path
from pipeline.paths import fetched_package
from pipeline.rollout_config import parse_plan
from pipeline.rollout_status import load_status
from tests.repository import copy_repository
from tests.servers.model_server import BODY, build_tiny_package

MODEL = "flight-delay"
QUESTIONS = [Question(BODY.encode(), label=True)]


@dataclass
class Played:
    """What is left of the three acts."""

    place: Production
    timeline: Timeline
    first: Load
    second: Load
    specs: tuple[RolloutSpec, RolloutSpec]
    after_promotion: tuple[str, ...]
    after_revert: tuple[str, ...]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("demo")
    repository = copy_repository(folder / "flights")
    shutil.copy2(PLAN, repository / "configs/rollout-plan.yaml")
    april, july, january = (package(repository, seed) for seed in range(3))
    register(repository, april, july)
    champion_path(repository, MODEL).write_text(render_champion(champion_of(april)))
    commit(repository, "Approve the champion")
    with production(repository, MODEL, folder / "logs") as place:
        acts.start_champion(place)
        timeline = acts.new_timeline(repository, MODEL)
        passed = propose(repository, july, champion_of(april))
        merge(repository, "proposal", "Merge July's retrain")
        acts.start_challenger(place)
        first = acts.users(place, QUESTIONS)
        acts.promote(place, timeline, first)
        after_promotion = who_serves(place)
        overruled = propose(repository, january, load_champion(repository, MODEL))
        merge(repository, "proposal", "Merge January's retrain, which lost")
        second = acts.users(place, QUESTIONS)
        promotion = acts.promotion_commit(place, passed.version)
        acts.misbehave_and_revert(place, timeline, second, promotion)
        specs = passed, overruled
        yield Played(place, timeline, first, second, specs, after_promotion, who_serves(place))


def package(repository: Path, seed: int) -> ModelIdentity:
    """A tiny package where a fetched one would be."""
    made = repository.parent / f"package-{seed}"
    digest = build_tiny_package(made, seed=seed)
    shutil.copytree(made, fetched_package(repository, digest))
    as_of = datetime(2013, 7, 2 + seed, tzinfo=UTC)
    return ModelIdentity(digest=digest, package_md5=f"{seed:032d}.dir", as_of=as_of)


def register(repository: Path, *models: ModelIdentity) -> None:
    """Versions in the database that the demo's MLflow server reads."""
    from mlflow import MlflowClient  # noqa: PLC0415 (takes seconds)

    client = MlflowClient(f"sqlite:///{repository}/mlflow.db")
    client.create_registered_model(MODEL)
    for model in models:
        tags = {"model_digest": model.digest}
        client.create_model_version(MODEL, f"file://{repository}", tags=tags)


def champion_of(model: ModelIdentity) -> Champion:
    return Champion(
        model=MODEL,
        digest=model.digest,
        package_md5=model.package_md5,
        as_of=model.as_of,
        approved_by="Ada",
        reason="the first",
    )


def propose(repository: Path, challenger: ModelIdentity, champion: Champion | None) -> RolloutSpec:
    """A branch with the manifest."""
    assert champion is not None
    spec = RolloutSpec(
        model=MODEL,
        version=challenger.version,
        retrain=f"{MODEL}-0001",
        challenger=challenger,
        champion=champion,
        evidence=EvidenceRef(path=f"evidence/{MODEL}", digest=challenger.digest),
        plan=parse_plan(PLAN.read_text(), "rollout-plan.yaml"),
    )
    git(repository, "checkout", "--quiet", "-B", "proposal")
    rollout_path(repository, MODEL).write_text(render_rollout(spec))
    commit(repository, f"Propose {spec.version}")
    git(repository, "checkout", "--quiet", "main")
    return spec


def who_serves(place: Production) -> tuple[str, ...]:
    """The digest in champion.yaml, that of the alias, and the version that Envoy sends all to."""
    champion = load_champion(place.repository, MODEL)
    assert champion is not None
    weights = place.envoy.observe()
    alias = RegistryRest(place.registry_url).champion(MODEL)
    assert weights.challenger is None
    return champion.digest, str(alias), weights.champion.name


def test_a_passed_challenger_is_promoted_and_nobody_goes_back_meanwhile(played: Played) -> None:
    july = played.specs[0]
    assert played.after_promotion == (july.challenger.digest, july.challenger.digest, july.version)
    assert went_back(played.first.answers, july.champion_version) == set()
    weights = [
        event.weight_percent
        for event in played.timeline.events
        if july.version in event.subject and event.weight_percent is not None
    ]
    *upwards, after_revert = weights
    assert upwards == sorted(upwards)
    assert set(upwards) == {5, 25, 50, 100}
    assert after_revert == 0
    assert {answer.status for answer in played.first.answers} == {200}


def test_a_challenger_that_misbehaves_is_rolled_back_without_anyone(played: Played) -> None:
    january = played.specs[1]
    served = [a for a in played.second.answers if a.version == january.version]
    assert {answer.status for answer in served} <= {200, 500}
    assert served
    records = load_status(played.place.repository, MODEL).records
    (ended,) = (one for one in records if one.version == january.version and one.phase.is_ended)
    # Whichever was seen first: of few answers, all may have been late and none have failed.
    assert "p95" in ended.reason or "error rate" in ended.reason
    subjects = [event.subject for event in played.timeline.events]
    ended = subjects.index(f"{MODEL}: roll back {january.version}")
    assert played.timeline.events[ended].weight_percent == 0
    assert subjects[ended + 1].startswith('Revert "')
    assert subjects[ended + 2] == f"{MODEL}: roll back {played.specs[0].version}"
    assert played.second.lost == []
    assert all(answer.version == january.version for answer in played.second.failed)


def test_the_revert_of_the_promotion_brings_the_former_champion_back(played: Played) -> None:
    july = played.specs[0]
    champion = july.champion.digest
    assert played.after_revert == (champion, champion, july.champion_version)
    last = max(played.second.answers, key=lambda answer: answer.due)
    assert (last.status, last.version) == (200, july.champion_version)
