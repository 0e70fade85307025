"""Versions in a real MLflow registry, made by its REST API: nothing heavy to import."""

from __future__ import annotations

from itertools import count
from typing import Any

import requests

_NUMBERS = count(1)


class Registered:
    """A model of its own in the registry at `url`, with a version for each digest."""

    def __init__(self, url: str, *digests: str, name: str | None = None) -> None:
        self.name = name or f"registered-{next(_NUMBERS)}"
        self._api = f"{url}/api/2.0/mlflow"
        self.ask("POST", "registered-models/create", name=self.name)
        for digest in digests:
            self.add(digest)

    def add(self, digest: str) -> None:
        tags = [{"key": "model_digest", "value": digest}]
        source = f"s3://packages/{digest[-12:]}"
        self.ask("POST", "model-versions/create", name=self.name, source=source, tags=tags)

    def drop(self) -> None:
        self.ask("DELETE", "registered-models/delete", name=self.name)

    @property
    def champion(self) -> str | None:
        """The number of the version that the alias points at."""
        found = self.ask("GET", "registered-models/get", name=self.name)["registered_model"]
        return next(
            (a["version"] for a in found.get("aliases", []) if a["alias"] == "champion"), None
        )

    def ask(self, verb: str, path: str, **values: Any) -> Any:
        how = {"params": values} if verb == "GET" else {"json": values}
        answer = requests.request(verb, f"{self._api}/{path}", timeout=30, **how)
        assert answer.ok, answer.text
        return answer.json()
