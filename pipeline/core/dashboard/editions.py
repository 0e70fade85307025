"""What the dashboard says of many models: a forge takes an issue of a limited length.

Past events go first, then everything but a model's state. Whatever is left out is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.core.dashboard.model import INCIDENT, ModelView

FEWER = (3, 1, 0)  # events and retrains of each kind and model, where all do not fit
_TOO_LONG = "Too long for an issue, so"
_ORDER = ("bad", "waits", "people", "busy", "none", "good")


@dataclass(frozen=True)
class Edition:
    """`models` whole and `brief` ones in a line each; `left_out` is a sentence, "" for none."""

    models: tuple[ModelView, ...] = ()
    brief: tuple[ModelView, ...] = ()
    left_out: str = ""


def editions(models: Sequence[ModelView]) -> Iterator[Edition]:
    """Those with a section for each model, each shorter than the one before it."""
    yield Edition(tuple(models))
    for count in FEWER:
        shown = f"at most {count} of each model's" if count else "none of the models'"
        said = f"{_TOO_LONG} {shown} triggers and ended retrains are listed: the ledger has them."
        yield Edition(tuple(_with(model, count) for model in models), left_out=said)


def lines_only(models: Sequence[ModelView], count: int) -> Edition:
    """A line for each of the first `count` models, those in trouble before the others."""
    brief = tuple(sorted(models, key=_urgency)[:count])
    said = f"{_TOO_LONG} each model has one line, those in trouble first."
    more = len(models) - len(brief)
    if more:
        said += f" {more} of {len(models)} models are left out."
    return Edition(brief=brief, left_out=said)


def _with(model: ModelView, count: int) -> ModelView:
    """Incidents stay: they are what somebody has to mend now."""
    incidents = tuple(line for line in model.trouble if line.about == INCIDENT)
    given_up = tuple(line for line in model.trouble if line.about != INCIDENT)
    return replace(
        model,
        triggers=model.triggers[:count],
        lost=model.lost[:count],
        trouble=(*incidents, *given_up[:count]),
    )


def _urgency(model: ModelView) -> tuple[int, bool, int]:
    order = _ORDER.index(model.icon)
    return (min(order, 1), not model.trouble, order)
