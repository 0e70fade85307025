"""The page of an A/B test for people. abtest_results.py says the same to programs."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.core.abtest.results import ABTestResults, GuardrailRow, LookRow
from pipeline.core.report.escape import render_template

PICTURE = "ab-test.png"
HEADLINES = {
    "model_a": "The champion stays (model_a)",
    "model_b": "The challenger wins (model_b)",
    "no_significant_difference": "No significant difference",
    "inconclusive": "Not decided yet",
    "invalid": "Void: nothing may be read from this test",
}
_LOOKS_SHOWN = 10


def render_ab_test(template: str, results: ABTestResults, *, has_picture: bool) -> str:
    """report.md from the text of pipeline/templates/ab_test.md.j2."""
    return render_template(
        template,
        "md",
        results=results,
        headline=HEADLINES[results.result],
        has_picture=has_picture,
        picture=PICTURE,
        primary=_primary_words(results),
        wait=wait_words(results),
        guardrails=[_guardrail_words(rail) for rail in results.guardrails],
        looks=[_look_words(look) for look in _some(results.looks)],
        looks_in_all=len(results.looks),
        reader_names={"welch": "Welch's t-test", "mann_whitney": "Mann–Whitney"},
        number=number,
    )


def summary_lines(results: ABTestResults) -> tuple[str, ...]:
    """The answer in a few plain lines, for a terminal."""
    primary = _primary_words(results)
    return (
        f"{results.experiment}: {results.result}",
        *(f"  because {reason}" for reason in results.reasons),
        f"  {results.primary.metric}: {primary['estimate']}, {primary['interval']}",
        f"  p = {primary['p']}, n = {results.primary.n:,}",
        f"  {wait_words(results)}",
    )


def wait_words(results: ABTestResults) -> str:
    """How much longer, in a sentence."""
    if results.result != "inconclusive":
        return "Nothing to wait for."
    longer = results.longer
    if longer.days == 0:
        return "The test is over: what was open stays open."
    days = f"about {longer.days:.1f} more days" if longer.days is not None else "an unknown time"
    units = f" ({longer.units:,} more units)" if longer.units is not None else ""
    return f"Wait {days}{units}: for {longer.waiting_for}."


def number(value: float | None) -> str:
    """A figure with four significant digits; a dash where there is none."""
    return "–" if value is None else f"{value:.4g}"


def _primary_words(results: ABTestResults) -> dict[str, str]:
    primary = results.primary
    low, high = primary.interval
    estimate = "no estimate yet" if primary.estimate is None else f"{primary.estimate:+.4f}"
    interval = "no interval yet"
    if low is not None and high is not None:
        interval = f"{100 * primary.confidence:g} % interval {low:+.4f} to {high:+.4f}"
    return {"estimate": estimate, "interval": interval, "p": f"{primary.p_value:.2g}"}


def _guardrail_words(rail: GuardrailRow) -> dict[str, str]:
    better = "may not fall" if rail.direction == "higher_is_better" else "may not rise"
    rule, p = f"{better} by {rail.margin:g} or more", f"{rail.p_value:.2g}"
    if rail.p_failures is not None:
        rule = f"{rule}, nor come more than {number(rail.max_ratio)} times as often"
        p = f"{p}; {rail.p_failures:.2g}"
    return {
        "metric": rail.metric,
        "rule": rule,
        "estimate": "–" if rail.estimate is None else f"{rail.estimate:+.4f}",
        "p": p,
        "state": rail.state,
    }


def _look_words(look: LookRow) -> dict[str, str]:
    interval = "–"
    if look.low is not None and look.high is not None:
        interval = f"{look.low:+.4f} to {look.high:+.4f}"
    return {
        "at": look.at[:16].replace("T", " "),
        "n": f"{look.n:,}",
        "estimate": "–" if look.estimate is None else f"{look.estimate:+.4f}",
        "interval": interval,
        "p": f"{look.p_value:.2g}",
    }


def _some(looks: Sequence[LookRow]) -> list[LookRow]:
    """At most ten looks, evenly spaced, the last among them."""
    step = max(1, -(-len(looks) // _LOOKS_SHOWN))
    return list(looks[::-1][::step])[::-1]
