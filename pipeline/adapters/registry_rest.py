"""The registry's alias `champion`, through MLflow's REST API: no mlflow to install.

A version is known by its tag `model_digest`, as registration writes it. Setting an alias twice is
the same as once.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pipeline.credentials import without_credentials
from pipeline.errors import ConfigurationError, OutsideError

DIGEST_TAG = "model_digest"
ALIAS = "champion"
TIMEOUT_SECONDS = 10.0
_API = "/api/2.0/mlflow"
_MAX_BYTES = 5_000_000
_GONE = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}


class RegistryRest:
    """The MLflow server at `url`, which may hold a user and a password; or with a bearer token."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """Connects to nothing yet. Raises ConfigurationError for a URL that is not http(s)."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            shown = without_credentials(url)[:100]
            raise ConfigurationError("registry", [f"url: found {shown!r}, expected http(s)://…"])
        place = parts.netloc.rpartition("@")[2]
        self._url = urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))
        self._secrets = [token, parts.password]
        self._headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        elif token:
            self._headers["Authorization"] = f"Bearer {token}"
        # A redirect would carry the credentials to wherever it points.
        self._open = build_opener(_NoRedirect).open

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
            with self._open(request, timeout=TIMEOUT_SECONDS) as response:
                found = json.loads(response.read(_MAX_BYTES))
        except HTTPError as error:
            words = _words(error.read(_MAX_BYTES))
            if may_miss and error.code in (400, 404) and words.get("error_code") in _GONE:
                return None
            told = f"answered {error.code} to {verb} {path}: {words.get('message', '')}"
            raise self._error(told) from error
        except (URLError, HTTPException, OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise self._error(f"did not answer {verb} {path} ({reason})") from error
        return found if isinstance(found, dict) else {}

    def _error(self, what: str) -> OutsideError:
        shown = without_credentials(what, self._secrets)[:300]
        told = " ".join("".join(c if c.isprintable() else " " for c in shown).split())
        return OutsideError(f"MLflow at {without_credentials(self._url)} {told}. Run again.")


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """No redirect is followed: urllib then raises it as an HTTPError."""


def _words(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
