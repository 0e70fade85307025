"""The chain of one model version: each link read, and compared by pure functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from pipeline.champion import Champion
from pipeline.config import parse_utc
from pipeline.core.quality.facts import COLLECT
from pipeline.core.trace.data import ROWS, Recorded, link_code, link_data
from pipeline.core.trace.links import Chain, Link
from pipeline.core.trace.origin import link_evidence, link_package
from pipeline.core.trace.people import link_merge
from pipeline.core.trace.serving import link_manifest, link_pointer
from pipeline.errors import ConfigurationError
from pipeline.tracing.origin import Origin
from pipeline.tracing.outside import Outside
from pipeline.tracing.past import Kept

SPLIT = "artifacts/split/summary.json"


def chain_of(origin: Origin, outside: Outside, *, kept: Kept | None = None) -> Chain:
    """Every link of `origin`; `kept` is the record by which it served, where one did."""
    steps: tuple[Callable[[], Iterator[Link]], ...] = (
        lambda: _serving(origin, kept),
        lambda: _made_of(origin),
        lambda: _people(origin, outside),
        lambda: _outside(origin, outside),
    )
    links = tuple(link for step in steps for link in step())
    return Chain(origin.version, origin.digest, links)


def _serving(origin: Origin, kept: Kept | None) -> Iterator[Link]:
    past, manifest = origin.past, origin.manifest
    path = f"{past.folder}/rollout.yaml"
    is_its_own = kept is not None and kept.record.challenger == origin.digest
    record = kept.record if kept is not None and is_its_own else None
    if record is not None or manifest is not None:
        is_found = (
            manifest is not None and record is not None and manifest.spec.digest == record.spec
        )
        found = manifest if record is None or is_found else None
        yield link_manifest(found, record, past.manifests, path)
    if origin.pointers:
        pointer_path = f"{past.folder}/champion.yaml"
        spec = manifest.spec if manifest else None
        by = origin.made.author if manifest else None
        yield link_pointer(origin.pointers, _before(origin), spec, path=pointer_path, merged_by=by)


def _made_of(origin: Origin) -> Iterator[Link]:
    spec = origin.manifest.spec if origin.manifest else None
    then, locked = origin.evidence, origin.locked
    expected = spec.evidence.digest if spec else None
    yield link_package(then, origin.digest)
    yield link_evidence(then, origin.evidence_now, expected, origin.digest)
    yield link_data(locked, _recorded(origin), origin.package_md5, origin.where)
    yield link_code(
        locked,
        then.manifest.subject if then.manifest else None,
        ran=origin.code,
        is_in_history=origin.is_ran_known,
    )


def _people(origin: Origin, outside: Outside) -> Iterator[Link]:
    if origin.manifest is None:
        return
    spec, asked = origin.manifest.spec, outside.pull(origin)
    yield outside.cause(spec, origin.made.at)
    yield link_merge(origin.made, spec.retrain, *origin.claimed_evidence, asked.pull)
    yield outside.approvals(origin, asked)


def _outside(origin: Origin, outside: Outside) -> Iterator[Link]:
    newest = origin.past.pointers[0].champion if origin.past.pointers else None
    is_champion = newest is not None and newest.digest == origin.digest
    yield outside.registry(origin.past.model, origin.digest, is_champion=is_champion)
    rows = origin.locked.outs.get(ROWS) if origin.locked else None
    yield outside.store(origin.digest, origin.package_md5, rows)


def _before(origin: Origin) -> Champion | None:
    """The champion.yaml that this model's first one replaced."""
    pointers = origin.past.pointers
    older = pointers[pointers.index(origin.pointers[-1]) + 1 :]
    return next((p.champion for p in older if p.champion.digest != origin.digest), None)


def _recorded(origin: Origin) -> Recorded:
    """What evidence, summaries and parameters say of the data, each by its place."""
    manifest, model = origin.evidence.manifest, origin.evidence.model_manifest
    collect, split = _json(origin, COLLECT), _json(origin, SPLIT)
    data = {"the model's manifest": model.get("data_digest"), COLLECT: collect.get("data_digest")}
    holdout = {SPLIT: (split.get("holdout") or {}).get("digest")}
    if manifest is not None:
        data["the evidence"] = manifest.subject.data_digest
        holdout["the evidence"] = manifest.subject.holdout_digest
    params = origin.locked.params if origin.locked else {}
    as_of = {
        "the manifest": origin.as_of,
        "the model's manifest": _time(model.get("as_of")),
        COLLECT: _time(collect.get("as_of")),
        "dvc.lock": _time((params.get("collect") or {}).get("as_of")),
    }
    return Recorded(
        data={place: str(value) for place, value in data.items() if value is not None},
        holdout={place: str(value) for place, value in holdout.items() if value is not None},
        as_of={place: value for place, value in as_of.items() if value is not None},
    )


def _json(origin: Origin, path: str) -> dict[str, Any]:
    try:
        found = json.loads(origin.tree.text(path) or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _time(value: object) -> datetime | None:
    try:
        return None if value is None else parse_utc(str(value), "as_of")
    except ConfigurationError:
        return None
