"""Links between a model and what made it: data, parameters and code, as dvc.lock pinned them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.core.evidence import Subject
from pipeline.core.inert import printable
from pipeline.core.trace.links import Check, Link, not_checked

PACKAGE = "artifacts/package"
ROWS = "artifacts/collect/rows.parquet"
NOT_IN_GIT = "not in git"


@dataclass(frozen=True)
class Locked:
    """A dvc.lock, with DVC's digests of the files that git has: of its inputs and its outputs.

    `inputs` are those of the commit that ran, `outputs` those of the commit that was merged.
    """

    deps: Mapping[str, str]
    outs: Mapping[str, str]
    params: Mapping[str, Any]
    conflicts: tuple[str, ...]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class Recorded:
    """What files in git say of the data: by the place that says it."""

    data: Mapping[str, str]
    holdout: Mapping[str, str]
    as_of: Mapping[str, datetime]


def link_data(locked: Locked | None, recorded: Recorded, package_md5: str, where: str) -> Link:
    """The rows, their moment and the parameters, wherever they are written down."""
    if locked is None:
        return not_checked("data", f"dvc.lock is not in {where}, or is none")
    if package_md5 not in locked.outs.values() and not recorded.data:
        return not_checked("data", f"dvc.lock in {where} is that of another run")
    found = locked.outs.get(PACKAGE, "not recorded")
    outputs = [
        Check(f"dvc.lock in {where}: {path}", locked.outs[path], md5)
        for path, md5 in sorted(locked.outputs.items())
    ]
    as_of = {place: at.isoformat() for place, at in recorded.as_of.items()}
    moment = next((f"{at:%Y-%m-%d %H:%M} UTC" for at in recorded.as_of.values()), "no moment")
    return Link(
        "data",
        (
            f"rows {locked.outs.get(ROWS, 'not recorded')}, as of {moment}",
            f"data {_first(recorded.data)[:19]}, holdout {_first(recorded.holdout)[:19]}",
            f"seeds {_seeds(locked.params)}",
        ),
        (
            Check(f"dvc.lock in {where}: {PACKAGE}", found, package_md5),
            *_agree("data digest", recorded.data),
            *_agree("holdout digest", recorded.holdout),
            *_agree("as_of", as_of),
            *outputs,
        ),
    )


def link_code(
    locked: Locked | None, subject: Subject | None, *, ran: str, is_in_history: bool | None
) -> Link:
    """Every file of code and configuration that ran, against the commit `ran`.

    `is_in_history`: whether the commit that the evidence names led to what was merged; None where
    no evidence names one.
    """
    if locked is None:
        return not_checked("code", "there is no dvc.lock to compare with")
    inputs = {path: locked.inputs.get(path, NOT_IN_GIT) for path in locked.deps}
    checks = [Check(f"{p} in {ran[:12]}", inputs[p], locked.deps[p]) for p in sorted(inputs)]
    checks.append(Check("stages that disagree", ", ".join(locked.conflicts) or "none", "none"))
    if subject is not None:
        changed = ", ".join(printable(name, 80) for name in subject.changed[:5]) or "none"
        checks.append(Check("files that ran and were not committed", changed, "none"))
    if is_in_history is not None:
        known = "in the history of the merge" if is_in_history else "not in it"
        checks.append(Check(f"commit {ran[:12]}", known, "in the history of the merge"))
    return Link("code", (f"commit {ran[:12]}: {len(inputs)} files of code ran",), tuple(checks))


def _agree(what: str, values: Mapping[str, str]) -> list[Check]:
    """Each value against the first."""
    return [Check(f"{what} in {place}", value, _first(values)) for place, value in values.items()]


def _first(values: Mapping[str, str]) -> str:
    return next(iter(values.values()), "not recorded")


def _seeds(params: Mapping[str, Any]) -> str:
    """The seed of each stage that has one."""
    found = {
        name: values["seed"]
        for name, values in params.items()
        if isinstance(values, Mapping) and "seed" in values
    }
    return ", ".join(f"{name} {printable(str(seed), 20)}" for name, seed in found.items()) or "none"
