"""What the models learned from and were judged on: windows, checks and drift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.core.report.figures import count, day, figure, percent
from pipeline.core.report.inputs import Json, ReportInputs
from pipeline.core.report.table import Cell, Table, meter, table, verdict_cell
from pipeline.domain import Verdict

SHOWN_FEATURES = 10
METER_LIMITS = 4  # one season's temperature would flatten every other bar


def window_table(inputs: ReportInputs) -> Table:
    """Collected windows, then the parts of the split."""
    positive = f"Share {inputs.usecase.positive}"
    windows = inputs.collect["windows"]
    rows = [_collected(f"Collected: {name}", part) for name, part in windows.items()]
    rows += [
        _split("Trained on", inputs.split["train"]),
        _split("Judged on (holdout)", inputs.split["holdout"]),
    ]
    return table(
        "Windows",
        [
            ("Part", "text"),
            ("From", "short"),
            ("To", "short"),
            ("Rows", "number"),
            ("With a label", "number"),
            (positive, "number"),
        ],
        rows,
    )


def data_line(inputs: ReportInputs) -> str:
    """What was collected, in one sentence."""
    split = inputs.split
    newer = " newer ones" if split["method"] == "time" else ""
    aside = split["set_aside_rows"]
    tail = f", {count(aside)} set aside since a champion saw them" if aside else ""
    train, holdout = count(split["train"]["rows"]), count(split["holdout"]["rows"])
    return (
        f"{count(inputs.collect['rows'])} rows collected, "
        f"{percent(inputs.collect['label_maturity'])} with a label; trained on {train}, "
        f"judged on {holdout}{newer}{tail}."
    )


def drift_table(inputs: ReportInputs) -> Table:
    """The features that moved most against the champion's training data."""
    found = sorted(inputs.comparison["drift"], key=_excess)[:SHOWN_FEATURES]
    return table(
        "Drift of the recent window against the champion's training data",
        [
            ("Feature", "code"),
            ("PSI", "number"),
            (f"PSI, up to {METER_LIMITS} × limit", "bar"),
            ("Limit", "number"),
            ("Finding", "short"),
        ],
        [
            [
                Cell(row["column"]),
                Cell(figure(row["psi"])),
                _drift_meter(row),
                Cell(figure(row["limit"])),
                Cell(_finding(row)),
            ]
            for row in found
        ],
    )


def drift_line(inputs: ReportInputs) -> str:
    """How many features drifted, and which most; what has too few rows is never called stable."""
    found: Sequence[Json] = inputs.comparison["drift"]
    if not found:
        return "" if inputs.is_first else "No drift was measured."
    drifted = [row for row in sorted(found, key=_excess) if row["is_drifted"]]
    unknown = sum(row["is_drifted"] is None for row in found)
    if unknown == len(found):
        return f"Too few rows to say of {unknown} of {unknown} features."
    tail = f"; {unknown} {'has' if unknown == 1 else 'have'} too few rows" if unknown else ""
    if not drifted:
        return f"None of {len(found) - unknown} features drifted{tail}."
    names = ", ".join(str(row["column"]) for row in drifted[:3])
    more = f" and {len(drifted) - 3} more" if len(drifted) > 3 else ""
    return f"{len(drifted)} of {len(found)} features drifted, most of all {names}{more}{tail}."


def check_table(inputs: ReportInputs) -> Table:
    """The data checks, worst first."""
    found = sorted(findings_of(inputs.checks), key=lambda f: -Verdict(f["severity"]).severity)
    return table(
        "Data checks",
        [("Verdict", "verdict"), ("Check", "text"), ("Found", "text"), ("Expected", "text")],
        [
            [
                verdict_cell(one["severity"]),
                Cell(one["check"], one.get("column") or ""),
                Cell(one["found"]),
                Cell(one["expected"]),
            ]
            for one in found
        ],
    )


def findings_of(checks: Json | Sequence[Any]) -> list[Json]:
    """The findings of validate/report.json, which is a list of them or holds one."""
    found = checks.get("findings", ()) if isinstance(checks, dict) else checks
    return list(found)


def _collected(name: str, part: Json) -> list[Cell | str]:
    return [
        name,
        day(part["start"]),
        f"before {day(part['end'])}",
        count(part["rows"]),
        percent(part["label_maturity"]),
        "",
    ]


def _split(name: str, part: Json) -> list[Cell | str]:
    return [
        name,
        day(part["start"]),
        day(part["end"]),
        count(part["rows"]),
        percent(1.0),
        percent(part["label_rate"]),
    ]


def _excess(row: Json) -> float:
    """Sorts by PSI as a share of its limit, the largest first."""
    return -(row["psi"] or 0.0) / (row["limit"] or 1.0)


def _drift_meter(row: Json) -> Cell:
    if row["psi"] is None or not row["limit"]:
        return Cell()
    return meter(min(row["psi"] / row["limit"], METER_LIMITS), METER_LIMITS, 1.0)


def _finding(row: Json) -> str:
    if row["is_drifted"] is None:
        return "too few rows to say"
    return "drifted" if row["is_drifted"] else "stable"
