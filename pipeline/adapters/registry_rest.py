"""The registry's alias `champion`, through MLflow's REST API: no mlflow to install.

A version is known by its tag `model_digest`, as registration writes it. Setting an alias twice is
the same as once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import Request

from pipeline.credentials import without_credentials
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.web import NOT_ANSWERED, ask_once, reason_of, service_of

DIGEST_TAG = "model_digest"
ALIAS = "champion"
TIMEOUT_SECONDS = 10.0
_API = "/api/2.0/mlflow"
_MAX_BYTES = 5_000_000
_GONE = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}


class RegistryRest:
    """The MLflow server at `url`, which may hold a user and a password; or with a bearer token."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """Connects to nothing yet. Raises ConfigurationError for a URL or token that is none."""
        service, faults = service_of(url, token)
        if not faults and (parts := urlsplit(url)).username is not None:
            token, (service, _) = parts.password, service_of(url)  # MLflow's own order
        if faults:
            raise ConfigurationError("registry", faults)
        # A query or a fragment is no part of where the API is.
        self._url = urlsplit(service.url)._replace(query="", fragment="").geturl().rstrip("/")
        self._secrets = [(token or "").strip(), unquote(token or "").strip()]
        json_type = "application/json"
        self._headers = {"Accept": json_type, "Content-Type": json_type, **service.headers}

    def champion(self, model: str) -> str | None:
        """The digest that the alias points at; None where there is no alias, or no such model.

        A version without a digest is given as its number. Raises OutsideError.
        """
        asked = {"name": model, "alias": ALIAS}
        answer = self._ask("GET", "/registered-models/alias", asked, may_miss=True)
        if answer is None:
            return None
        version = answer["model_version"]
        tags = {tag["key"]: tag["value"] for tag in version.get("tags", [])}
        return str(tags.get(DIGEST_TAG, f"version {version['version']}"))

    def move_champion(self, model: str, digest: str) -> None:
        """Point the alias at the version that carries `digest`. Repeatable. Raises OutsideError."""
        versions = self.versions(model, digest)
        if not versions:
            raise self._error(f"has no version of {model} with {digest}. Register it first")
        body = {"name": model, "alias": ALIAS, "version": str(min(versions))}
        self._ask("POST", "/registered-models/alias", body)

    def versions(self, model: str, digest: str) -> tuple[int, ...]:
        """The numbers of the versions that carry `digest`, ascending. Raises OutsideError."""
        wanted = f"name = '{model}' and tags.{DIGEST_TAG} = '{digest}'"
        answer = self._ask("GET", "/model-versions/search", {"filter": wanted, "max_results": 100})
        found = (answer or {}).get("model_versions", [])
        return tuple(sorted(int(version["version"]) for version in found))

    def _ask(
        self, verb: str, path: str, values: Mapping[str, Any], *, may_miss: bool = False
    ) -> dict[str, Any] | None:
        url, body = f"{self._url}{_API}{path}", None
        if verb == "GET":
            url = f"{url}?{urlencode(values)}"
        else:
            body = json.dumps(values).encode()
        request = Request(url, data=body, headers=self._headers, method=verb)  # noqa: S310
        try:
            status, raw = ask_once(request, TIMEOUT_SECONDS, _MAX_BYTES)
        except NOT_ANSWERED as error:
            told = f"did not answer {verb} {path} ({reason_of(error)})"
            raise self._error(told) from None
        words = _words(raw)
        if status == 200:
            if words is None:
                raise self._error(f"did not answer {verb} {path} in JSON")
            return words
        fault = words or {}
        if may_miss and status in (400, 404) and fault.get("error_code") in _GONE:
            return None
        raise self._error(f"answered {status} to {verb} {path}: {fault.get('message', '')}")

    def _error(self, what: str) -> OutsideError:
        shown = without_credentials(what, self._secrets)[:300]
        told = " ".join("".join(c if c.isprintable() else " " for c in shown).split())
        return OutsideError(f"MLflow at {without_credentials(self._url)} {told}. Run again.")


def _words(raw: bytes) -> dict[str, Any] | None:
    """An answer of MLflow; empty where it is of another kind, None where it is no JSON."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else {}
