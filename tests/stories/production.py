"""What serves the model: real model servers behind a real Envoy, on this machine.

What they count is simulated: a rollout's figures are lines of a file that the story writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

import requests

from pipeline.adapters.store import fetch_package
from pipeline.adapters.traffic import Backend, Weights
from pipeline.adapters.traffic.envoy import Envoy
from pipeline.champion import Champion
from pipeline.demo.passengers import load_questions
from pipeline.manifest import ModelIdentity, RolloutSpec, version_of
from tests.rollouts import GOOD
from tests.servers import model_server
from tests.servers.proxy import serving
from tests.stories.world import World

USERS = [f"passenger-{number}" for number in range(60)]


@dataclass
class Production:
    """`servers` are the model servers that run, by version; `stack` stops them."""

    world: World
    envoy: Envoy
    stack: ExitStack
    servers: dict[str, Backend] = field(default_factory=dict)

    def start(self, model: ModelIdentity | Champion) -> str:
        """A server of a package that is fetched by its digest; returns its version."""
        version = version_of(model.digest, model.as_of)
        folder = self.world.production
        package = folder / version
        with self.world.base.on_machine():
            fetch_package(self.world.folder / "checkout", model.package_md5, package)
        running = model_server.running(folder, package, model.digest)
        server = self.stack.enter_context(running)
        self.servers[version] = Backend(version, "127.0.0.1", server.port)
        lines = (f"{name}: {each.host}:{each.port}\n" for name, each in self.servers.items())
        (folder / "addresses.yaml").write_text("".join(lines))
        return version

    def record_for(
        self,
        spec: RolloutSpec,
        challenger: Mapping[str, float] = GOOD,
        champion: Mapping[str, float] = GOOD,
    ) -> None:
        """The figures of both versions as of now."""
        now = datetime.now(UTC).isoformat()
        lines = [
            {"name": name, "version": version, "sampled_at": now, "value": value, "n": 2_000}
            for version, found in ((spec.version, challenger), (spec.champion_version, champion))
            for name, value in found.items()
        ]
        path = self.world.production / "samples.jsonl"
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    def share(self) -> float:
        """Of Envoy's users, how many in a hundred get the challenger."""
        return self.envoy.observe().challenger_basis_points / 100

    def answers(self) -> set[str]:
        """Which versions answer our users."""
        return {self._ask(user) for user in USERS}

    def _ask(self, user: str) -> str:
        url = f"http://127.0.0.1:{self.envoy.port}/predict"
        answer = requests.post(url, self.flight, headers={"x-user-id": user}, timeout=30)
        answer.raise_for_status()
        return answer.headers["x-model-version"]

    @cached_property
    def flight(self) -> bytes:
        """A real flight of last week, as users ask about it."""
        last_week = datetime.now(UTC) - timedelta(days=7)
        asked = load_questions(self.world.base.folder, last_week, last_week + timedelta(hours=12))
        return asked[0].body


@contextmanager
def production(world: World) -> Iterator[Production]:
    """The champion serves everybody, for as long as the block lasts."""
    with ExitStack() as stack:
        world.production.mkdir()
        envoy = Envoy(world.production / "traffic", *world.ports)
        place = Production(world, envoy, stack)
        version = place.start(world.champion())
        stack.enter_context(serving(envoy, Weights(place.servers[version])))
        yield place
