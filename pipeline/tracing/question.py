"""From a question (a moment, a digest or a version) to its trace."""

from __future__ import annotations

import re
from datetime import datetime

from pipeline.config import parse_utc
from pipeline.core.routing import BUCKETS
from pipeline.core.trace.links import Link, Serving, Share, Trace
from pipeline.core.trace.serving import Written, link_test, link_traffic
from pipeline.errors import ConfigurationError, GateRefused
from pipeline.manifest import version_of
from pipeline.tracing.chain import chain_of
from pipeline.tracing.origin import origin_of
from pipeline.tracing.outside import Outside
from pipeline.tracing.past import Kept, Past
from pipeline.tracing.serving import answered, record_at, serving_at

_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{7,64}")
_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9a-f]{12}")


def trace_of(past: Past, question: str, outside: Outside, user: str | None = None) -> Trace:
    """The answer to `question`; `user` is who was answered then.

    Raises ConfigurationError for what is no question, GateRefused where nothing served, or no
    commit names the model.
    """
    if _DIGEST.fullmatch(question) or _VERSION.fullmatch(question):
        if user is not None:
            fault = "it asks about a moment: give a time such as 2013-07-02T12:00:00Z"
            raise ConfigurationError("--user", [fault])
        return _of_model(past, question, outside)
    at = parse_utc(question, "the question (a time, a digest or a version)")
    return _of_moment(past, question, at, outside, user)


def _of_model(past: Past, question: str, outside: Outside) -> Trace:
    digest = _known(past, question)
    mine = [kept for kept in past.records if kept.record.challenger == digest]
    kept = mine[-1] if mine else None
    chain = chain_of(origin_of(past, digest, kept), outside, kept=kept)
    return Trace(
        past.model, question, past.ref, (chain,), moment=_links(past, kept) if kept else ()
    )


def _of_moment(
    past: Past, question: str, at: datetime, outside: Outside, user: str | None
) -> Trace:
    serving, kept = serving_at(past, at), record_at(past, at)
    digest, why = answered(serving, user) if user is not None else (None, "")
    roles = _roles(serving)
    origins = {model: origin_of(past, model, kept) for _, model, _ in roles}
    shares = tuple(Share(role, m, origins[m].version, points) for role, m, points in roles)
    asked = [origin for model, origin in origins.items() if digest in (None, model)]
    return Trace(
        model=past.model,
        question=question,
        ref=past.ref,
        chains=tuple(chain_of(origin, outside, kept=kept) for origin in asked),
        at=at,
        serving=serving,
        shares=shares,
        moment=_tested(past, at) or (_links(past, kept) if kept else ()),
        answer=f"User {user} was answered by {origins[digest].version}: {why}" if digest else "",
    )


def _roles(serving: Serving) -> list[tuple[str, str, int]]:
    """Role, digest and basis points of each model that had traffic."""
    points = serving.points if serving.challenger is not None else 0
    roles = [("challenger", serving.challenger or "", points)]
    roles.append(("champion", serving.champion, BUCKETS - points))
    return [role for role in roles if role[2] > 0]


def _links(past: Past, kept: Kept) -> tuple[Link, ...]:
    spec = next((m.spec for m in past.manifests if m.spec.digest == kept.record.spec), None)
    made = past.made(kept.commit)
    written = Written(kept.record, made, kept.blobs, past.champion_in(kept.commit))
    return (link_traffic(written, spec),)


def _tested(past: Past, at: datetime) -> tuple[Link, ...]:
    """The A/B test that decided, where one was active."""
    active = [versions for versions in past.tests if versions[0][0].is_active(at)]
    if not active:
        return ()
    newest = max(active, key=lambda versions: versions[0][0].started_at)
    champions = {pointer.champion.digest for pointer in past.pointers}
    return (link_test([(test, past.made(commit)) for test, commit in newest], champions),)


def _known(past: Past, question: str) -> str:
    """The one digest that `question` names, whole or by its beginning, or as a version."""
    models = [m.spec.challenger for m in past.manifests] + [p.champion for p in past.pointers]
    names = {model.digest: version_of(model.digest, model.as_of) for model in models}
    start = question if question.startswith("sha256:") else f"sha256:{question}"
    found = [d for d, version in names.items() if version == question or d.startswith(start)]
    if len(found) > 1:
        fault = f"found {question!r}, which is the beginning of {len(found)} digests: give more"
        raise ConfigurationError("the question", [fault])
    if not found:
        raise GateRefused(f"{question}: no commit of {past.model} names this model.")
    return found[0]
