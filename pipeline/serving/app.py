"""The model server's HTTP side.

POST /predict   {"rows": [{feature: value}]} -> {"model_version", "scores", "answers"}
POST /feedback  {"model_version", "outcomes": [{"answer": bool, "label": bool, "answered_at"?}]}
GET /healthz    200 once the model has answered a row of its own
GET /metrics    Prometheus text

What an asker does wrong is a 4xx: whoever asks must not be able to make a model look broken. That
holds for a body that comes slowly or never ends, too. So the latency of a prediction begins when
its body is there, and one without a body has none.

Outcomes are counted once they are mature: what was answered less than `maturity` ago may still get
another label, and early labels are not those of all rows (a flight that left is on time sooner than
one that waits). So such feedback is refused whole, with a 425, to be sent again later. One of the
future is refused for good: it would be the newest outcome until that future comes.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipeline.errors import DataIncident
from pipeline.serving.metrics import CONTENT_TYPE, ServerMetrics
from pipeline.serving.model import ServedModel

MAX_BODY_BYTES = 1_000_000
BODY_SECONDS = 10.0
MAX_ROWS = 10_000
MAX_WORDS = 2_000  # characters of a refusal
VERSION_HEADER = "x-model-version"
CLOCK_SKEW = timedelta(minutes=1)  # senders' clocks may be ahead of ours by as much


class _Refused(Exception):
    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def make_app(
    served: ServedModel,
    maturity: timedelta = timedelta(0),
    clock: Callable[[], datetime] = utc_now,
    body_seconds: float = BODY_SECONDS,
) -> Starlette:
    """The endpoints for `served`, which has been loaded and has answered: so it is ready.

    With a `maturity`, each outcome must say when it was answered, at least that long ago. A body
    must have come within `body_seconds`.
    """
    metrics = ServerMetrics(served.model, served.version)

    async def predict(request: Request) -> Response:
        raw = await _received(request, body_seconds)
        if isinstance(raw, _Refused):
            metrics.count_request(raw.status)
            return _refusal(raw.status, raw, served)
        start = time.perf_counter()
        status = 500
        try:
            response = await _answer(_predicted, served, metrics, raw)
            status = response.status_code
        finally:
            metrics.count_request(status, time.perf_counter() - start)
        return response

    async def take_feedback(request: Request) -> Response:
        async def counted(served: ServedModel, metrics: ServerMetrics, body: Any) -> dict[str, Any]:
            return _counted(served, metrics, body, clock(), maturity)

        raw = await _received(request, body_seconds)
        if isinstance(raw, _Refused):
            return _refusal(raw.status, raw, served)
        return await _answer(counted, served, metrics, raw)

    async def tell_health(_: Request) -> Response:
        return JSONResponse({"model": served.model, "digest": served.digest})

    async def tell_metrics(_: Request) -> Response:
        return Response(metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    return Starlette(
        routes=[
            Route("/predict", predict, methods=["POST"]),
            Route("/feedback", take_feedback, methods=["POST"]),
            Route("/healthz", tell_health, methods=["GET"]),
            Route("/metrics", tell_metrics, methods=["GET"]),
        ]
    )


async def _answer(
    work: Any, served: ServedModel, metrics: ServerMetrics, raw: bytes
) -> JSONResponse:
    """What `work` makes of the body; a fault of the body is 4xx, and any other one is 500."""
    headers = {VERSION_HEADER: served.version}
    try:
        return JSONResponse(await work(served, metrics, _parsed(raw)), headers=headers)
    except _Refused as refused:
        return _refusal(refused.status, refused, served)
    except DataIncident as incident:
        return _refusal(422, incident, served)
    except Exception:  # noqa: BLE001 (told to the metrics; a traceback is nobody's business)
        return _refusal(500, "the model could not answer", served)


def _refusal(status: int, words: object, served: ServedModel) -> JSONResponse:
    """`words` may quote the body, and half of a character in it is none that can be sent."""
    told = str(words)[:MAX_WORDS].encode("utf-8", "backslashreplace").decode()
    return JSONResponse({"error": told}, status, {VERSION_HEADER: served.version})


async def _predicted(served: ServedModel, metrics: ServerMetrics, body: Any) -> dict[str, Any]:
    rows = _list_of_objects(body, "rows")
    scores = await run_in_threadpool(served.scores, rows)
    metrics.count_rows(len(rows))
    answers = [score >= served.threshold for score in scores]
    return {"model_version": served.version, "scores": scores, "answers": answers}


def _counted(
    served: ServedModel, metrics: ServerMetrics, body: Any, now: datetime, maturity: timedelta
) -> dict[str, Any]:
    """Count outcomes, all of them or none; those answered just `maturity` ago are mature."""
    outcomes = _list_of_objects(body, "outcomes")
    version = body.get("model_version")
    if version != served.version:
        raise _Refused(409, f"this is {served.version}: send what another answered to that one")
    is_correct = [_is_correct(outcome) for outcome in outcomes]
    times = [_answered_at(outcome) for outcome in outcomes]
    if any(time is not None and time > now + CLOCK_SKEW for time in times):
        raise _Refused(422, "outcomes: expected answered_at in the past")
    if maturity:
        _refuse_immature(times, now - maturity)
    metrics.count_labelled(len(is_correct), sum(is_correct), max(filter(None, times), default=None))
    return {"labelled": len(is_correct), "correct": sum(is_correct)}


def _is_correct(outcome: dict[str, Any]) -> bool:
    answer, label = outcome.get("answer"), outcome.get("label")
    if not isinstance(answer, bool) or not isinstance(label, bool):
        raise _Refused(422, "outcomes: expected answer and label as true or false")
    return answer == label


def _answered_at(outcome: dict[str, Any]) -> datetime | None:
    """When an outcome was answered, None where it does not say."""
    told = outcome.get("answered_at")
    if told is None:
        return None
    try:
        found = datetime.fromisoformat(told)
    except (TypeError, ValueError) as error:
        raise _Refused(422, "outcomes: expected answered_at as an ISO 8601 time") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _refuse_immature(times: list[datetime | None], mature_until: datetime) -> None:
    if None in times:
        raise _Refused(422, "outcomes: expected answered_at, since labels need time to mature")
    early = [time for time in times if time is not None and time > mature_until]
    if early:
        words = f"{len(early)} of {len(times)} outcomes were answered after {mature_until:%FT%TZ}"
        raise _Refused(425, f"{words}: their labels may still change. Send these later")


def _list_of_objects(body: Any, name: str) -> list[dict[str, Any]]:
    values = body.get(name) if isinstance(body, dict) else None
    is_good = isinstance(values, list) and 0 < len(values) <= MAX_ROWS
    if not is_good or not all(isinstance(value, dict) for value in values):
        raise _Refused(422, f"{name}: expected 1 to {MAX_ROWS:,} objects")
    return values


async def _received(request: Request, seconds: float) -> bytes | _Refused:
    """The body, or what was wrong with how it came."""
    try:
        async with asyncio.timeout(seconds):
            return await _body_of(request)
    except _Refused as refused:
        return refused
    except TimeoutError:
        return _Refused(408, f"the body did not arrive within {seconds:g} seconds")
    except ClientDisconnect:
        return _Refused(499, "the asker went away")  # nobody reads it, but it is counted


async def _body_of(request: Request) -> bytes:
    """The body, however it is sent: its announced length is not believed."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise _Refused(413, f"expected at most {MAX_BODY_BYTES:,} bytes")
    return bytes(raw)


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _Refused(400, "expected JSON") from error
