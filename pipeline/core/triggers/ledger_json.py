"""The ledger as a JSON value and back, so that whoever keeps the file only moves text."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError

from pipeline.core.triggers.ledger import Event, Ledger
from pipeline.errors import OutsideError

VERSION = 1
_LEDGER = TypeAdapter(Ledger)


def ledger_to_json(ledger: Ledger) -> dict[str, Any]:
    """A value that json.dumps takes. Each event carries its id, for people who read the file."""
    value = _LEDGER.dump_python(ledger, mode="json")
    for event, written in zip(ledger.events, value["events"], strict=True):
        written["id"] = event.id
    return {"version": VERSION, **value}


def parse_ledger(value: Any, where: str) -> Ledger:
    """The ledger that `ledger_to_json` gave. Raises OutsideError naming what is wrong in it.

    Checked beside the types: ids that match their event, times with a zone, events whose retrain
    exists, no id twice.
    """
    if not isinstance(value, dict) or value.get("version") != VERSION:
        raise _broken(where, [f"expected a mapping with version {VERSION}"])
    try:
        ledger = _LEDGER.validate_python(value)
    except ValidationError as error:
        faults = [f"{_path(f['loc'])}: {f['msg']}" for f in error.errors(include_url=False)]
        raise _broken(where, faults) from error
    faults = [*_event_faults(ledger, value), *_retrain_faults(ledger)]
    if faults:
        raise _broken(where, faults)
    return ledger


def _event_faults(ledger: Ledger, value: Any) -> list[str]:
    retrains = {retrain.id for retrain in ledger.retrains}
    faults, seen = [], set[str]()
    for index, event in enumerate(ledger.events):
        place = f"events.{index}"
        if value["events"][index].get("id") not in (None, event.id):
            faults.append(f"{place}: id is not that of its model, champion, trigger and window")
        if event.id in seen:
            faults.append(f"{place}: recorded twice")
        seen.add(event.id)
        faults += _bad_links(event, place, retrains)
    return faults


def _bad_links(event: Event, place: str, retrains: set[str]) -> list[str]:
    faults = []
    if event.retrain is not None and event.retrain not in retrains:
        faults.append(f"{place}: retrain {event.retrain!r} is not in the ledger")
    if event.at.tzinfo is None:
        faults.append(f"{place}: time without a zone")
    return faults


def _retrain_faults(ledger: Ledger) -> list[str]:
    faults, seen = [], set[str]()
    for index, retrain in enumerate(ledger.retrains):
        if retrain.id in seen:
            faults.append(f"retrains.{index}: id {retrain.id!r} twice")
        seen.add(retrain.id)
        if retrain.planned_at.tzinfo is None or retrain.changed_at.tzinfo is None:
            faults.append(f"retrains.{index}: time without a zone")
    return faults


def _path(parts: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in parts) or "(whole file)"


def _broken(where: str, faults: list[str]) -> OutsideError:
    lines = "".join(f"\n  - {fault}" for fault in faults[:20])
    return OutsideError(
        f"{where}: not a ledger{lines}\nRestore the file from git history: it is written by "
        "scripts alone."
    )
