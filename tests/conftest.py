"""What all tests share: real servers, started once a run, and the order of the files."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings
from xdist.scheduler import LoadFileScheduling

import tests.one_core  # noqa: F401 (before what imports NumPy)
from tests import warm
from tests.servers import mlflow_server
from tests.servers.postgres import Postgres, running

if TYPE_CHECKING:
    from tests.retrained import Retrained

os.environ["GIT_CONFIG_GLOBAL"] = str(Path(__file__).with_name("gitconfig"))

# They start first, so that no core idles at the end while another runs one of them. On two cores
# xdist deals the first eight to its four workers in turn: what makes the fixture that others share
# comes first, and nobody has to wait for it.
SLOWEST_FIRST = (
    "tests/test_retrain.py",
    "tests/stories/test_killed_retrains.py",
    "tests/test_second_usecase.py",
    "tests/demo/",
    "tests/test_bad_input.py",
    "tests/test_review_pull.py",
    "tests/test_review_on_github.py",
    "tests/stories/test_manual_retrain.py",
    "tests/stories/test_alert_to_promotion.py",
    "tests/stories/",
    "tests/docs/test_with_a_real_retrain.py",
    "tests/adapters/tracking/",
    "tests/actions/",
    "tests/docs/",
    "tests/rolling/",
    "tests/scripts/",
)


# One worker runs them all, since each that runs one starts an MLflow server: ten seconds of a core.
BESIDE_MLFLOW = (
    "tests/adapters/tracking/",
    "tests/adapters/test_registry_rest.py",
    "tests/rolling/test_registry.py",
)


class FilesOfOneServer(LoadFileScheduling):
    """A worker takes a whole file, or every file that one server is started for."""

    def _split_scope(self, nodeid: str) -> str:
        is_beside = nodeid.startswith(BESIDE_MLFLOW)
        return "MLflow" if is_beside else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)  # the mutation test runs without xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FilesOfOneServer:
    """Instead of --dist loadfile."""
    return FilesOfOneServer(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the files, the slowest first; within a file nothing moves."""
    items.sort(key=lambda item: slowness(item.nodeid))


def pytest_collection_finish() -> None:
    """What is loaded by now stays: each look for garbage would go through all of it."""
    gc.collect()
    gc.freeze()


def slowness(node: str) -> int:
    """The place of a test in SLOWEST_FIRST, or behind them all."""
    places = (place for place, start in enumerate(SLOWEST_FIRST) if node.startswith(start))
    return next(places, len(SLOWEST_FIRST))


# No test asserts a wall time: a busy machine is no fault of what it tests.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# In the mutation test the first example that fails is enough, and each run should try the same.
settings.register_profile(
    "mutation",
    settings.get_profile("busy"),
    phases=(Phase.explicit, Phase.generate),
    derandomize=True,
    database=None,
)
settings.load_profile("mutation" if "MUTANT_UNDER_TEST" in os.environ else "busy")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Once a run with workers, which find it in their variables."""
    config = session.config
    if hasattr(config, "workerinput"):
        sys.executable = warm.python()
    elif config.getoption("numprocesses", None) and warm.is_possible():
        stack = ExitStack()
        stack.enter_context(warm.running())
        config.add_cleanup(stack.close)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def mlflow_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server.running(tmp_path_factory.mktemp("mlflow")) as url:
        yield url


@pytest.fixture(scope="session")
def retrained(tmp_path_factory: pytest.TempPathFactory) -> Retrained:
    # Where the example was replaced there is none to retrain, and other tests need not know of it.
    from tests.retrained import retrained as make_retrained  # noqa: PLC0415

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return make_retrained(shared / "retrained")
