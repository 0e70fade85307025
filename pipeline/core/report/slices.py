"""Where the challenger is weakest, slice by slice."""

from __future__ import annotations

from pipeline.core.comparison.scoring import direction
from pipeline.core.report.figures import confidence, count, figure, interval, p_value, signed
from pipeline.core.report.gates import ends
from pipeline.core.report.inputs import Json, ReportInputs, label_of, name_of
from pipeline.core.report.table import (
    Cell,
    Kind,
    Table,
    difference_cells,
    interval_bars,
    table,
    verdict_cell,
)
from pipeline.domain import Verdict


def slice_table(inputs: ReportInputs) -> Table:
    """Every slice, worst verdict first, then the greatest loss; a first model has no verdicts."""
    return _first_slices(inputs) if inputs.is_first else _slices(inputs)


def slice_line(inputs: ReportInputs) -> str:
    """The worst slice in one sentence."""
    found = _by_severity(inputs.comparison["slices"])
    if not found:
        return "" if inputs.is_first else "No slices were measured."
    first = found[0]
    low, high = ends(first["interval"])
    metric = label_of(first["metric"])
    text = (
        f"{name_of(first['column'], first['value'])}: {metric} {signed(first['difference'])} "
        f"{interval(low, high)} on {count(first['n'])} rows"
    )
    return f"{text}; {len(found)} slices in all."


def _slices(inputs: ReportInputs) -> Table:
    found = _by_severity(inputs.comparison["slices"])
    rules = inputs.policy.slices
    sign = direction(rules.metric)
    level = confidence(inputs.policy.confidence)
    bars = interval_bars([_improvement(part, sign) for part in found], [-rules.margin] * len(found))
    rows: list[list[Cell | str]] = [
        [
            _slice_cell(part),
            count(part["n"]),
            figure(part["champion"]),
            figure(part["challenger"]),
            *difference_cells(part["difference"], *ends(part["interval"]), sign),
            bar,
            p_value(part["p_adjusted"]),
            verdict_cell(part["verdict"]),
        ]
        for part, bar in zip(found, bars, strict=True)
    ]
    columns: list[tuple[str, Kind]] = [
        ("Slice", "code"),
        ("Rows", "number"),
        ("Champion", "number"),
        ("Challenger", "number"),
        ("Δ", "number"),
        (f"{level} interval", "interval"),
        ("worse · better", "bar"),
        ("Holm p", "number"),
        ("Verdict", "verdict"),
    ]
    return table(f"{label_of(rules.metric)} by slice, worst first", columns, rows)


def _first_slices(inputs: ReportInputs) -> Table:
    metric = inputs.policy.slices.metric
    found = sorted(
        inputs.details["slices"], key=lambda part: direction(metric) * _known(part, metric)
    )
    return table(
        f"{label_of(metric)} by slice, worst first",
        [
            ("Slice", "code"),
            ("Rows", "number"),
            (label_of(metric), "number"),
            (f"{confidence(inputs.policy.confidence)} interval", "number"),
        ],
        [
            [
                Cell(name_of(part["column"], part["value"])),
                count(part["rows"]),
                figure(part["metrics"][metric]),
                interval(*ends(part["intervals"][metric]), with_sign=False),
            ]
            for part in found
        ],
    )


def _known(part: Json, metric: str) -> float:
    value = part["metrics"][metric]
    return float("inf") if value is None else float(value)


def _slice_cell(part: Json) -> Cell:
    return Cell(name_of(part["column"], part["value"]), ", ".join(part["pooled"]))


def _improvement(part: Json, sign: int) -> tuple[float | None, float | None, float | None]:
    """The difference and its interval, turned so that right is better."""
    low, high = ends(part["interval"])
    value, low, high = (
        None if end is None else sign * end for end in (part["difference"], low, high)
    )
    return (value, low, high) if sign > 0 else (value, high, low)


def _by_severity(slices: list[Json]) -> list[Json]:
    """Worst verdict first, then the greatest loss; what is not judged comes last."""

    def severity(part: Json) -> tuple[float, float]:
        verdict = part["verdict"]
        rank = -1 if verdict is None else Verdict(verdict).severity
        sign = direction(part["metric"])
        gain = part["difference"]
        return (-rank, float("-inf") if gain is None else sign * gain)

    return sorted(slices, key=severity)
