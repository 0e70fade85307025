"""The challenger's parameters: what changed against the champion, and what else was tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.core.report.figures import count, figure
from pipeline.core.report.inputs import ReportInputs
from pipeline.core.report.table import Table, table

SHOWN_TRIALS = 6
_ABSENT = "not set"
_PREFIX = "param_"


def parameter_table(inputs: ReportInputs) -> Table:
    """Champion and challenger side by side, what changed first."""
    before, after = inputs.champion_params, inputs.challenger_params
    if before is None:
        return table(
            "Parameters",
            [("Parameter", "code"), ("Challenger", "code")],
            [[name, _value(after[name])] for name in sorted(after)],
        )
    names = sorted({*before, *after}, key=lambda name: (_same(before, after, name), name))
    return table(
        "Parameters, what changed first",
        [("Parameter", "code"), ("Champion", "code"), ("Challenger", "code"), ("Change", "text")],
        [
            [
                name,
                _value(before.get(name, _ABSENT)),
                _value(after.get(name, _ABSENT)),
                "same" if _same(before, after, name) else "changed",
            ]
            for name in names
        ],
    )


def parameter_line(inputs: ReportInputs) -> str:
    """How many parameters changed, and how they were found."""
    before, after = inputs.champion_params, inputs.challenger_params
    if before is None:
        return f"{len(after)} parameters; {_search(inputs)}."
    names = {*before, *after}
    changed = sum(not _same(before, after, name) for name in names)
    return f"{changed} of {len(names)} changed; {_search(inputs)}."


def trial_table(inputs: ReportInputs) -> Table:
    """The best trials of the last round, then of the round before; no rows without a search."""
    ranked = sorted(inputs.trials, key=_last_round_first)
    return table(
        "Trials, the last round first, the best of it first",
        [("Parameters", "code"), ("Rows", "number"), ("Score", "number")],
        [
            [_tried(trial), _rows(trial), figure(float(trial["mean_test_score"]))]
            for trial in ranked[:SHOWN_TRIALS]
        ],
    )


def _search(inputs: ReportInputs) -> str:
    fits = inputs.train["trials"]
    if not fits:
        return "no search"
    late = ", out of time" if inputs.train["is_out_of_time"] else ""
    return f"{count(fits)} trials by {inputs.params.train.search} search{late}"


def _last_round_first(trial: Mapping[str, str]) -> tuple[float, float]:
    return (-float(trial.get("iter") or 0), -float(trial["mean_test_score"]))


def _tried(trial: Mapping[str, str]) -> str:
    """Each parameter by the last part of its name: learning_rate 0.05, max_iter 150."""
    found = {
        name.removeprefix(_PREFIX).rpartition("__")[2]: value
        for name, value in trial.items()
        if name.startswith(_PREFIX)
    }
    return ", ".join(f"{name} {_short(value)}" for name, value in found.items())


def _rows(trial: Mapping[str, str]) -> str:
    return count(float(trial["n_resources"])) if trial.get("n_resources") else ""


def _short(value: str) -> str:
    try:
        return f"{float(value):.3g}"
    except ValueError:
        return value


def _same(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> bool:
    return name in before and name in after and bool(before[name] == after[name])


def _value(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
