"""The world as one reconcile sees it, asked at one moment; what cannot be asked says so itself.

Nobody here decides: a server that is silent gives a sample with an error, a health of None or a
routing of None, and the core holds. So does an answer that no code of ours expected: it is data of
somebody else's, and must not keep the other answers from being judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from pipeline.core.rollout.observation import UNKNOWN_HEALTH, Health, Observation, Role
from pipeline.core.rollout.state import current_rollout, stage_of
from pipeline.core.rollout.succession import goes_by
from pipeline.errors import PipelineError
from pipeline.manifest import RolloutSpec
from pipeline.rolling.model_state import ModelState
from pipeline.rolling.traffic import RolloutTraffic, Seen
from pipeline.rollout_config import CONDITIONS
from pipeline.rollout_status import Phase, RolloutStatus, Sample

MAX_AT_ONCE = 16
_RUNNING = (Phase.PROGRESSING, Phase.PAUSED, Phase.BAKING)
_MAX_REASON = 500

Measure = Callable[[RolloutSpec, str, Role, datetime], Sample]
Ask = Callable[[RolloutSpec, Role], Health]


@dataclass(frozen=True)
class Eyes:
    """What one model is observed with. `alias` gives the digest that the registry calls champion.

    None of these raises: see the functions that make them in `pipeline/rolling/settings.py`.
    """

    traffic: RolloutTraffic
    measure: Measure
    ask_health: Ask
    alias: Callable[[], str | None]


def look_at(
    state: ModelState, eyes: Eyes, now: datetime, told: Callable[[str], None] = lambda _: None
) -> Observation:
    """What is true outside git; all metrics are of the same minutes, the ones before `now`.

    `told` gets why the traffic layer does not say who gets what, and "" where it does: the core
    takes it for a fact without a reason, and people have to know where to look.
    """
    champion = state.champion.digest if state.champion else ""
    spec = state.spec
    with ThreadPoolExecutor(MAX_AT_ONCE) as pool:
        seen = pool.submit(_seen, eyes)
        alias = pool.submit(_alias, eyes)
        samples, healths = _ask_all(pool, spec, state.status, eyes, now)
        routing = seen.result()
        told(routing.reason if routing.routing is None else "")
        return Observation(
            champion=champion,
            routing=routing.routing,
            samples=samples,
            champion_health=healths["champion"],
            challenger_health=healths["challenger"],
            routed_since=routing.routed_since,
            alias=alias.result(),
            stop=routing.stop,
            commands=state.commands,
        )


def blind(state: ModelState) -> Observation:
    """What git alone tells: enough to see that nothing is due."""
    champion = state.champion.digest if state.champion else ""
    return Observation(champion=champion, routing=None, commands=state.commands)


def asked_metrics(spec: RolloutSpec, status: RolloutStatus) -> tuple[str, ...]:
    """The metrics that the stage's criteria and the plan's conditions read, in order."""
    rollout = current_rollout(status)
    if rollout is None or not goes_by(spec, rollout) or rollout.state.phase not in _RUNNING:
        return ()
    stage = stage_of(spec, rollout.state)
    criteria = [criterion.metric for criterion in stage.criteria] if stage else []
    conditions = spec.plan.rollback_conditions
    used = [m for name, m in CONDITIONS.items() if getattr(conditions, name) is not None]
    return tuple(dict.fromkeys([*criteria, *used]))


def _ask_all(
    pool: ThreadPoolExecutor,
    spec: RolloutSpec | None,
    status: RolloutStatus,
    eyes: Eyes,
    now: datetime,
) -> tuple[Sequence[Sample], dict[Role, Health]]:
    roles: tuple[Role, ...] = ("champion", "challenger")
    if spec is None:
        return (), dict.fromkeys(roles, UNKNOWN_HEALTH)
    healths = {role: pool.submit(_health, eyes, spec, role) for role in roles}
    metrics = asked_metrics(spec, status)
    asked = [(m, role) for m in metrics for role in reversed(roles)]
    samples = [pool.submit(_measured, eyes, spec, metric, role, now) for metric, role in asked]
    found = tuple(sample.result() for sample in samples)
    return found, {role: health.result() for role, health in healths.items()}


def _seen(eyes: Eyes) -> Seen:
    try:
        return eyes.traffic.observe()
    except Exception as error:  # noqa: BLE001 (what fails must be stopped all the same)
        return Seen(None, reason=_words(error))


def _measured(eyes: Eyes, spec: RolloutSpec, metric: str, role: Role, now: datetime) -> Sample:
    try:
        return eyes.measure(spec, metric, role, now)
    except Exception as error:  # noqa: BLE001 (one absurd answer must not hide the others)
        version = spec.version if role == "challenger" else spec.champion_version
        return Sample(
            metric=metric,
            role=role,
            version=version,
            window=spec.plan.metrics.queries[metric].window,
            error=_words(error),
        )


def _health(eyes: Eyes, spec: RolloutSpec, role: Role) -> Health:
    try:
        return eyes.ask_health(spec, role)
    except Exception as error:  # noqa: BLE001 (as above)
        return Health(None, _words(error))


def _alias(eyes: Eyes) -> str | None:
    try:
        return eyes.alias()
    except Exception:  # noqa: BLE001 (a registry that does not answer, or oddly, delays nothing)
        return None


def _words(error: Exception) -> str:
    """Why there is no answer. What no code expected is named: its words alone may say nothing."""
    is_expected = isinstance(error, PipelineError)
    return (str(error) if is_expected else f"{type(error).__name__}: {error}")[:_MAX_REASON]
