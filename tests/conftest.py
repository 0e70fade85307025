"""Fixtures that several test files share: real servers, started once a run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.retrained import Retrained
from tests.retrained import retrained as make_retrained
from tests.servers.postgres import Postgres, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def retrained(tmp_path_factory: pytest.TempPathFactory) -> Retrained:
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return make_retrained(shared / "retrained")
