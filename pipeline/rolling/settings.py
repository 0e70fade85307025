"""Eyes and hands for one model, from configs/serving.yaml and the environment.

PROMETHEUS_URL, PROMETHEUS_TOKEN    where its metrics are
METRICS_TOKEN                       for a metrics provider of another kind
MLFLOW_TRACKING_URI (http), MLFLOW_TRACKING_TOKEN   the registry; without it no alias moves
ALERT_WEBHOOK_URL                   the chat; without it only issues are opened
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path

from pipeline.adapters.alerts import Webhook
from pipeline.adapters.metrics.file import FileMetrics
from pipeline.adapters.metrics.http_json import HttpJsonMetrics, Paths
from pipeline.adapters.model_health import ask_server
from pipeline.adapters.prometheus import Prometheus
from pipeline.adapters.registry_rest import RegistryRest
from pipeline.adapters.traffic import Backend, Traffic
from pipeline.core.rollout.effects import SetWeights
from pipeline.core.rollout.observation import Health, Role, Stop
from pipeline.errors import ConfigurationError, PipelineError
from pipeline.forge import Forge
from pipeline.manifest import RolloutSpec
from pipeline.rolling.alerting import Alerting
from pipeline.rolling.branch_traffic import KINDS, BranchTraffic
from pipeline.rolling.effects import Hands
from pipeline.rolling.giving import check_given
from pipeline.rolling.latch import Decided, Latch
from pipeline.rolling.measure import PlannedQueries, of_provider
from pipeline.rolling.model_state import ModelState
from pipeline.rolling.names import Names, versions_by_digest
from pipeline.rolling.observe import Eyes, Measure
from pipeline.rolling.recorded import provider_of, recorded_routing, salt_of
from pipeline.rolling.repository import RolloutRepository
from pipeline.rolling.traffic import LocalTraffic, RecordedTraffic, RolloutTraffic
from pipeline.rollout_status import Sample
from pipeline.serving_config import Serving, ServingConfig


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def _missing(fault: str) -> ConfigurationError:
    return ConfigurationError("configs/serving.yaml", [fault])


def local_provider(name: str, serving: Serving, folder: Path) -> Traffic:
    """Envoy or HAProxy with its files in `folder`. Raises ConfigurationError for another one."""
    settings = serving.traffic
    if name == "envoy":
        from pipeline.adapters.traffic.envoy import Envoy  # noqa: PLC0415 (jinja2: not always)

        return Envoy(
            folder, settings.port, settings.metrics_port, settings.host, settings.user_header
        )
    if name == "haproxy":
        from pipeline.adapters.traffic.haproxy import HAProxy  # noqa: PLC0415

        return HAProxy(
            folder, settings.port, settings.metrics_port, settings.host, settings.user_header
        )
    raise _missing(f"traffic: {name} is none that can be set on a machine")


def _is_answering(serving: Serving, backend: Backend, digest: str) -> bool:
    """Whether a server answers at a new address. Prometheus does not know it there: believed."""
    settings = serving.health
    if settings.source == "prometheus":
        return True
    seconds = settings.timeout.total_seconds()
    told = ask_server(backend.host, backend.port, settings.path, digest, seconds)
    return bool(told.is_answering)


@dataclass(frozen=True)
class Equipment:
    """What all models share. `stops` are those that a watchdog elsewhere reported, by model.

    `is_beside` says that this is the machine of the traffic layer: `reach: git` is for the others.
    """

    root: Path
    repository: RolloutRepository
    serving: ServingConfig
    environment: Mapping[str, str]
    tell: Callable[[str], None]
    forge: Callable[[], Forge] | None = None
    stops: Mapping[str, Stop] = field(default_factory=dict)
    clock: Callable[[], datetime] = utc_now
    is_beside: bool = False
    provider: Callable[[str, Serving, Path], Traffic] = local_provider

    def equip(self, state: ModelState, latch: Latch | None = None) -> tuple[Eyes, Hands]:
        """Eyes and hands for a model as git has it. Raises ConfigurationError.

        `latch` is that of `folder`, for who looks into it too; else they have one of their own.
        """
        serving = self.serving.of(state.model)
        champion = state.champion.digest if state.champion else ""
        versions = versions_by_digest(state)
        names = Names(state.model, versions, serving.backends.below(self.root), champion)
        latch = latch or Latch(self.folder(state.model))
        traffic = self.traffic(state, serving, names, latch)
        eyes = self._eyes(state, serving, names, traffic)
        return eyes, self._hands(state, serving, names, traffic)

    def sets_weights(self, serving: Serving) -> bool:
        """Whether traffic is set from here: elsewhere nobody needs to know where servers are."""
        return serving.traffic.reach == "local" or self.is_beside

    def traffic(
        self, state: ModelState, serving: Serving, names: Names, latch: Latch
    ) -> RolloutTraffic:
        """The traffic layer of a model, by what its manifest's plan names."""
        if not self.sets_weights(serving):
            return RecordedTraffic(recorded_routing(state), self.stops.get(state.model))
        name = provider_of(state)
        if name in KINDS:
            return BranchTraffic(
                self.repository, KINDS[name], serving.traffic.cluster, names, self.clock
            )
        provider = self.provider(name, serving, self.folder(state.model))
        return LocalTraffic(provider, latch, names, self.clock, partial(_is_answering, serving))

    def folder(self, model: str) -> Path:
        """The folder of the traffic provider's files, which the latch stands beside."""
        pattern = self.serving.of(model).traffic.folder
        return self.root / pattern.replace("{model}", model)

    def _eyes(
        self, state: ModelState, serving: Serving, names: Names, traffic: RolloutTraffic
    ) -> Eyes:
        def measure(spec: RolloutSpec, metric: str, role: Role, at: datetime) -> Sample:
            """Made when asked: one that cannot be made is blindness, and hinders no rollback."""
            return self._measure(state, serving)(spec, metric, role, at)

        return Eyes(
            traffic=traffic,
            measure=measure,
            ask_health=lambda spec, role: self._health(serving, names, spec, role),
            alias=lambda: self._alias(state.model),
        )

    def _measure(self, state: ModelState, serving: Serving) -> Measure:
        kind = state.spec.plan.metrics.provider if state.spec else "file"
        metrics, token = serving.metrics, self.environment.get("METRICS_TOKEN")
        if kind == "prometheus":
            return PlannedQueries(self.prometheus).measure
        if kind == "http":
            url, paths = metrics.url, Paths(**metrics.paths.model_dump())
            if url is None:
                raise _missing("metrics.url: the plan asks an HTTP provider")
            return of_provider(lambda age: HttpJsonMetrics(url, paths, max_age=age, token=token))
        pattern = metrics.file
        if pattern is None and state.spec is not None:
            raise _missing("metrics.file: the plan asks a file")
        path = self.root / (pattern or "").replace("{model}", state.model)
        return of_provider(lambda age: FileMetrics(path, age))

    def _health(self, serving: Serving, names: Names, spec: RolloutSpec, role: Role) -> Health:
        model = spec.challenger if role == "challenger" else spec.champion
        settings = serving.health
        if self.sets_weights(serving):
            names.backend(model.digest)  # an unknown address has to be told before it is needed
        if settings.source == "prometheus":
            version = spec.version if role == "challenger" else spec.champion_version
            query = settings.query.replace("{version}", version)
            found = self.prometheus.query(query, self.clock())
            known = {None: "no series says whether it is up", 0.0: f"{query} is 0"}
            return Health(None if found is None else found >= 1, known.get(found, ""))
        backend = names.backend(model.digest)
        seconds = settings.timeout.total_seconds()
        told = ask_server(backend.host, backend.port, settings.path, model.digest, seconds)
        return Health(told.is_answering, told.reason)

    def _alias(self, model: str) -> str | None:
        if self.registry is None:
            return None
        try:
            return self.registry.champion(model) or ""
        except PipelineError as error:
            self.tell(f"{model}: {error} The alias is looked at again by the next run.")
            return None

    def _hands(
        self, state: ModelState, serving: Serving, names: Names, traffic: RolloutTraffic
    ) -> Hands:
        def set_weights(effect: SetWeights, decided: Decided) -> None:
            spec = state.spec
            if spec is not None and effect.stop is None:
                ask = partial(self._health, serving, names, spec, "challenger")
                check_given(spec, traffic.observe().routing, effect.routing, ask)
            traffic.apply(effect.routing, effect.stop, decided=decided, salt=salt_of(state))

        def move_alias(digest: str) -> None:
            if self.registry is not None:
                self.registry.move_champion(state.model, digest)

        return Hands(
            set_weights=set_weights,
            move_alias=move_alias,
            alert=Alerting(self.forge, lambda: self.webhook, self.tell).send,
            commit=lambda seen, files, message: self.repository.commit(
                seen.snapshot, seen.model, files, message
            ),
        )

    @cached_property
    def prometheus(self) -> Prometheus:
        """Raises ConfigurationError without an address."""
        url = self.environment.get("PROMETHEUS_URL")
        if not url:
            raise _missing("PROMETHEUS_URL: not set in the environment")
        return Prometheus(url, self.environment.get("PROMETHEUS_TOKEN") or None)

    @cached_property
    def registry(self) -> RegistryRest | None:
        """None where no server is named: a registry in a file is nobody's to ask from here."""
        url = self.environment.get("MLFLOW_TRACKING_URI", "")
        token = self.environment.get("MLFLOW_TRACKING_TOKEN") or None
        return RegistryRest(url, token) if url.startswith(("http://", "https://")) else None

    @cached_property
    def webhook(self) -> Webhook | None:
        """None without an address. Raises ConfigurationError for a wrong one."""
        url = self.environment.get("ALERT_WEBHOOK_URL")
        return Webhook(url) if url else None
