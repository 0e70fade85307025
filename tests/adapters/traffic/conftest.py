"""Both providers, each with a real server of its own, in front of the same quick backends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.adapters.traffic import Backend
from tests.servers import envoy

PROVIDERS = ("envoy", "haproxy")


@pytest.fixture(scope="session")
def backends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Backend]]:
    with envoy.answering(tmp_path_factory.mktemp("backends"), "v-a", "v-b", "v-c") as running:
        yield running
