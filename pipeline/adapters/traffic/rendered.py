"""Traffic of a cluster: a file in git, which Argo CD or Flux applies.

So this repository holds no credentials of a cluster. What is observed is what git says; whether
the cluster has applied it is for Argo CD or Flux to tell.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipeline.adapters.traffic.base import Backend, Weights, host_fault, mirror_faults, name_fault
from pipeline.adapters.traffic.files import render, save_durably
from pipeline.errors import ConfigurationError, OutsideError

MAX_BYTES = 10_000
_STORAGE = re.compile(r"[a-z][a-z0-9]{0,15}://[A-Za-z0-9._/-]{1,300}")
_ANNOTATION = re.compile(rb'^    perennial/([a-z-]+): ("[^"\\]{0,400}")$', re.MULTILINE)
_NOBODY = "-"


class Kind(StrEnum):
    """What is rendered; the value is the template's name and the file's."""

    HTTP_ROUTE = "httproute"  # Gateway API v1
    VIRTUAL_SERVICE = "virtualservice"  # Istio v1
    INFERENCE_SERVICE = "inferenceservice"  # KServe v1beta1


@dataclass(frozen=True)
class Cluster:
    """Where in a cluster the model is served. `storage` is for KServe: …://…/{version}."""

    model: str
    namespace: str
    gateway: str = "gateway"
    hostname: str = "model.example"
    storage: str = ""
    model_format: str = "sklearn"


@dataclass(frozen=True)
class Rendered:
    """The file `rollouts/<model>/traffic/<kind>.yaml` below the repository's `root`."""

    root: Path
    kind: Kind
    cluster: Cluster

    def __post_init__(self) -> None:
        cluster = self.cluster
        labels = ("model", "namespace", "gateway", "model_format")
        faults = [name_fault(label, getattr(cluster, label)) for label in labels]
        faults.append(host_fault("hostname", cluster.hostname))
        if self.kind is Kind.INFERENCE_SERVICE and not _is_storage(cluster.storage):
            fault = (
                f"storage: found {cluster.storage!a:.80}, expected such as s3://models/{{version}}"
            )
            faults.append(fault)
        if any(faults):
            raise ConfigurationError("traffic", [fault for fault in faults if fault])

    @property
    def path(self) -> Path:
        """The file, which is the truth."""
        return self.root / "rollouts" / self.cluster.model / "traffic" / f"{self.kind}.yaml"

    def render(self, weights: Weights) -> str:
        """The file's text: the same bytes each time. Raises ConfigurationError with every fault."""
        faults = [fault for fault in self._faults(weights) if fault]
        if faults:
            raise ConfigurationError("traffic", faults)
        challenger = weights.challenger
        newest = challenger or weights.champion
        told = {
            "champion_told": weights.champion.told,
            "challenger_told": challenger.told if challenger else _NOBODY,
            "basis_points": weights.challenger_basis_points,
            "salt": weights.salt,
            "is_mirrored": weights.is_mirrored,
        }
        return render(
            f"{self.kind}.yaml.j2",
            **vars(self.cluster),
            **told,
            annotations=render("annotations.yaml.j2", **told),
            champion=weights.champion,
            challenger=challenger,
            storage_uri=self.cluster.storage.replace("{version}", newest.name),
        )

    def apply(self, wanted: Weights) -> None:
        """See Traffic: write the file. It is for the caller to commit it."""
        save_durably(self.path, self.render(wanted))

    def observe(self) -> Weights:
        """See Traffic: what the file says. A file that we would not write is an OutsideError."""
        try:
            with self.path.open("rb") as file:
                raw = file.read(MAX_BYTES)
            weights = _parse(raw)
            is_ours = self.render(weights).encode() == raw
        except FileNotFoundError as error:
            raise OutsideError(f"{self.path}: not found. Apply writes it.") from error
        except (LookupError, TypeError, ValueError, ConfigurationError) as error:
            raise OutsideError(f"{self.path}: not a file of ours. Apply writes it anew.") from error
        if not is_ours:
            raise OutsideError(f"{self.path}: was changed by hand. Apply writes it anew.")
        return weights

    def _faults(self, weights: Weights) -> list[str | None]:
        faults: list[str | None] = []
        if self.kind is Kind.INFERENCE_SERVICE:
            faults += mirror_faults(weights, "KServe")
        points = weights.challenger_basis_points
        if self.kind is not Kind.HTTP_ROUTE and points % 100:
            faults.append(f"challenger_basis_points: found {points}, expected whole percents")
        for backend in weights.backends:
            where = f"{backend.name}.host"
            if backend.is_address:
                faults.append(f"{where}: found {backend.host}, expected the name of a Service")
            elif self.kind is Kind.HTTP_ROUTE:
                faults.append(name_fault(where, backend.host))
        return faults


def _parse(raw: bytes) -> Weights:
    """What our annotations say. The rest is not parsed at all: it is rendered and compared."""
    told = {key.decode(): json.loads(value) for key, value in _ANNOTATION.findall(raw)}
    challenger = told["challenger"]
    return Weights(
        champion=_backend(told["champion"]),
        challenger=None if challenger == _NOBODY else _backend(challenger),
        challenger_basis_points=int(told["challenger-basis-points"]),
        salt=told["salt"],
        is_mirrored="mirrored" in told,
    )


def _backend(told: Any) -> Backend:
    name, host, port = re.split("[@:]", told)
    return Backend(name, host, int(port))


def _is_storage(storage: str) -> bool:
    return storage.count("{version}") == 1 and bool(
        _STORAGE.fullmatch(storage.replace("{version}", "v"))
    )
