"""What the review of a pull request found, for people: one line, and a table."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.core.report.escape import clean, escape_markdown
from pipeline.domain import Gate, Verdict, worst
from pipeline.forge import MAX_DESCRIPTION_CHARS
from pipeline.wording import counted

CONTEXT = "perennial/verify"  # the commit status of the answer
MARKER = "<!-- perennial review -->"
_ICONS = {"PASS": "✅", "INCONCLUSIVE": "🟡", "FAIL": "❌", "ERROR": "🛑"}
_HEADLINES = {
    Verdict.PASS: "This may be merged",
    Verdict.INCONCLUSIVE: "Not yet: something is still to come",
    Verdict.FAIL: "This must not be merged",
    Verdict.ERROR: "This could not be checked, so it must not be merged",
}


def description_of(gates: Sequence[Gate]) -> str:
    """The commit status in at most MAX_DESCRIPTION_CHARS characters."""
    verdict = worst(gate.verdict for gate in gates)
    still_open = [gate for gate in gates if gate.verdict is verdict]
    if verdict is Verdict.PASS:
        return f"{len(gates)} of {len(gates)} gates pass"
    text = clean(f"{still_open[0].name}: {still_open[0].reason}" if still_open else verdict)
    return text if len(text) <= MAX_DESCRIPTION_CHARS else f"{text[: MAX_DESCRIPTION_CHARS - 1]}…"


def render_review(gates: Sequence[Gate], head: str) -> str:
    """The comment below the pull request, worst gates first; texts from outside are inert.

    Those that pass are in a fold, so that what is open is all that meets the eye.
    """
    verdict = worst(gate.verdict for gate in gates)
    passing = [gate for gate in gates if gate.verdict is Verdict.PASS]
    still_open = [gate for gate in gates if gate.verdict is not Verdict.PASS]
    lines = [
        MARKER,
        f"### {_ICONS[verdict]} {_HEADLINES[verdict]}",
        "",
        f"{len(passing)} of {len(gates)} gates pass, judged by main for {head[:12]}.",
        *_table(sorted(still_open, key=lambda gate: -gate.verdict.severity)),
    ]
    if passing:
        summary = f"<summary>{_passing(len(passing))}</summary>"
        lines += ["", "<details>", summary, *_table(passing), "", "</details>"]
    return "\n".join(lines) + "\n"


def _passing(number: int) -> str:
    return f"{counted(number, 'gate')} that pass{'es' if number == 1 else ''}"


def _table(gates: Sequence[Gate]) -> list[str]:
    """A line for each gate, below a line that is empty; nothing for no gate."""
    rows = [
        f"| {_ICONS[gate.verdict]}&nbsp;{gate.verdict} | **{gate.name}** | "
        f"{escape_markdown(gate.rule)} | {escape_markdown(gate.reason)} |"
        for gate in gates
    ]
    return ["", "| | gate | asks | found |", "| --- | --- | --- | --- |", *rows] if rows else []
