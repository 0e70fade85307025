"""The report that a reviewer reads: one value, and the two texts made of it.

The verdict and its reason come first, then what the reader should do, then the evidence, failures
first. Templates come as arguments; they lay out, they do not decide or compute.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.core.report import data as report_data
from pipeline.core.report import fairness as report_fairness
from pipeline.core.report import gates as report_gates
from pipeline.core.report import parameters as report_parameters
from pipeline.core.report import plots as report_plots
from pipeline.core.report import run as report_run
from pipeline.core.report import slices as report_slices
from pipeline.core.report.escape import render_template
from pipeline.core.report.figures import confidence, moment, short_digest
from pipeline.core.report.inputs import ReportInputs
from pipeline.core.report.plots import Plot
from pipeline.core.report.table import Table
from pipeline.core.report.verdict import Tile, advice_for, tiles, title_for
from pipeline.domain import Verdict

_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True)
class Report:
    """Everything the templates show, as text, tables and lines; nothing in it is escaped yet."""

    verdict: Verdict
    is_first: bool
    model: str
    question: str
    title: str
    reason: str
    advice: str
    as_of: str
    trigger: str
    champion: str
    champion_line: str
    challenger: str
    confidence: str
    tiles: tuple[Tile, ...]
    gate_count: str
    gates: Table
    open_gates: Table
    passed_gates: Table
    metrics: Table
    slice_line: str
    slices: Table
    fairness_line: str
    fairness: Table
    groups: Table
    data_line: str
    windows: Table
    checks: Table
    drift_line: str
    drift: Table
    plots: tuple[Plot, ...]
    parameter_line: str
    parameters: Table
    trials: Table
    cost_line: str
    costs: Table
    resampling_line: str
    second_readers: tuple[str, ...]
    self_test: Table
    commands: tuple[str, ...]
    reproduce_notes: tuple[str, ...]
    digests: Table


def build_report(inputs: ReportInputs) -> Report:
    """The report of one finished run. Raises KeyError where an artifact lacks what it must have."""
    comparison = inputs.comparison
    verdict = Verdict(comparison["verdict"])
    gates = report_gates.all_gates(comparison)
    still_open = report_gates.open_gates(comparison)
    return Report(
        verdict=verdict,
        is_first=inputs.is_first,
        model=inputs.usecase.model,
        question=inputs.usecase.question,
        title=title_for(inputs),
        reason=comparison["summary"],
        advice=advice_for(inputs),
        as_of=moment(inputs.collect["as_of"]),
        trigger=f"{inputs.origin.trigger_type} ({inputs.origin.trigger_priority})",
        champion=short_digest(comparison["champion"]),
        champion_line=report_run.champion_line(inputs.champion),
        challenger=short_digest(inputs.package_digest or inputs.train["model_digest"]),
        confidence=confidence(inputs.policy.confidence),
        tiles=tiles(inputs),
        gate_count=report_gates.gate_count(comparison),
        gates=report_gates.gate_table(gates),
        open_gates=report_gates.gate_table(still_open),
        passed_gates=report_gates.gate_table(gates[len(still_open) :]),
        metrics=report_gates.metric_table(inputs),
        slice_line=report_slices.slice_line(inputs),
        slices=report_slices.slice_table(inputs),
        fairness_line=report_fairness.fairness_line(inputs),
        fairness=report_fairness.fairness_table(inputs),
        groups=report_fairness.group_table(inputs),
        data_line=report_data.data_line(inputs),
        windows=report_data.window_table(inputs),
        checks=report_data.check_table(inputs),
        drift_line=report_data.drift_line(inputs),
        drift=report_data.drift_table(inputs),
        plots=tuple(report_plots.plots(inputs)),
        parameter_line=report_parameters.parameter_line(inputs),
        parameters=report_parameters.parameter_table(inputs),
        trials=report_parameters.trial_table(inputs),
        cost_line=report_run.cost_line(inputs),
        costs=report_run.cost_table(inputs),
        resampling_line=report_run.resampling_line(comparison),
        second_readers=tuple(report_run.second_readers(comparison)),
        self_test=report_run.self_test_table(comparison),
        commands=tuple(report_run.commands(inputs)),
        reproduce_notes=tuple(report_run.reproduce_notes(inputs)),
        digests=report_run.digest_table(inputs),
    )


def render_markdown(report: Report, template: str) -> str:
    """The report for GitHub: one screen, then folds. Plots are links to plots/<name>.png."""
    text = render_template(template, "md", r=report)
    return _BLANK_LINES.sub("\n\n", text).strip("\n") + "\n"


def render_html(report: Report, template: str, svgs: Mapping[str, str]) -> str:
    """The report as one self-contained page. `svgs` has the drawing of each plot by its name.

    The drawings are put in as they are: they must be our own (see ml/plots.py), never from data.
    """
    pictures = {name: Markup(svg) for name, svg in svgs.items()}  # noqa: S704 (ours)
    return render_template(template, "html", r=report, svgs=pictures)
