"""Suggested thresholds as a section of Markdown, each with a diff to paste and what it would do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from pipeline.core.backtest.figures import per_month
from pipeline.core.backtest.suggest import Question, Suggestion, Trial
from pipeline.core.backtest.tables import minutes_told
from pipeline.core.report.escape import escape_markdown


def render_suggestions(
    suggestions: Sequence[Suggestion], question: Question, *, are_exact: bool
) -> str:
    """The section; `are_exact` says that no threshold changes which champion serves when."""
    caveat = (
        "No challenger wins in this replay, so a replay with a proposal gives just these figures."
        if are_exact
        else "Each moment keeps the champion that it had in this replay. A proposal starts other "
        "retrains at other times: replay with it before you trust its figures."
    )
    target = f"{question.target} in {question.span / timedelta(days=1):g} days"
    intro = (
        f"For each trigger, all else as configured: values that give about {target} from that "
        f"trigger, cooldown, back-off and the monthly cap included. {caveat} Nothing was written "
        "to configs/."
    )
    parts = [
        f"## Suggestions for {question.wanted:g} retrains a month",
        intro,
        *(_section(suggestion, question.span) for suggestion in suggestions),
    ]
    return "\n\n".join(parts)


def render_diff(suggestion: Suggestion) -> str:
    """The proposal as lines of a diff of configs/triggers.yaml; only what changes."""
    if suggestion.best is None:
        return ""
    lines = [" retraining_triggers:", f"   {suggestion.trigger}:"]
    for name, value in suggestion.best.values.items():
        before = suggestion.configured.values[name]
        if before != value:
            lines += [f"-    {name}: {_number(before)}", f"+    {name}: {_number(value)}"]
    return "\n".join(lines) if len(lines) > 2 else ""


def _section(suggestion: Suggestion, span: timedelta) -> str:
    fields = " and ".join(suggestion.configured.values)
    lines = [
        f"### {suggestion.trigger}: {fields}",
        f"- As configured: {_told(suggestion.configured, span)}",
    ]
    if suggestion.best is None:
        return "\n".join([*lines, f"- **No value gives about that many.** {_nearest(suggestion)}"])
    diff = render_diff(suggestion)
    if not diff:
        return "\n".join([*lines, "- The proposal is what is configured."])
    proposed = f"- Proposed: {_told(suggestion.best, span)}"
    return "\n".join([*lines, proposed, "", "```diff", diff, "```"])


def _told(trial: Trial, span: timedelta) -> str:
    """What a replay under these values gives."""
    figures = trial.figures
    text = (
        f"{_values(trial)}: {trial.retrains} retrains from it "
        f"({per_month(trial.retrains, span):.2f} a month), {figures.retrains} in all "
        f"({figures.retrains_a_month:.2f} a month)"
    )
    delays = [f"{d.onset.name} {minutes_told(d.first)}" for d in figures.delays]
    text += f"; first firing after an onset: {', '.join(delays)}" if delays else ""
    if figures.false_alarms is not None:
        text += f"; {len(figures.false_alarms)} false alarms"
    return escape_markdown(text)


def _nearest(suggestion: Suggestion) -> str:
    found = [f"{_values(t)} gives {t.retrains}" for t in suggestion.nearest if t is not None]
    if not found:
        return "Whatever the value, it would have asked for none."
    above = "" if suggestion.nearest[1] else ", and no value gives more"
    return escape_markdown(f"The nearest: {'; '.join(found)}{above}.")


def _values(trial: Trial) -> str:
    return ", ".join(f"{name} {_number(value)}" for name, value in trial.values.items())


def _number(value: float) -> str:
    return f"{value:.9g}"
