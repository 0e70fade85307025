"""The gates, the metrics, and what each metric was asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pipeline.config import ComparisonPolicy, MetricLimit, MetricName
from pipeline.core.comparison.scoring import direction, is_higher_better
from pipeline.core.report.figures import confidence, figure, interval
from pipeline.core.report.inputs import Json, ReportInputs, label_of
from pipeline.core.report.table import (
    Cell,
    Kind,
    Table,
    difference_cells,
    table,
    verdict_cell,
)
from pipeline.domain import Verdict, worst

LOWER = "lower is better"


def all_gates(comparison: Json) -> list[Json]:
    """Every gate, the worst verdict first; a failed self-test of the gates is one of them.

    Within a verdict the order stays: it is that in which the gates were judged.
    """
    broken = [gate for gate in comparison.get("self_test", ()) if gate["verdict"] != "PASS"]
    gates = [*broken, *comparison["gates"]]
    return sorted(gates, key=lambda gate: -Verdict(gate["verdict"]).severity)


def open_gates(comparison: Json) -> list[Json]:
    """The gates that do not pass, worst first."""
    return [gate for gate in all_gates(comparison) if gate["verdict"] != "PASS"]


def gate_count(comparison: Json) -> str:
    """For example: 12 of 14 gates pass."""
    total, missed = len(all_gates(comparison)), len(open_gates(comparison))
    return f"{total - missed} of {total} gates pass"


def verdict_counts(comparison: Json) -> str:
    """How many gates have each verdict but PASS: 3 FAIL, 4 INCONCLUSIVE."""
    found = Counter(gate["verdict"] for gate in open_gates(comparison))
    return (
        ", ".join(f"{number} {verdict}" for verdict, number in found.items()) or "every one passes"
    )


def gate_table(gates: Sequence[Json]) -> Table:
    """Each gate with what was asked and what was found; the finding has the figures."""
    return table(
        "Gates, failures first",
        [("Verdict", "verdict"), ("Gate", "text"), ("Rule", "text"), ("Finding", "text")],
        [
            [verdict_cell(gate["verdict"]), gate["name"], gate["rule"], gate["reason"]]
            for gate in gates
        ],
    )


def metric_table(inputs: ReportInputs) -> Table:
    """Champion and challenger side by side; a first model stands alone with its own interval."""
    level = confidence(inputs.policy.confidence)
    figures: list[tuple[str, Kind]] = [
        ("Champion", "number"),
        ("Challenger", "number"),
        ("Δ", "number"),
    ]
    return table(
        "Metrics on the holdout, failures first",
        [
            ("Metric", "text"),
            *([("First model", "number")] if inputs.is_first else figures),
            (f"{level} interval", "number" if inputs.is_first else "interval"),
            ("Rule", "text"),
            ("Verdict", "verdict"),
        ],
        [_metric_row(row, inputs) for row in ordered_metrics(inputs)],
    )


def ordered_metrics(inputs: ReportInputs) -> list[Json]:
    """The metrics, the worst verdict first, then the primary metric, then those only reported."""

    def place(row: Json) -> tuple[int, bool]:
        verdict = verdict_of(row["metric"], inputs)
        severity = -1 if verdict is None else verdict.severity
        return (-severity, row["metric"] != inputs.policy.primary_metric)

    return sorted(inputs.comparison["metrics"], key=place)


def rule_cell(metric: MetricName, policy: ComparisonPolicy, *, is_first: bool = False) -> Cell:
    """What is asked of a metric, in few words; "none" where it is only reported.

    The gates say it in full sentences. A first model is asked for its limits alone.
    """
    rules = []
    if metric == policy.primary_metric and not is_first:
        rules += [f"gain > {policy.min_improvement:g}", "interval above 0"]
    if metric in policy.non_inferiority and not is_first:
        rules.append(f"loss < {policy.non_inferiority[metric]:g}")
    if metric in policy.limits:
        rules.append(_limit(policy.limits[metric]))
    short = rules[0].replace(" ", "\N{NO-BREAK SPACE}") if rules else "none"
    return Cell(short, " and ".join(["", *rules[1:]]).strip())


def verdict_of(metric: MetricName, inputs: ReportInputs) -> Verdict | None:
    """The worst verdict of the gates about a metric; None where no gate is."""
    names = {f"non-inferiority: {metric}", f"limit: {metric}"}
    if metric == inputs.policy.primary_metric:
        names.add("primary")
    found = [
        Verdict(gate["verdict"]) for gate in inputs.comparison["gates"] if gate["name"] in names
    ]
    return worst(found) if found else None


def metric_cell(metric: MetricName) -> Cell:
    """The metric's name, with a word where lower is better: most readers expect the opposite."""
    return Cell(label_of(metric), "" if is_higher_better(metric) else LOWER)


def ends(found: Json | None) -> tuple[Any, Any]:
    """The two ends of an interval, each None where it is not known."""
    return (found["low"], found["high"]) if found else (None, None)


def _metric_row(row: Json, inputs: ReportInputs) -> list[Cell]:
    metric: MetricName = row["metric"]
    judged = verdict_cell(verdict_of(metric, inputs))
    if inputs.is_first:
        own = interval(*ends(row["challenger_interval"]), with_sign=False)
        limit = rule_cell(metric, inputs.policy, is_first=True)
        return [
            metric_cell(metric),
            Cell(figure(row["challenger"])),
            Cell(own),
            limit,
            judged,
        ]
    return [
        metric_cell(metric),
        Cell(figure(row["champion"])),
        Cell(figure(row["challenger"])),
        *difference_cells(row["difference"], *ends(row["interval"]), direction(metric)),
        rule_cell(metric, inputs.policy),
        judged,
    ]


def _limit(limit: MetricLimit) -> str:
    ends_of = [("≥", limit.min), ("≤", limit.max)]
    return " and ".join(f"{sign} {end:g}" for sign, end in ends_of if end is not None)
