"""Render the report of the last pipeline run: report.md, report.html and plots/*.png.

Reads artifacts/, params.yaml, configs/ and the champion pointer, and replaces artifacts/report as a
whole. It changes nothing else, so it needs no --apply.

Exit codes: 0 done, 2 bad configuration, 3 an input is missing or does not fit the others.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pipeline.config import UseCase
from pipeline.core.report.build import Report, build_report, render_html, render_markdown
from pipeline.core.report.inputs import Origin, ReportInputs
from pipeline.core.report.plots import effects
from pipeline.core.report.svg import inline_svg
from pipeline.errors import OutsideError, exit_code_of
from pipeline.jsonio import save_text
from pipeline.ml.plots import comparison, style
from pipeline.options import new_parser
from pipeline.proposing.run_files import DOCUMENTS, TIMINGS, TRIALS, load_report_inputs

REPORT = "artifacts/report"
PREDICTIONS = "artifacts/evaluate/predictions.parquet"
CHAMPION_SCORES = "artifacts/compare/champion.parquet"
TEMPLATES = Path(__file__).parent.parent / "pipeline" / "templates"
# What a retrain itself writes: no change of the code or the configuration that made the report.
OWN_OUTPUTS = (":!artifacts", ":!params.yaml", ":!dvc.lock")


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and render."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--trigger-type", default="manual_retrain", help="why this retrain ran")
    parser.add_argument("--trigger-priority", default="medium", help="how urgent that was")
    arguments = parser.parse_args(argv)
    return exit_code_of(
        lambda: render(Path.cwd(), arguments.trigger_type, arguments.trigger_priority)
    )


def render(root: Path, trigger_type: str, trigger_priority: str) -> int:
    """Write artifacts/report. Returns 0."""
    require_inputs(root)
    origin = Origin(trigger_type, trigger_priority, commit_of(root), changed_files(root))
    inputs = load_report_inputs(root, origin)
    try:
        report = build_report(inputs)
    except (KeyError, TypeError) as error:
        raise OutsideError(
            f"artifacts/: found no usable {error}; another version of the code made them. "
            "Run `dvc repro --force`, then this again."
        ) from error
    figures = draw(root, inputs, report) if report.plots else {}
    write_folder(root / REPORT, report, figures)
    print(f"{report.verdict}: {report.title}. Read {REPORT}/report.html or {REPORT}/report.md")
    return 0


def require_inputs(root: Path) -> None:
    """Raise OutsideError naming every file that is missing."""
    needed = [*DOCUMENTS.values(), TIMINGS, PREDICTIONS, CHAMPION_SCORES, TRIALS]
    missing = [name for name in needed if not (root / name).is_file()]
    if missing:
        lines = "".join(f"\n  - {name}" for name in missing)
        raise OutsideError(
            f"the report lacks {len(missing)} of {len(needed)} inputs:{lines}\n"
            "Run `dvc repro` to its end (or `dvc pull`), then this again."
        )


def draw(root: Path, inputs: ReportInputs, report: Report) -> dict[str, Figure]:
    """The figure of each plot of the report, by name."""
    y, models = load_scores(root, has_champion=not inputs.is_first)
    legends = {plot.name: plot.legend for plot in report.plots}
    drawn = {
        "roc": comparison.draw_roc(y, models, legends["roc"]),
        "precision_recall": comparison.draw_precision_recall(
            y, models, legends["precision_recall"]
        ),
        "calibration": comparison.draw_calibration(y, models, legends["calibration"]),
        "scores": _draw_scores(y, models, legends["scores"], inputs.usecase),
    }
    if "differences" in legends:
        rows = [comparison.Effect(**vars(effect)) for effect in effects(inputs)]
        drawn["differences"] = comparison.draw_differences(rows)
    return drawn


def load_scores(root: Path, *, has_champion: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Labels (n,) and the scores (n,) of each model on the same holdout rows.

    Raises OutsideError where the two files are not about the same rows.
    """
    predictions = pd.read_parquet(root / PREDICTIONS)
    challenger = {"challenger": predictions["challenger"].to_numpy()}
    if not has_champion:
        return predictions["label"].to_numpy(), challenger
    champion = pd.read_parquet(root / CHAMPION_SCORES)
    if not champion["id"].equals(predictions["id"]):
        raise OutsideError(
            f"{CHAMPION_SCORES}: its rows are not those of {PREDICTIONS}. Run `dvc repro`."
        )
    models = {"champion": champion["champion"].to_numpy(), **challenger}
    return predictions["label"].to_numpy(), models


def write_folder(folder: Path, report: Report, figures: Mapping[str, Figure]) -> None:
    """Make the whole report beside `folder`, then put it there in place of what was there."""
    for leftover in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(leftover, ignore_errors=True)  # of a run that was killed
    new, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{tag}") for tag in ("new", "old"))
    try:
        _write(new, report, figures)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    finally:
        for rest in (new, old):
            shutil.rmtree(rest, ignore_errors=True)


def commit_of(root: Path) -> str | None:
    """The checked out commit; None outside a git checkout or without any commit."""
    return _git(root, "rev-parse", "--verify", "--quiet", "HEAD") or None


def changed_files(root: Path) -> tuple[str, ...]:
    """Files that differ from the commit, apart from what a retrain writes.

    A retrain writes one line of params.yaml, so any other difference in there counts.
    """
    tracked = _git(root, "diff", "--name-only", "-z", "HEAD", "--", ".", *OWN_OUTPUTS)
    others = ("ls-files", "-z", "--others", "--exclude-standard", "--", ".", *OWN_OUTPUTS)
    names = {name for name in f"{tracked}\0{_git(root, *others)}".split("\0") if name}
    before = _git(root, "show", "HEAD:./params.yaml")
    now = (root / "params.yaml").read_text(encoding="utf-8")
    if before and _without_as_of(before) != _without_as_of(now):
        names.add("params.yaml")
    return tuple(sorted(names))


def _without_as_of(text: str) -> list[str]:
    lines = text.strip().splitlines()
    return [line for line in lines if not line.lstrip().startswith("as_of:")]


def _git(root: Path, *arguments: str) -> str:
    """What git says, or nothing where there is no git or no checkout."""
    try:
        run = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return run.stdout.strip("\n") if run.returncode == 0 else ""


def _write(folder: Path, report: Report, figures: Mapping[str, Figure]) -> None:
    (folder / "plots").mkdir(parents=True)
    svgs = {}
    for name, figure in figures.items():
        (folder / "plots" / f"{name}.png").write_bytes(style.as_png(figure))
        svgs[name] = inline_svg(style.as_svg(figure), name, style.CSS_VARIABLES)
    markdown, html = (
        (TEMPLATES / name).read_text(encoding="utf-8")
        for name in ("report.md.j2", "report.html.j2")
    )
    save_text(folder / "report.md", render_markdown(report, markdown))
    save_text(folder / "report.html", render_html(report, html, svgs))


def _draw_scores(
    y: np.ndarray, models: comparison.Models, legend: comparison.Legend, usecase: UseCase
) -> Figure:
    names = (usecase.negative, usecase.positive)
    return comparison.draw_scores(
        y, models, legend, threshold=usecase.decision_threshold, names=names
    )


if __name__ == "__main__":
    sys.exit(main())
