"""Fixtures that several test files share: real servers, started once a run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.retrained import Retrained
from tests.retrained import retrained as make_retrained
from tests.servers.postgres import Postgres, running


SHARED = "retrained"


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests stay in one process, as do all that share the one long retrain.

    Those come first: a process that waits for another one's retrain does nothing else.
    """

    def group(item: pytest.Item) -> str:
        is_shared = "retrained" in getattr(item, "fixturenames", ())
        return SHARED if is_shared else str(item.path)

    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item)))
    items.sort(key=lambda item: group(item) != SHARED)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def retrained(tmp_path_factory: pytest.TempPathFactory) -> Retrained:
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return make_retrained(shared / "retrained")
