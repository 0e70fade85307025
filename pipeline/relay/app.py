"""The relay's HTTP side: POST /alerts takes a webhook, GET /healthz tells how many events wait.

An answer of 202 means that each alert is safe on disk. Anything else means that the sender must
send again: Alertmanager does so at once for 5xx, and with the group's next interval for 4xx.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipeline.core.triggers.alerts import alert_payloads
from pipeline.core.triggers.payload import AlertPayload
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.relay.limits import Bucket

MAX_BODY_BYTES = 1_000_000


@dataclass(frozen=True)
class Relay:
    """What the app needs: `take` keeps an alert and says whether it is new, raising OutsideError.

    Strangers have a bucket of their own, so that they cannot use up the senders' requests.
    """

    secret: str
    models: Collection[str]
    take: Callable[[AlertPayload], bool]
    health: Callable[[], dict[str, int]]
    log: Callable[[str], None]
    body_seconds: float = 10
    senders: Bucket = field(default_factory=lambda: Bucket(per_minute=120, burst=60))
    strangers: Bucket = field(default_factory=lambda: Bucket(per_minute=30, burst=10))


def make_app(relay: Relay) -> Starlette:
    """The two endpoints as an ASGI application."""

    async def receive(request: Request) -> Response:
        return await _receive(relay, request)

    async def tell_health(_: Request) -> Response:
        try:
            return JSONResponse(await run_in_threadpool(relay.health))
        except OutsideError as error:
            relay.log(f"cannot count: {error}")
            return _refusal(503, "the spool cannot be read")

    return Starlette(
        routes=[
            Route("/alerts", receive, methods=["POST"]),
            Route("/healthz", tell_health, methods=["GET"]),
        ]
    )


async def _receive(relay: Relay, request: Request) -> Response:
    is_sender = _has_secret(request, relay.secret)
    wait = (relay.senders if is_sender else relay.strangers).take()
    if wait:
        return _refusal(429, "too many requests", {"Retry-After": str(math.ceil(wait))})
    if not is_sender:
        relay.log("refused a request without the secret")
        return _refusal(401, "expected Authorization: Bearer <RELAY_SECRET>")
    raw = await _body_of(request, relay.body_seconds)
    if isinstance(raw, Response):
        relay.log(f"refused a body: {raw.status_code}")
        return raw
    try:
        payloads, refusals = alert_payloads(_parsed(raw), relay.models)
    except ConfigurationError as error:
        relay.log(f"refused a body: {'; '.join(error.faults)}")
        return _refusal(400, "; ".join(error.faults))
    for line in refusals:
        relay.log(f"refused {line}")
    try:
        new = await run_in_threadpool(lambda: sum(relay.take(payload) for payload in payloads))
    except OutsideError as error:
        relay.log(f"could not keep an alert: {error}")
        return _refusal(503, "the alerts could not be kept: send again", {"Retry-After": "30"})
    known = len(payloads) - new
    return JSONResponse({"new": new, "known": known, "refused": refusals}, status_code=202)


def _has_secret(request: Request, secret: str) -> bool:
    given = request.headers.get("authorization", "").encode("latin-1")
    return hmac.compare_digest(given, b"Bearer " + secret.encode())


async def _body_of(request: Request, seconds: float) -> bytes | Response:
    """The body, however it is sent: its announced length is not believed."""
    raw = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                raw += chunk
                if len(raw) > MAX_BODY_BYTES:
                    return _refusal(413, f"expected at most {MAX_BODY_BYTES} bytes")
    except TimeoutError:
        return _refusal(408, f"the body did not arrive within {seconds:g} seconds")
    except ClientDisconnect:
        return _refusal(499, "the sender went away")  # nobody reads it, but it is logged
    return bytes(raw)


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError("webhook body", ["not JSON, or nested too deeply"]) from error


def _refusal(status: int, words: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": words}, status_code=status, headers=headers)
