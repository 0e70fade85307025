"""What each plot of the report shows, in words, and the figures of the forest plot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.config import MetricName
from pipeline.core.comparison.scoring import is_higher_better
from pipeline.core.report.figures import count, figure, interval, percent, signed
from pipeline.core.report.gates import ends, ordered_metrics, verdict_of
from pipeline.core.report.inputs import Json, ReportInputs, label_of
from pipeline.domain import Verdict


@dataclass(frozen=True)
class Plot:
    """A picture: `name` is its file's; `alt` says what it shows to who cannot see it.

    `legend` is what stands in the picture for each model, by "champion" and "challenger".
    """

    name: str
    title: str
    alt: str
    legend: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Effect:
    """One metric in the forest plot, turned so that positive is better.

    `least` is the value that the interval (or, for the primary metric, the improvement) must stay
    above; None where the metric is not judged. Ends are None where they are not known.
    """

    label: str
    improvement: float
    low: float | None
    high: float | None
    least: float | None
    verdict: Verdict | None


def effects(inputs: ReportInputs) -> list[Effect]:
    """The rows of the forest plot, as in the table of metrics; none for a first model."""
    rows = ordered_metrics(inputs)
    return [_effect(row, inputs) for row in rows if row["improvement"] is not None]


def plots(inputs: ReportInputs) -> list[Plot]:
    """The pictures in the order in which they are shown; none where the inputs were refused.

    The forest plot needs a champion.
    """
    if not inputs.comparison["metrics"]:
        return []
    curves: list[tuple[str, str, str, MetricName]] = [
        ("roc", "ROC curve", "AUC", "roc_auc"),
        ("precision_recall", "Precision and recall", "AUC", "pr_auc"),
        ("calibration", "Calibration", "error", "calibration_error"),
    ]
    forest = Plot("differences", "Improvement of each metric", _forest_alt(inputs))
    models = ["challenger"] if inputs.is_first else ["champion", "challenger"]
    return [
        *([forest] if effects(inputs) else []),
        *(_curve(*curve, inputs) for curve in curves),
        Plot("scores", "Score distribution", _scores_alt(inputs), {name: name for name in models}),
    ]


def _curve(name: str, title: str, word: str, metric: MetricName, inputs: ReportInputs) -> Plot:
    row = {row["metric"]: row for row in inputs.comparison["metrics"]}[metric]
    models = ["challenger"] if inputs.is_first else ["champion", "challenger"]
    legend = {model: f"{model}, {word} {figure(row[model])}" for model in models}
    hint = "" if is_higher_better(metric) else " (lower is better)"
    alt = f"{title}, on the holdout. {label_of(metric)}{hint}: {'; '.join(legend.values())}."
    return Plot(name, title, alt, legend)


def _effect(row: Json, inputs: ReportInputs) -> Effect:
    metric: MetricName = row["metric"]
    low, high = ends(row["improvement_interval"])
    return Effect(
        label=label_of(metric),
        improvement=row["improvement"],
        low=low,
        high=high,
        least=_least(metric, inputs),
        verdict=verdict_of(metric, inputs),
    )


def _least(metric: MetricName, inputs: ReportInputs) -> float | None:
    policy = inputs.policy
    if metric == policy.primary_metric:
        return policy.min_improvement
    margin = policy.non_inferiority.get(metric)
    return None if margin is None else -margin


def _forest_alt(inputs: ReportInputs) -> str:
    parts = [
        f"{label_of(row['metric'])} {signed(row['improvement'])} "
        f"{interval(*ends(row['improvement_interval']))}".strip()
        for row in inputs.comparison["metrics"]
    ]
    return f"Improvement of each metric with its interval, right is better: {'; '.join(parts)}."


def _scores_alt(inputs: ReportInputs) -> str:
    holdout = inputs.split["holdout"]
    usecase = inputs.usecase
    return (
        f"How often each score is given on {count(holdout['rows'])} holdout rows, "
        f"{percent(holdout['label_rate'])} of them {usecase.positive}, for rows that are "
        f"{usecase.positive} and rows that are {usecase.negative}; "
        f"scores from {usecase.decision_threshold:g} on are answered {usecase.positive}."
    )
