"""A fault found in data, and the one-screen incident that tells people about it.

Values from the warehouse are hostile until shown otherwise: whatever came from there is rendered
as a code span, where Markdown, HTML, mentions and issue numbers mean nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.domain import Verdict, worst
from pipeline.wording import counted

MAX_EXAMPLES = 3
MAX_EXAMPLE_CHARACTERS = 60
MAX_PROSE_CHARACTERS = 300
MAX_BRIEF_CHARACTERS = 120
MAX_FAULTS_IN_FULL = 20
MAX_FAULTS_IN_BRIEF = 80

# What the caller may say about the run, in this order; anything else in a context is left out.
_CONTEXT = {
    "stage": "Stage",
    "source": "Where",
    "window": "Window",
    "as_of": "As known at",
    "rows": "Rows",
    "champion": "Champion that keeps serving",
}
# What Markdown, HTML or GitHub could act on. An underscore inside a word is only an underscore.
_ACTIVE = re.compile(r"[`<>\[\]*~|\\&$@#]|://|www\.|(?<!\w)_|_(?!\w)", re.IGNORECASE)
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True)
class Finding:
    """One check of the data and what it says.

    `column` is None where the check is about whole rows. `severity` is PASS, FAIL, or ERROR where
    the check itself broke. `found`, `expected` and `mend` are sentences of ours; `examples` are at
    most three values from the data, each cut to 60 characters and never escaped here: whoever
    renders them escapes them. `rows_affected` counts rows; `since` is the event time (ISO, UTC) of
    the first affected row, None where rows have no say. A PASS with a `mend` is a hint.
    """

    check: str
    column: str | None
    severity: Verdict
    found: str
    expected: str
    rows_affected: int = 0
    examples: tuple[str, ...] = ()
    mend: str = ""
    since: str | None = None


def verdict(findings: Iterable[Finding]) -> Verdict:
    """The worst severity of `findings`; ERROR for none at all, since nothing was checked."""
    return worst(finding.severity for finding in findings)


def examples_of(values: Iterable[object]) -> tuple[str, ...]:
    """The first three different values as text, each cut to 60 characters."""
    seen: dict[str, None] = {}
    for value in values:
        text = str(value)
        cut = text if len(text) <= MAX_EXAMPLE_CHARACTERS else text[:59] + "…"
        seen.setdefault(cut)
        if len(seen) == MAX_EXAMPLES:
            break
    return tuple(seen)


def first_event(event_times: pd.Series | None) -> str | None:
    """The earliest of `event_times` as ISO text; None where there is none or it is no time."""
    if event_times is None or not pd.api.types.is_datetime64_any_dtype(event_times.dtype):
        return None
    earliest = event_times.min()
    return None if pd.isna(earliest) else earliest.strftime("%Y-%m-%dT%H:%M:%SZ")


def render_incident(findings: Sequence[Finding], context: Mapping[str, object]) -> str:
    """`findings` as Markdown: every fault first, worst first, then what to do, then what passed.

    At most 20 faults in full and 80 in one line each, so that the text stays far below GitHub's
    65,536 characters; report.json has them all. `context` may hold model, stage, source, window,
    as_of, rows and champion.
    """
    faults = sorted(
        (finding for finding in findings if finding.severity is not Verdict.PASS),
        key=lambda finding: (
            -finding.severity.severity,
            finding.column is not None,
            -finding.rows_affected,
        ),
    )
    passed = [finding for finding in findings if finding.severity is Verdict.PASS]
    parts = [
        _render_head(faults, context),
        *(_render_fault(n, fault) for n, fault in enumerate(faults[:MAX_FAULTS_IN_FULL], 1)),
        _render_brief("more faults", faults[MAX_FAULTS_IN_FULL:]),
        _render_steps() if faults else "",
        _render_brief("checks that passed", passed),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _render_head(faults: Sequence[Finding], context: Mapping[str, object]) -> str:
    model = _inert(str(context.get("model", "the model")))
    title, said = f"# Data of {model}: no fault found", "Every check passed."
    if faults:
        title = f"# Data incident: {model} was not retrained"
        said = (
            f"**{counted(len(faults), 'fault')} in the data.** Training on it would teach the "
            "fault, so nothing trained. The champion keeps serving, unchanged."
        )
    lines = [
        f"- **{name}:** {_inert(_as_text(context[key]))}"
        for key, name in _CONTEXT.items()
        if key in context
    ]
    since = min((fault.since for fault in faults if fault.since), default=None)
    if since:
        lines.append(f"- **Since:** {_inert(since)} (event time of the first affected row)")
    return "\n\n".join(part for part in (title, said, "\n".join(lines)) if part)


def _as_text(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _render_fault(number: int, fault: Finding) -> str:
    where = f" in {as_code(fault.column)}" if fault.column is not None else ""
    rows = f" · {fault.rows_affected:,} rows" if fault.rows_affected else ""
    since = f" since {_inert(fault.since)}" if fault.since else ""
    mark = "" if fault.severity is Verdict.FAIL else f" ({fault.severity})"
    lines = [
        f"{number}. **{_inert(fault.check)}**{where}{mark}{rows}{since}",
        f"   - found: {_inert(fault.found)}",
        f"   - expected: {_inert(fault.expected)}",
    ]
    if fault.examples:
        lines.append("   - for example: " + ", ".join(map(as_code, fault.examples[:MAX_EXAMPLES])))
    if fault.mend:
        lines.append(f"   - what to do: {_inert(fault.mend)}")
    return "\n".join(lines)


def _render_brief(title: str, findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    lines = [
        f"- {_inert(finding.check, MAX_EXAMPLE_CHARACTERS)}"
        + (f" in {as_code(finding.column)}" if finding.column is not None else "")
        + f": {_inert(finding.found, MAX_BRIEF_CHARACTERS)}"
        for finding in findings[:MAX_FAULTS_IN_BRIEF]
    ]
    if len(findings) > MAX_FAULTS_IN_BRIEF:
        lines.append(f"- and {len(findings) - MAX_FAULTS_IN_BRIEF:,} more in report.json")
    summary = f"<details><summary>{len(findings)} {title}</summary>"
    return "\n".join([summary, "", *lines, "", "</details>"])


def _render_steps() -> str:
    steps = (
        "1. Mend the data where it is made. Where the world has really changed,",
        "   change the limit in configs/schema.yaml or params.yaml instead, by pull request.",
        "2. Run the retrain again. Nothing was lost: no row, no model, no budget.",
        "3. Until then the champion serves and no challenger is proposed.",
    )
    return "\n".join(["## What to do", "", *steps])


def as_code(text: str) -> str:
    """Any text as a Markdown code span that cannot be left: one line, nothing invisible, cut."""
    shown = _shown(text, MAX_EXAMPLE_CHARACTERS) or " "
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    pad = " " if shown.startswith("`") or shown.endswith("`") or shown.isspace() else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _inert(text: str, limit: int = MAX_PROSE_CHARACTERS) -> str:
    """A sentence of ours as it is; one that Markdown could act on becomes a code span."""
    shown = _shown(text, limit)
    if not _ACTIVE.search(shown):
        return shown
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    return f"{fence} {shown} {fence}"


def _shown(text: str, limit: int) -> str:
    """`text` with every control, bidirectional or invisible character spelt out, then cut."""
    spelt = "".join(
        f"\\u{ord(character):04x}" if unicodedata.category(character) in _INVISIBLE else character
        for character in text[: limit + 1]
    )
    return spelt if len(spelt) <= limit else spelt[: limit - 1] + "…"
