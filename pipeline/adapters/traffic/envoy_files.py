"""The two files that Envoy watches, as text: the same bytes for the same weights."""

from __future__ import annotations

import hashlib
from typing import Any

from pipeline.adapters.traffic.base import USER_HEADER, Backend, Weights
from pipeline.adapters.traffic.files import render


def render_routes(weights: Weights, header: str = USER_HEADER) -> str:
    """routes.yaml for `weights`: the same bytes each time."""
    return _versioned(
        "envoy-routes.yaml.j2",
        champion=weights.champion,
        challenger=weights.challenger,
        basis_points=weights.challenger_basis_points,
        salt=weights.salt,
        is_mirrored=weights.is_mirrored,
        header=header,
    )


def render_clusters(weights: Weights, also: Weights | None = None) -> str:
    """clusters.yaml for `weights`, with the servers of `also` that are not in `weights`.

    Those are still routed to for a moment, so they fall back to the champion as a challenger does.
    """
    groups = groups_of(weights)
    named = {group[0].name for group in groups}
    former = also.backends if also else ()
    groups += [(backend, weights.champion) for backend in former if backend.name not in named]
    clusters = [
        {
            "name": group[0].name,
            "backends": group,
            "is_static": all(backend.is_address for backend in group),
        }
        for group in groups
    ]
    return _versioned("envoy-clusters.yaml.j2", clusters=clusters)


def groups_of(weights: Weights) -> list[tuple[Backend, ...]]:
    """The servers of each cluster, by priority.

    A mirrored challenger has no second one: its copies must never reach the champion as well.
    """
    groups: list[tuple[Backend, ...]] = [(weights.champion,)]
    if weights.challenger is not None:
        fallback = () if weights.is_mirrored else (weights.champion,)
        groups.append((weights.challenger, *fallback))
    return groups


def _versioned(template: str, **values: Any) -> str:
    """Envoy takes a file whose version differs: the digest of its own content."""
    unversioned = render(template, version="", **values)
    digest = hashlib.sha256(unversioned.encode()).hexdigest()[:16]
    return render(template, version=digest, **values)
