"""Whether a model server answers, for the model that it should serve."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass

from pipeline.web import cut_after

_MAX_BYTES = 10_000


@dataclass(frozen=True)
class Answer:
    """`is_answering` is True only where the server says that it serves the digest asked for."""

    is_answering: bool
    reason: str = ""


def ask_server(host: str, port: int, path: str, digest: str, timeout_seconds: float) -> Answer:
    """Ask the model server at `host`:`port` which digest it serves. Never raises.

    A server that refuses, is silent, fails, or serves another model does not answer. Nor does one
    whose whole answer takes longer than `timeout_seconds` from when it took the connection.
    """
    connection = http.client.HTTPConnection(host, port, timeout=timeout_seconds)
    try:
        connection.connect()
        with cut_after(timeout_seconds, connection.sock):
            connection.request("GET", path)
            response = connection.getresponse()
            raw = response.read(_MAX_BYTES)
        if response.status != 200:
            return Answer(False, f"{host}:{port} answered {response.status}")
        found = str(json.loads(raw)["digest"])
    except (OSError, http.client.HTTPException) as error:
        return Answer(False, f"{host}:{port} did not answer ({type(error).__name__})")
    except (ValueError, LookupError, TypeError, RecursionError):
        return Answer(False, f"{host}:{port} does not say which model it serves")
    finally:
        connection.close()
    if found != digest:
        return Answer(False, f"{host}:{port} serves {found[:30]!a}, not {digest[:19]}")
    return Answer(True)
