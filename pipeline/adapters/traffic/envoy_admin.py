"""What a running Envoy says it serves: read from its admin socket, which is never written to."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any

from pipeline.adapters.traffic.base import BASIS_POINTS, Backend, Weights
from pipeline.errors import OutsideError

FALLBACK = "fallback"  # an address is all that is known of a cluster's second backend
_SECONDS = 5.0
_DUMP = "/config_dump?resource="


class EnvoyAdmin:
    """The admin interface on the Unix socket at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def clusters(self) -> dict[str, tuple[Backend, ...]]:
        """The clusters in use: to each name its backend, then what it falls back to.

        The latter is named `FALLBACK`. Raises OutsideError.
        """
        dump = self._get("dynamic_active_clusters")
        return dict(cluster_of(dumped["cluster"]) for dumped in dump)

    def weights(self) -> Weights | None:
        """What is routed now, None where there are no routes yet. Raises OutsideError."""
        dump = self._get("dynamic_route_configs")
        if not dump:
            return None
        clusters = self.clusters()
        try:
            return weights_of(dump[0]["route_config"], clusters)
        except (LookupError, TypeError) as error:
            raise self._error(f"routes that are none of ours ({error!r})") from error

    def _get(self, resource: str) -> list[Any]:
        connection = _UnixConnection(self._path)
        try:
            connection.request("GET", _DUMP + resource)
            answer = connection.getresponse()
            raw = answer.read()
            if answer.status == 404:  # Envoy's word for an empty list
                return []
            if answer.status != 200:
                raise self._error(f"{answer.status}")
            return json.loads(raw).get("configs", [])
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._error(f"nothing ({error})") from error
        finally:
            connection.close()

    def _error(self, what: str) -> OutsideError:
        return OutsideError(f"Envoy at {self._path}: answered {what}. Is it running?")


def cluster_of(cluster: Any) -> tuple[str, tuple[Backend, ...]]:
    """The name of a cluster, and its backends in the order of their priority."""
    endpoints = cluster["load_assignment"]["endpoints"]
    in_order = sorted(endpoints, key=lambda endpoint: endpoint.get("priority", 0))
    names = [cluster["name"], *[FALLBACK] * (len(in_order) - 1)]
    return cluster["name"], tuple(map(_backend, names, in_order))


def _backend(name: str, endpoint: Any) -> Backend:
    address = endpoint["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
    return Backend(name, address["address"], address["port_value"])


def weights_of(routes: Any, clusters: dict[str, tuple[Backend, ...]]) -> Weights:
    """The weights that a RouteConfiguration of ours means. Raises LookupError for another one."""
    route = routes["virtual_hosts"][0]["routes"][0]["route"]
    *challenger, champion = route["weighted_clusters"]["clusters"]
    rewrite = route["hash_policy"][0]["header"]["regex_rewrite"]["substitution"]
    points = challenger[0].get("weight", 0) if challenger else 0
    if points + champion.get("weight", 0) != BASIS_POINTS:
        raise LookupError("weights")
    return Weights(
        champion=clusters[champion["name"]][0],
        challenger=clusters[challenger[0]["name"]][0] if challenger else None,
        challenger_basis_points=points,
        salt=rewrite.partition(":")[0],
        is_mirrored=bool(route.get("request_mirror_policies")),
    )


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("envoy", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(str(self._path))
