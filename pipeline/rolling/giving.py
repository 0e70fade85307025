"""Before a challenger gets more, its server is asked once more: it may have died since the look.

Without this the final switch could be to a server that is gone: as champion it has nobody behind
it who answers instead.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.core.rollout.observation import Health, Routing
from pipeline.errors import OutsideError
from pipeline.manifest import RolloutSpec


def check_given(
    spec: RolloutSpec, before: Routing | None, wanted: Routing, ask: Callable[[], Health]
) -> None:
    """Raise OutsideError where `wanted` gives the challenger of `spec` more and it is silent.

    `before` is what is routed now, None where nobody says. Taking traffic away asks nobody.
    """
    if not gives_more(spec.challenger.digest, before, wanted):
        return
    health = ask()
    if not health.is_answering:
        raise OutsideError(
            f"{spec.version} gets no more traffic, since its server does not answer "
            f"({health.reason or 'no reason given'}). Traffic stays as it is."
        )


def gives_more(digest: str, before: Routing | None, wanted: Routing) -> bool:
    """Whether the model `digest` gets a larger share, or all of it with nobody behind it."""
    if before is None:
        return _share(digest, wanted) > 0
    is_alone = wanted.champion == digest != before.champion
    return is_alone or _share(digest, wanted) > _share(digest, before)


def _share(digest: str, routing: Routing) -> float:
    shares = {routing.challenger: routing.challenger_percent}
    return (shares | {routing.champion: routing.champion_percent}).get(digest, 0.0)
