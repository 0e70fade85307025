"""The three things that the demo shows of a rollout: promoted, rolled back by itself, reverted."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pipeline.adapters.registry_rest import RegistryRest
from pipeline.champion import load_champion
from pipeline.demo.checkout import commit, git
from pipeline.demo.load import Load, Question
from pipeline.demo.production import Production
from pipeline.demo.rollout import Act, act
from pipeline.demo.timeline import HEAD, Timeline
from pipeline.errors import OutsideError
from pipeline.manifest import RolloutSpec, load_rollout, version_of
from pipeline.rolling.model_state import ModelState
from pipeline.rollout_status import Kind, Phase

MOST_PER_SECOND, FEWEST_PER_SECOND = 40.0, 3.0
SHARE_OF_CAPACITY = 0.25  # of one server's: all of them share the machine with those who ask
TRIED = 12


def new_timeline(repository: Path, model: str) -> Timeline:
    """One that knows all commits so far: what comes from now on is new."""
    known = git(repository, "log", "--format=%H", "--", f"rollouts/{model}").split()
    return Timeline(datetime.now(UTC), known=set(known))


def start_champion(production: Production) -> None:
    """The server of the champion, and a registry; both are waited for later."""
    champion = load_champion(production.repository, production.model)
    if champion is None:
        raise OutsideError(f"{production.repository}: {production.model} has no champion.")
    production.start_registry()
    production.start_model(version_of(champion.digest, champion.as_of), champion.digest)


def start_challenger(production: Production) -> None:
    """The server of the merged challenger, and Envoy, which sends everybody to the champion."""
    spec = _spec(production)
    production.start_model(spec.version, spec.challenger.digest)
    production.name_servers()
    production.open(spec.champion_version)
    production.write_settings()
    commit(production.repository, "Say where the models are served")


def users(production: Production, questions: Sequence[Question]) -> Load:
    """As many requests a second as this machine bears well while it does all the rest."""
    trial = Load(production.envoy.port, questions, per_second=1.0)
    seconds = statistics.median(trial.try_out(TRIED))
    rate = SHARE_OF_CAPACITY / seconds
    rate = min(MOST_PER_SECOND, max(FEWEST_PER_SECOND, rate))
    return Load(production.envoy.port, questions, rate, production.labels.add)


def promote(production: Production, timeline: Timeline, load: Load) -> None:
    """The merged challenger gets its traffic stage by stage, and becomes the champion."""
    print(f"{HEAD}", flush=True)
    with act(production, timeline, load) as play:
        play.mark("merged")
        play.until("promoted", lambda state: _has(state, Kind.PROMOTED))
        play.mark("promoted")
        state = play.until("settled", lambda state: _has(state, Kind.SETTLED))
        if _is_ended(state):
            why = state.status.records[-1].reason
            raise OutsideError(f"{_version(state)} was rolled back: {why} See {production.logs}")
        play.until("the champion everywhere", lambda _: _agree(production))
        play.say("champion.yaml, MLflow's alias and Envoy name it")


def misbehave_and_revert(
    production: Production, timeline: Timeline, load: Load, promotion: str
) -> None:
    """A challenger that fails is rolled back by itself; then a person reverts `promotion`."""
    spec = _spec(production)
    production.start_model(spec.version, spec.challenger.digest, is_faulty=True)
    production.name_servers()
    print(f"{HEAD}", flush=True)
    with act(production, timeline, load) as play:
        play.mark("merged, misbehaves")
        play.until("rolled back", _is_ended)
        play.mark("rolled back by itself")
        git(production.repository, "revert", "--no-edit", promotion)
        play.mark("promotion reverted")
        play.until("reverted", lambda _: _agree(production))
        play.say(f"champion.yaml, MLflow's alias and Envoy name {_champion(production)} again")
        _last_seconds(play)


def promotion_commit(production: Production, version: str) -> str:
    """The commit that made `version` the champion."""
    path = f"rollouts/{production.model}/champion.yaml"
    commits = git(production.repository, "log", "--format=%H %s", "--", path).splitlines()
    return next(line.split()[0] for line in commits if f"{version} is the champion" in line)


def _last_seconds(play: Act) -> None:
    """A moment more, so that users are seen with the one that is back."""
    end = play.seconds + 2
    play.until("over", lambda _: play.seconds >= end)


def _spec(production: Production) -> RolloutSpec:
    spec = load_rollout(production.repository, production.model)
    if spec is None:
        raise OutsideError(f"{production.repository}: no rollout.yaml of {production.model}.")
    return spec


def _champion(production: Production) -> str:
    champion = load_champion(production.repository, production.model)
    return version_of(champion.digest, champion.as_of) if champion else ""


def _agree(production: Production) -> bool:
    """Whether pointer, alias and traffic name one model, and nobody else gets anything."""
    champion = load_champion(production.repository, production.model)
    weights = production.envoy.observe()
    alias = RegistryRest(production.registry_url).champion(production.model)
    is_alone = weights.challenger is None and weights.champion.name == _champion(production)
    return is_alone and champion is not None and alias == champion.digest


def _has(state: ModelState, kind: Kind) -> bool:
    mine = [record for record in state.status.records if record.version == _version(state)]
    return any(record.kind is kind for record in mine) or _is_ended(state)


def _is_ended(state: ModelState) -> bool:
    records = state.status.records
    return (
        bool(records)
        and records[-1].phase is Phase.ROLLED_BACK
        and (records[-1].version == _version(state))
    )


def _version(state: ModelState) -> str:
    return state.spec.version if state.spec else ""
