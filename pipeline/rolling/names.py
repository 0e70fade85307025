"""Model digests and what serves them: the version's name, and the address of its server."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.adapters.traffic import BASIS_POINTS, Backend, Weights
from pipeline.core.rollout.observation import Routing
from pipeline.errors import ConfigurationError
from pipeline.manifest import version_of
from pipeline.rolling.model_state import ModelState
from pipeline.serving_config import Backends


def versions_by_digest(state: ModelState) -> dict[str, str]:
    """The version's name of every model digest that this model's files know."""
    known: dict[str, str] = {}
    champions = [state.champion, *(record.champion_before for record in state.status.ever)]
    if state.last_spec is not None:
        champions.append(state.last_spec.champion)
        known[state.last_spec.challenger.digest] = state.last_spec.version
    known |= {record.challenger: record.version for record in state.status.ever}
    return known | {c.digest: version_of(c.digest, c.as_of) for c in champions if c is not None}


@dataclass(frozen=True)
class Names:
    """The servers of one model: a digest's backend, and a backend's digest.

    `champion` is the digest in champion.yaml.
    """

    model: str
    versions: dict[str, str]
    backends: Backends
    champion: str = ""

    def version(self, digest: str) -> str:
        """Its name. Raises ConfigurationError for a digest that nobody knows."""
        try:
            return self.versions[digest]
        except KeyError as error:
            raise ConfigurationError(self.model, [f"no version is known of {digest}"]) from error

    def digest(self, version: str) -> str:
        """The digest of a version. Raises ConfigurationError for one that nobody knows."""
        for digest, name in self.versions.items():
            if name == version:
                return digest
        raise ConfigurationError(self.model, [f"no digest is known of {version}"])

    def backend(self, digest: str) -> Backend:
        """Where the model server of a digest is. Raises ConfigurationError."""
        version = self.version(digest)
        host, port = self.backends.address_of(self.model, version)
        return Backend(version, host, port)

    def weights(self, routing: Routing, salt: str) -> Weights:
        """`routing` as a traffic provider takes it. Raises ConfigurationError.

        A challenger without traffic is left out: its server may be gone already.
        """
        if not routing.reaches_challenger or routing.challenger is None:
            return Weights(self.backend(routing.champion))
        return Weights(
            champion=self.backend(routing.champion),
            challenger=self.backend(routing.challenger),
            challenger_basis_points=round(routing.challenger_percent * BASIS_POINTS / 100),
            salt=salt,
            is_mirrored=routing.is_mirrored,
        )

    def routing(self, weights: Weights) -> Routing:
        """What a traffic provider does, in digests; a name that nobody knows is given as it is."""
        digests = {version: digest for digest, version in self.versions.items()}
        challenger, points = weights.challenger, weights.challenger_basis_points
        return Routing(
            champion=digests.get(weights.champion.name, weights.champion.name),
            challenger=digests.get(challenger.name, challenger.name) if challenger else None,
            challenger_percent=points * 100 / BASIS_POINTS,
            is_mirrored=weights.is_mirrored,
        )
