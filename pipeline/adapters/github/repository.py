"""One GitHub repository: what this repository asks of it and sends to it.

PyGithub's own `create_repository_dispatch` answers False where GitHub refuses, its default retries
wait up to an hour, and it has no method for a run's approvals: so requests are made through its
requester, and every refusal is an error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.adapters.github.answers import Refused
from pipeline.adapters.github.connection import Connection, Patience
from pipeline.errors import OutsideError

API_URL = "https://api.github.com"
MAX_EVENT_TYPE_CHARS = 100  # the limits of repository_dispatch
MAX_PAYLOAD_KEYS = 10
MAX_PAYLOAD_BYTES = 64 * 1024 - 1


@dataclass(frozen=True)
class RunPeople:
    """Logins: who started a workflow run, who asked for its newest attempt, and who approved it."""

    actor: str
    triggering_actor: str
    approvers: tuple[str, ...]


class GitHub:
    """The repository `owner/name` as the token may see and change it. The token is never shown."""

    def __init__(
        self,
        repository: str,
        token: str,
        api_url: str = API_URL,
        *,
        patience: Patience | None = None,
    ) -> None:
        """Connects to nothing yet. Raises ConfigurationError for arguments that cannot be right."""
        self.repository = repository
        self._connection = Connection(repository, token, api_url, patience or Patience())

    def dispatch(self, event_type: str, payload: Mapping[str, Any]) -> None:
        """Send a repository_dispatch, which starts the workflows that wait for `event_type`.

        At least once: after a connection that broke, the request is repeated though GitHub may
        have taken it. The receiver tells repeats apart by what is in the payload. Raises Refused
        for what GitHub will never take, Busy for a limit, OutsideError for what may work later.
        """
        _check_limits(event_type, payload)
        body = {"event_type": event_type, "client_payload": dict(payload)}
        answer = self._connection.request("POST", "/dispatches", body)
        if answer.status != 204:
            raise self._connection.error("POST /dispatches", answer)

    def run_people(self, run_id: int) -> RunPeople:
        """The people behind the workflow run `run_id`. Raises OutsideError.

        Only reviews with the state "approved" count, of any environment and any attempt of the
        run. Each approver is named once, in order of the alphabet.
        """
        run = self._connection.get(f"/actions/runs/{run_id}")
        reviews = self._connection.get(f"/actions/runs/{run_id}/approvals")
        try:
            approvers = {r["user"]["login"] for r in reviews if r["state"] == "approved"}
            actor, asked = run["actor"]["login"], run["triggering_actor"]["login"]
        except (KeyError, TypeError) as error:
            raise OutsideError(
                f"GitHub: run {run_id} of {self.repository} does not say who it is of ({error}). "
                "Start a new run."
            ) from error
        return RunPeople(actor, asked, tuple(sorted(approvers)))


def _check_limits(event_type: str, payload: Mapping[str, Any]) -> None:
    faults = []
    if not 1 <= len(event_type) <= MAX_EVENT_TYPE_CHARS:
        faults.append(f"an event_type of {len(event_type)} characters, not 1 to 100")
    if len(payload) > MAX_PAYLOAD_KEYS:
        faults.append(f"{len(payload)} top-level keys, more than {MAX_PAYLOAD_KEYS}")
    try:
        size = len(json.dumps(dict(payload), allow_nan=False))
    except (TypeError, ValueError):
        faults.append("a payload that is not JSON")
    else:
        if size > MAX_PAYLOAD_BYTES:
            faults.append(f"a payload of {size} bytes, more than {MAX_PAYLOAD_BYTES}")
    if faults:
        raise Refused(f"GitHub: not sent, since GitHub refuses {' and '.join(faults)}. Shorten it.")
