"""Traffic by HAProxy: a threshold in a map, changed through the runtime socket without a reload.

HAProxy forgets such changes when it ends, so they are written too: `haproxy.cfg` has the addresses
and `traffic.map` the weights and names. A restarted HAProxy begins with both.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from pipeline.adapters.traffic.base import USER_HEADER, Backend, Weights, mirror_faults
from pipeline.adapters.traffic.files import check_proxy, render, save_durably
from pipeline.adapters.traffic.haproxy_runtime import Runtime
from pipeline.errors import ConfigurationError, OutsideError

_UNKNOWN = "unknown"
_NOBODY = "-"


@dataclass(frozen=True)
class HAProxy:
    """A HAProxy with its files in `folder`, serving on `port` and its metrics on `metrics_port`.

    Users are known by the request header `header`. Backends must have IP addresses: that is all
    that can be set in a HAProxy that runs.
    """

    folder: Path
    port: int
    metrics_port: int
    host: str = "127.0.0.1"
    header: str = USER_HEADER
    max_connections: int = 4_000

    def __post_init__(self) -> None:
        check_proxy("HAProxy", self.folder, self.host, self.header)

    def prepare(self, weights: Weights) -> None:
        """Write all files for a start of HAProxy that serves `weights`; change nothing that runs.

        Where they are there already, they are left as they are: it is what was served last.
        """
        if not self._map.is_file() or not self._config.is_file():
            self._write(weights)

    def command(self) -> list[str]:
        """The command that runs it in the foreground. Raises ConfigurationError without one."""
        found = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
        if found is None:
            raise ConfigurationError("HAProxy", ["not found: install haproxy"])
        return [found, "-db", "-f", str(self._config)]

    def apply(self, wanted: Weights) -> None:
        """See Traffic. A challenger is moved only while nobody is sent to it.

        The order matters for a kill in between: each state on the way serves every user. Where the
        files cannot be written, traffic is taken away in the HAProxy that runs all the same.
        """
        try:
            self._write(wanted)
        except OutsideError:
            if wanted.is_no_more_than(self.observe()):
                self._set(wanted)
            raise
        self._set(wanted)

    def _set(self, wanted: Weights) -> None:
        """In the HAProxy that runs."""
        runtime = self._runtime
        runtime.set_server("champion/primary", _address(wanted.champion))
        runtime.set_server("challenger/fallback", _address(wanted.champion))
        new = _address(wanted.challenger or wanted.champion)
        if runtime.servers().get("challenger/primary") != new:
            runtime.set_map(self._map, {"weights": f"0:{wanted.salt}"})
            runtime.set_server("challenger/primary", new)
        runtime.set_map(self._map, _entries(wanted))
        if self.observe() != wanted:
            raise OutsideError(f"HAProxy at {self.folder}: serves {self.observe()}, not {wanted}.")

    def observe(self) -> Weights:
        """See Traffic. A server at an address that the map does not name is called `unknown`."""
        entries, servers = self._runtime.map_entries(self._map), self._runtime.servers()
        try:
            points, _, salt = entries["weights"].partition(":")
            is_alone = entries["challenger"] == _NOBODY
            return Weights(
                champion=_named(entries["champion"], servers["champion/primary"]),
                challenger=None
                if is_alone and not int(points)
                else _named(entries["challenger"], servers["challenger/primary"]),
                challenger_basis_points=int(points),
                salt=salt,
            )
        except (LookupError, ValueError, ConfigurationError) as error:
            raise OutsideError(
                f"HAProxy at {self.folder}: serves what is none of ours ({error}). Apply again."
            ) from error

    def _write(self, weights: Weights) -> None:
        """The map last: until it is there, the addresses alone change nothing that was decided."""
        faults = [
            f"{backend.name}.host: found {backend.host}, expected an IP address"
            for backend in weights.backends
            if not backend.is_address
        ]
        faults += mirror_faults(weights, "HAProxy")
        if faults:
            raise ConfigurationError("HAProxy", faults)
        config = render(
            "haproxy.cfg.j2",
            socket=self._socket,
            map_file=self._map,
            host=self.host,
            port=self.port,
            metrics_port=self.metrics_port,
            header=self.header,
            max_connections=self.max_connections,
            champion=weights.champion,
            challenger=weights.challenger or weights.champion,
        )
        save_durably(self._config, config)
        save_durably(self._map, "".join(f"{k} {v}\n" for k, v in _entries(weights).items()))

    @property
    def _config(self) -> Path:
        return self.folder / "haproxy.cfg"

    @property
    def _map(self) -> Path:
        return self.folder / "traffic.map"

    @property
    def _socket(self) -> Path:
        return self.folder / "runtime.sock"

    @property
    def _runtime(self) -> Runtime:
        return Runtime(self._socket)


def _entries(weights: Weights) -> dict[str, str]:
    """The map. The weights come last: they are what decides."""
    challenger = weights.challenger
    return {
        "champion": weights.champion.told,
        "challenger": challenger.told if challenger else _NOBODY,
        "weights": f"{weights.challenger_basis_points}:{weights.salt}",
    }


def _address(backend: Backend) -> tuple[str, int]:
    return backend.host, backend.port


def _named(told: str, served: tuple[str, int]) -> Backend:
    host, port = served
    name, _, where = told.partition("@")
    return Backend(name if where == f"{host}:{port}" else _UNKNOWN, host, port)
