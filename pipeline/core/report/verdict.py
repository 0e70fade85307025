"""What the verdict means and what the reader should do about it, with the figures behind it."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.report import gates as report_gates
from pipeline.core.report.figures import (
    count,
    day,
    duration,
    figure,
    interval,
    memory,
    percent,
    signed,
)
from pipeline.core.report.inputs import Json, ReportInputs, label_of
from pipeline.core.report.run import total_seconds
from pipeline.domain import THRESHOLD_GATE, Verdict

_TITLES = {
    Verdict.PASS: "the challenger beats the champion",
    Verdict.FAIL: "the champion stays",
    Verdict.INCONCLUSIVE: "too little evidence, the champion stays",
    Verdict.ERROR: "a check broke, the champion stays",
}
_FIRST_TITLES = {
    Verdict.FAIL: "not fit to be the first model",
    Verdict.INCONCLUSIVE: "a first model, a person decides",
    Verdict.ERROR: "a check broke",
}
_ADVICE = {
    Verdict.PASS: (
        "Read the worst slices and the fairness gaps. If they are good enough to serve, approve "
        "and merge the pull request (scripts/open_retrain_pr.py opens it); reverting that merge "
        "goes back."
    ),
    Verdict.FAIL: (
        "Nothing to do: the champion stays. If a better challenger was expected, start with "
        "the first failed gate, then look at the drift."
    ),
    Verdict.INCONCLUSIVE: (
        "Nothing to do yet: the evidence is too thin, so the champion stays. Retrain when more "
        "labelled rows have come in, or judge on more of them (split.holdout_days)."
    ),
    Verdict.ERROR: (
        "A check broke, so this says nothing about the challenger, and the champion stays. Mend "
        "what the first gate below names, then run the retrain again."
    ),
}
_FIRST_ADVICE = (
    "Decide whether these figures are good enough to serve. If they are, approve the model with "
    "`python -m scripts.set_champion`: later ones are judged against it."
)
_FIRST_REFUSED = (
    "Do not approve this model: it misses what is asked of any model, with or without a champion. "
    "Start with the first failed gate."
)
_OTHER_THRESHOLD_TITLE = "another threshold, a person decides"
_OTHER_THRESHOLD_ADVICE = (
    "Decide whether the model is good enough to serve at the new decision_threshold. If it is, "
    "approve it with `python -m scripts.set_champion`; if not, change the threshold back."
)


@dataclass(frozen=True)
class Tile:
    """One headline figure: what it is, the figure, and what stands behind it."""

    label: str
    value: str
    note: str


def title_for(inputs: ReportInputs) -> str:
    """What the verdict means, in a few words."""
    verdict = Verdict(inputs.comparison["verdict"])
    if _waits_for_threshold(inputs):
        return _OTHER_THRESHOLD_TITLE
    return (_FIRST_TITLES if inputs.is_first else _TITLES).get(verdict, _TITLES[verdict])


def advice_for(inputs: ReportInputs) -> str:
    """What the reader should do now."""
    verdict = Verdict(inputs.comparison["verdict"])
    if inputs.is_first and verdict is not Verdict.ERROR:
        return _FIRST_REFUSED if verdict is Verdict.FAIL else _FIRST_ADVICE
    return _OTHER_THRESHOLD_ADVICE if _waits_for_threshold(inputs) else _ADVICE[verdict]


def _waits_for_threshold(inputs: ReportInputs) -> bool:
    """Whether nothing but another threshold than the champion's keeps this from being judged."""
    names = [gate["name"] for gate in inputs.comparison["gates"]]
    return inputs.comparison["verdict"] == Verdict.INCONCLUSIVE and THRESHOLD_GATE in names


def tiles(inputs: ReportInputs) -> tuple[Tile, ...]:
    """The figures to see before anything else; no metric where none was computed."""
    holdout = inputs.split["holdout"]
    peak = max([stage["peak_memory_mb"] for stage in inputs.timings.values()], default=None)
    return (
        *_primary_tile(inputs),
        Tile(
            "Gates that pass",
            report_gates.gate_count(inputs.comparison).removesuffix(" gates pass"),
            report_gates.verdict_counts(inputs.comparison),
        ),
        Tile(
            "Holdout rows",
            count(holdout["rows"]),
            f"{day(holdout['start'])} to {day(holdout['end'])}, "
            f"{percent(holdout['label_rate'])} {inputs.usecase.positive}",
        ),
        Tile(
            "Run time",
            duration(total_seconds(inputs.timings)),
            f"peak memory {memory(peak)}",
        ),
    )


def _primary_tile(inputs: ReportInputs) -> list[Tile]:
    metric = inputs.policy.primary_metric
    row = next((row for row in inputs.comparison["metrics"] if row["metric"] == metric), None)
    if row is None:
        return []
    if inputs.is_first:
        ends = report_gates.ends(row["challenger_interval"])
        return [Tile(label_of(metric), figure(row["challenger"]), interval(*ends, with_sign=False))]
    return [Tile(label_of(metric), signed(row["difference"]), _story(row))]


def _story(row: Json) -> str:
    change = f"{figure(row['champion'])} → {figure(row['challenger'])}"
    return f"{change}, {interval(*report_gates.ends(row['interval']))}".rstrip(", ")
