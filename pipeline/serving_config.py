"""configs/serving.yaml as validated, frozen objects: where traffic, servers and metrics are.

What must not be in git, such as tokens and addresses of production, comes from the environment:
see `pipeline/rolling/settings.py`. `{model}` and `{version}` are filled in.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, model_validator

from pipeline.config import Identifier, Section, load_section
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.rollout_units import Duration

Port = Annotated[int, Field(gt=0, lt=65_536)]
Pattern = Annotated[str, Field(min_length=1, max_length=300)]
_ADDRESS = re.compile(r"\[?([A-Za-z0-9._:-]{1,253}?)\]?:([0-9]{1,5})")
MAX_ADDRESSES_BYTES = 1_000_000


class Backends(Section):
    """Where the server of a version is: by a pattern, or in a file that who starts servers writes.

    The file maps a version to `host:port`, a server a line; it is looked into each time.
    """

    address: Pattern | None = None
    file: Pattern | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.address is None) == (self.file is None):
            raise ValueError("expected either address or file")
        return self

    def below(self, root: Path) -> Backends:
        """The same, where a relative `file` is one of the repository at `root`."""
        if self.file is None:
            return self
        return self.model_copy(update={"file": str(root / self.file)})

    def address_text(self, model: str, version: str) -> str:
        """The address as it is written. Raises OutsideError where the file does not have it."""
        if self.address is not None:
            return self.address.replace("{model}", model).replace("{version}", version)
        path = Path((self.file or "").replace("{model}", model))
        found = load_addresses(path).get(version)
        if found is None:
            raise OutsideError(
                f"{path}: no address of {version}. Start its server, and write its line there."
            )
        return found

    def address_of(self, model: str, version: str) -> tuple[str, int]:
        """Host and port. Raises ConfigurationError, or OutsideError for what is not known yet."""
        text = self.address_text(model, version)
        found = _ADDRESS.fullmatch(text)
        if found is None or not 0 < int(found[2]) < 65_536:
            fault = f"address of {version}: found {text[:80]!r}, expected host:port"
            raise ConfigurationError("configs/serving.yaml", [fault])
        return found[1], int(found[2])


def load_addresses(path: Path) -> dict[str, str]:
    """The address of each version in the file at `path`; none before the first was started.

    Raises OutsideError for what is no such file, as while it is being written.
    """
    try:
        with path.open("rb") as file:
            found = yaml.safe_load(file.read(MAX_ADDRESSES_BYTES)) or {}
        return {str(version): str(address) for version, address in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, yaml.YAMLError, ValueError, TypeError, AttributeError) as error:
        fault = f"expected `version: host:port`, a server a line ({error})"
        raise OutsideError(f"{path}: {fault}. Write it anew.") from error


class ClusterSettings(Section):
    """Where in a cluster a model is served; see `Cluster` in pipeline/adapters/traffic.

    `branch` is the one that Argo CD or Flux applies: nobody else writes it, so that no revert on
    main can conflict with weights that changed since.
    """

    branch: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9/-]{0,99}$")] = "perennial/traffic"
    namespace: Pattern = "default"
    gateway: Pattern = "gateway"
    hostname: Pattern = "model.example"
    storage: str = ""
    model_format: Pattern = "sklearn"


class TrafficSettings(Section):
    """The traffic layer. `reach: local` is on the job's machine; `git` is one a watchdog sets.

    With `git` a job changes nothing: the watchdog beside the traffic layer does what the records
    say, and what it stopped is reported by repository_dispatch.
    """

    reach: Literal["local", "git"] = "local"
    folder: Pattern = ".serving/{model}"
    host: Pattern = "127.0.0.1"
    port: Port = 8_080
    metrics_port: Port = 9_901
    user_header: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")] = "x-user-id"
    cluster: ClusterSettings = ClusterSettings()


class HealthSettings(Section):
    """How a model server's health is known: by asking it, or by a query of its metrics.

    The `query` gives 1 where `{version}` answers and 0 where it does not.
    """

    source: Literal["server", "prometheus"] = "server"
    path: Pattern = "/healthz"
    query: Pattern = 'max(up{model_version="{version}"})'
    timeout: Duration = timedelta(seconds=3)


class MetricsPaths(Section):
    """JMESPath expressions on the answer of an HTTP provider."""

    value: Pattern = "value"
    n: Pattern = "n"
    sampled_at: Pattern = "sampled_at"
    version: Pattern = "version"


class MetricsSettings(Section):
    """What a metrics provider needs beside the plan: a file of samples, or a URL of JSON.

    The `url` has {name}, {version} and {window}. Prometheus' own address comes from PROMETHEUS_URL.
    """

    file: Pattern | None = None
    url: Pattern | None = None
    paths: MetricsPaths = MetricsPaths()


class Serving(Section):
    """How one model is served."""

    backends: Backends
    traffic: TrafficSettings = TrafficSettings()
    health: HealthSettings = HealthSettings()
    metrics: MetricsSettings = MetricsSettings()


class ServingConfig(Section):
    """Every model's settings; `default` is for those that are not named."""

    default: Serving | None = None
    models: dict[Identifier, Serving] = Field(default_factory=dict)

    def of(self, model: str) -> Serving:
        """The settings of `model`. Raises ConfigurationError where there are none."""
        found = self.models.get(model, self.default)
        if found is None:
            fault = f"models: nothing of {model!r}, and no default"
            raise ConfigurationError("configs/serving.yaml", [fault])
        return found


class _ServingFile(Section):
    serving: ServingConfig


def load_serving(root: Path) -> ServingConfig:
    """configs/serving.yaml of the repository at `root`. Raises ConfigurationError."""
    return load_section(_ServingFile, root / "configs" / "serving.yaml").serving
