"""The connection to MLflow and its errors: one OutsideError, without a credential in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from sqlalchemy.exc import SQLAlchemyError

from pipeline.credentials import without_credentials
from pipeline.errors import OutsideError

if TYPE_CHECKING:
    from mlflow import MlflowClient

DEFAULT_URI = "sqlite:///mlflow.db"
_SECRETS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")

# mlflow retries for minutes and repeats requests that may have been served, which is how registries
# get a version twice. `register` as a whole is safe to repeat instead.
ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, or the SQLite file of the current folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


def shown_uri() -> str:
    """The tracking URI without its credentials, for people to read."""
    return _shown(tracking_uri())


@contextmanager
def registry() -> Iterator[MlflowClient]:
    """A client of the registry; whatever fails inside becomes one OutsideError."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow  # noqa: PLC0415 (takes seconds: only who registers pays)
    from mlflow import MlflowClient  # noqa: PLC0415
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    try:
        uri = _with_credentials_in_environment(tracking_uri())
        # Its SQL registry resolves models:/ by this, not by the client.
        mlflow.set_tracking_uri(uri)
        yield MlflowClient(tracking_uri=uri, registry_uri=uri)
    except (MlflowException, SQLAlchemyError, OSError) as error:  # requests' errors are OSErrors
        reason = _shown(str(error).strip().partition("\n")[0][:500])
        raise OutsideError(
            f"the MLflow registry {shown_uri()} failed: {reason or type(error).__name__}. Check "
            "MLFLOW_TRACKING_URI and run again: what was already registered is taken up, not "
            "repeated."
        ) from None  # the cause may show the URI with its password


def _with_credentials_in_environment(uri: str) -> str:
    """The URI without user and password; mlflow takes them from its variables, and prints URIs."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or parts.username is None:
        return uri
    os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts.username)
    os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts.password or "")
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _shown(text: str) -> str:
    return without_credentials(text, map(os.environ.get, _SECRETS))
