"""A real MLflow server, a proxy in front of it that can die, and challengers to register."""

from itertools import count

import pytest

from pipeline.adapters.tracking import connection
from tests.adapters.tracking.challengers import new_challenger
from tests.ml.test_model_io import fitted_pipeline
from tests.servers import fault_proxy

NUMBERS = count()


@pytest.fixture(scope="module")
def model():
    return fitted_pipeline()


@pytest.fixture(scope="module")
def proxy(mlflow_url):
    with fault_proxy.running(mlflow_url) as running:
        yield running


@pytest.fixture(autouse=True)
def _environment(monkeypatch, mlflow_url):
    """What the adapter itself sets is taken back after each test."""
    for name in (*connection.ENVIRONMENT, "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, connection.ENVIRONMENT.get(name, ""))
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_url)


@pytest.fixture
def through_proxy(proxy, monkeypatch):
    """The registry behind a proxy that can be told to die."""
    proxy.revive()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.url)
    return proxy


@pytest.fixture
def name():
    return f"flight-delay-{next(NUMBERS)}"


@pytest.fixture
def client(mlflow_url):
    from mlflow import MlflowClient  # noqa: PLC0415 (takes seconds)

    return MlflowClient(tracking_uri=mlflow_url, registry_uri=mlflow_url)


@pytest.fixture
def challenger(tmp_path, model):
    return new_challenger(tmp_path, model)
