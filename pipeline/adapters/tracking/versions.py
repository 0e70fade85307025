"""Versions of a registered model, one for each model digest, and their aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.adapters.tracking.challenger import DIGEST_TAG
from pipeline.adapters.tracking.connection import registry, shown_uri
from pipeline.errors import OutsideError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


def find_version(model_name: str, digest: str) -> int | None:
    """The version of `model_name` that carries the model digest, or None. Changes nothing."""
    with registry() as client:
        return min(versions_of(client, model_name, digest), default=None)


def set_alias(model_name: str, alias: str, digest: str) -> int:
    """Point `alias` at the version that carries the model digest, and return it. Repeatable.

    Raises OutsideError where there is no such version.
    """
    with registry() as client:
        version = min(versions_of(client, model_name, digest), default=None)
        if version is None:
            raise OutsideError(
                f"{digest}: no version of '{model_name}' in {shown_uri()} carries it. "
                "Register it first: python -m scripts.register_challenger --apply"
            )
        ensure_alias(client, model_name, alias, version)
        return version


def ensure_version(
    client: MlflowClient, run: Run, digest: str, model_name: str, model_id: str
) -> tuple[int, bool]:
    """The version of this digest, and whether this call made it."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    found = versions_of(client, model_name, digest)
    if found:
        return min(found), False
    try:
        client.create_registered_model(model_name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    made = client.create_model_version(
        model_name,
        source=f"models:/{model_id}",
        run_id=run.info.run_id,
        tags={DIGEST_TAG: digest},
        model_id=model_id,
    )
    first = min(versions_of(client, model_name, digest), default=int(made.version))
    if first != int(made.version):  # two jobs at once: the earlier version stays
        client.delete_model_version(model_name, made.version)
    return first, first == int(made.version)


def versions_of(client: MlflowClient, model_name: str, digest: str) -> list[int]:
    """Every version that carries the digest: none, one, or two while two jobs race."""
    found = client.search_model_versions(
        f"name = '{model_name}' and tags.{DIGEST_TAG} = '{digest}'"
    )
    return [int(version.version) for version in found]


def ensure_alias(client: MlflowClient, model_name: str, alias: str, version: int) -> None:
    """Point `alias` at `version` where it does not point there yet."""
    aliases = client.get_registered_model(model_name).aliases
    if str(aliases.get(alias)) != str(version):
        client.set_registered_model_alias(model_name, alias, str(version))


def ensure_no_alias(client: MlflowClient, model_name: str, alias: str, digest: str) -> None:
    """Take `alias` from the versions of this digest; another challenger's stays."""
    versions = versions_of(client, model_name, digest)
    if not versions:
        return
    aliases = client.get_registered_model(model_name).aliases
    if alias in aliases and int(aliases[alias]) in versions:
        client.delete_registered_model_alias(model_name, alias)
