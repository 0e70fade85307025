"""The model card: what a model is for, how well it does, for whom, and how to make it again."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.domain import Interval

TEMPLATES = Path(__file__).parent.parent / "templates"
MAX_TEXT = 500

# What every model of this kind has in common; the use case adds its own.
COMMON_LIMITS = (
    "It knows the training window only: after a change of season or source, retrain it first.",
    "It tells what goes together, not what causes what.",
    "Categories that it never saw are treated as missing.",
    "Slices with few rows have wide intervals: read n before the figure.",
)


@dataclass(frozen=True)
class Rows:
    """A set of labelled rows; `label_rate` is the fraction of positives."""

    start: datetime
    end: datetime
    rows: int
    label_rate: float


@dataclass(frozen=True)
class Figure:
    """A metric on `n` rows, of the whole or of one slice (`column` is `value`)."""

    metric: str
    estimate: float | None
    n: int
    interval: Interval | None = None
    column: str = ""
    value: str = ""


@dataclass(frozen=True)
class GroupRates:
    """How often one group of `column` is answered as positive: overall, if true, if false."""

    column: str
    group: str
    n: int
    selection_rate: float | None
    tpr: float | None
    fpr: float | None


@dataclass(frozen=True)
class ModelCard:
    """All that the card says. `reproduce` are shell commands, `limits` sentences."""

    model: str
    question: str
    positive: str
    negative: str
    threshold: float
    as_of: datetime
    training: Rows
    holdout: Rows
    features: Sequence[str]
    params: Mapping[str, Any]
    metrics: Sequence[Figure]
    reproduce: Sequence[str]
    slices: Sequence[Figure] = ()
    fairness: Sequence[GroupRates] = ()
    limits: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)


def render_model_card(card: ModelCard) -> str:
    """`card` as Markdown that ends with a newline; the same card gives the same text.

    No text in it can be more than text: what would be markup, a link or a mention is escaped.
    """
    template = _environment().get_template("model_card.md.j2")
    text = template.render(
        card=card,
        fairness=_by_column(card.fairness),
        slices=_by_column(card.slices),
        limits=[*COMMON_LIMITS, *card.limits],
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


class _Inert(str):
    """Markdown that is safe to print as it is."""

    __slots__ = ()


def inert(value: Any) -> str:
    """`value` as one line of Markdown that shows its text and does nothing."""
    if isinstance(value, _Inert):
        return value
    text = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in str(value))
    text = " ".join(text.split())
    if len(text) > MAX_TEXT:
        text = text[: MAX_TEXT - 1] + "…"
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*_\[\]()!|~$#])", r"\\\1", text)
    text = text.replace("@", "&#64;&#8288;")  # a word joiner keeps mentions and addresses apart
    return _Inert(re.sub(r"(?i)(www)\.", r"\1\\.", text.replace("://", "\\://")))


def _environment() -> Environment:
    """Everything printed goes through `inert`, so a template cannot forget to escape."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,  # noqa: S701 (that is for HTML; finalize escapes Markdown)
        finalize=inert,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": _figure,
        "count": lambda n: _Inert(f"{n:,}"),
        "day": lambda time: _Inert(f"{time:%Y-%m-%d %H:%M} UTC"),
        "interval": _interval,
        "gap": _gap,
        "fence": _fence,
    }
    return environment


def _by_column(items: Sequence[Any]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for item in items:
        columns.setdefault(item.column, []).append(item)
    return columns


def _is_known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _figure(value: float | None) -> str:
    return _Inert(f"{value:.3f}" if _is_known(value) else "unknown")


def _interval(interval: Interval | None) -> str:
    if interval is None or not (_is_known(interval.low) and _is_known(interval.high)):
        return _Inert("unknown")
    return _Inert(f"{interval.low:.3f} to {interval.high:.3f} ({interval.confidence:.0%})")


def _gap(groups: Sequence[GroupRates], rate: str) -> str:
    """Largest minus smallest rate; unknown where a group's rate is."""
    rates = [getattr(group, rate) for group in groups]
    known = all(map(_is_known, rates))
    return _figure(max(rates) - min(rates) if known else None)


def _fence(lines: Sequence[str]) -> str:
    """A code block whose fence is longer than any run of backticks inside."""
    body = "\n".join(" ".join(line.split()) for line in lines)
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return _Inert(f"{fence}sh\n{body}\n{fence}")
