"""Real servers that the adapters' tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import mlflow_server


@pytest.fixture(scope="session")
def mlflow_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server.running(tmp_path_factory.mktemp("mlflow")) as url:
        yield url
