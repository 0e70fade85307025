"""The paired bootstrap against a loop over scikit-learn's metric functions, in one run.

    python -m benchmarks.bench_compare --rows 100000 --draws 10000 --sample 20

The metrics are all those that the comparison resamples. Ours makes every draw. The loops make the
first --sample of the same draws, rows repeated as they were drawn, and their time is scaled up to
--draws; making the rows is not part of their time. The second loop asks scikit-learn for precision,
recall and F1 in one call for each average, as a careful author would. It has no calibration error:
both loops make that of its calibration_curve. Wall time is the clock's; CPU time counts the seconds
of all threads, so it says the same on a busy machine. Peak memory is that of the process after each
part; ours runs first, before scikit-learn is loaded. Set OPENBLAS_NUM_THREADS=1 for figures that do
not depend on the number of cores.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from pipeline.core.comparison.bootstrap import bootstrap_metrics, draw_weights
from pipeline.core.comparison.scoring import METRICS

THRESHOLD = 0.5
SEED = 1
Array = npt.NDArray[np.float64]
Figures = Callable[[Array, Array], list[float]]


@dataclass(frozen=True)
class Timing:
    """One row of the table; `difference` is the largest from ours, None for ours itself."""

    name: str
    measured_draws: int
    seconds: float  # scaled up to all draws, as is cpu_seconds
    cpu_seconds: float
    peak_mib: float
    difference: float | None = None


def main(arguments: list[str] | None = None) -> int:
    """Run both and print one markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--sample", type=int, default=20, help="draws that the loops make")
    options = parser.parse_args(arguments)
    sample = min(options.sample, options.draws)
    y, models, days = make_rows(options.rows)
    by_row, figures = time_ours(y, models, options.draws, None)
    by_day, figures_by_day = time_ours(y, models, options.draws, days)
    every = {"draws": options.draws, "ours": figures[:sample]}
    daily = {"draws": options.draws, "ours": figures_by_day[:sample], "days": days}
    loops = [
        time_loop("scikit-learn loop, rows", separately(), y, models, **every),
        time_loop("scikit-learn loop, rows, P/R/F1 shared", together(), y, models, **every),
        time_loop("scikit-learn loop, days", separately(), y, models, **daily),
    ]
    print(render_table(options.rows, options.draws, [by_row, by_day, *loops]))
    return 0


def make_rows(rows: int) -> tuple[Array, list[Array], npt.NDArray[np.int64]]:
    """Labels (a quarter positive), two models' scores and the day, one of thirty, of each row.

    No two scores are tied: the slowest case for ours, every positive being a group of its own.
    """
    rng = np.random.default_rng(0)
    y = (rng.random(rows) < 0.25).astype(np.float64)
    models = [1 / (1 + np.exp(-rng.normal(-1.2 + skill * y, 1))) for skill in (0.8, 1.0)]
    return y, models, np.arange(rows) * 30 // rows


def time_ours(
    y: Array, models: list[Array], draws: int, days: npt.ArrayLike | None
) -> tuple[Timing, Array]:
    """Our time, and our figures (draws, models, metrics)."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = bootstrap_metrics(
        y, models, THRESHOLD, draws=draws, seed=SEED, blocks=days, metrics=METRICS
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    figures = np.stack([found[metric] for metric in METRICS], axis=-1)
    name = "ours, rows" if days is None else "ours, days"
    return Timing(name, draws, wall, cpu, peak_mib()), figures.transpose(1, 0, 2)


def time_loop(
    name: str,
    figures_of: Figures,
    y: Array,
    models: list[Array],
    *,
    draws: int,
    ours: Array,
    days: npt.ArrayLike | None = None,
) -> Timing:
    """The loop over the draws of `ours` (sample, models, metrics), scaled up to `draws`."""
    wall = cpu = difference = 0.0
    for draw, expected in enumerate(ours):
        rows = np.repeat(np.arange(len(y)), draw_weights(y, draw, seed=SEED, blocks=days))
        wall_start, cpu_start = time.perf_counter(), time.process_time()
        figures = [figures_of(y[rows], model[rows]) for model in models]
        wall += time.perf_counter() - wall_start
        cpu += time.process_time() - cpu_start
        difference = max(difference, float(np.abs(np.array(figures) - expected).max()))
    scale = draws / len(ours)
    return Timing(name, len(ours), wall * scale, cpu * scale, peak_mib(), difference)


def separately() -> Figures:
    """A call for each metric, as the functions are documented; in the order of METRICS."""
    from sklearn import metrics as sk  # noqa: PLC0415 (loaded late: its memory is not ours)

    scores = of_scores()

    def figures(y: Array, p: Array) -> list[float]:
        answer = (p >= THRESHOLD).astype(np.float64)
        weighted = {"average": "weighted", "zero_division": 0}
        found = {
            "accuracy": sk.accuracy_score(y, answer),
            "precision_weighted": sk.precision_score(y, answer, **weighted),
            "recall_weighted": sk.recall_score(y, answer, **weighted),
            "f1_weighted": sk.f1_score(y, answer, **weighted),
            "precision": sk.precision_score(y, answer, zero_division=0),
            "recall": sk.recall_score(y, answer, zero_division=0),
            "f1": sk.f1_score(y, answer, zero_division=0),
            **scores(y, p),
        }
        return [found[metric] for metric in METRICS]

    return figures


def together() -> Figures:
    """Precision, recall and F1 from one call: one weighted, one of the positive class."""
    from sklearn import metrics as sk  # noqa: PLC0415 (loaded late: its memory is not ours)

    scores = of_scores()

    def figures(y: Array, p: Array) -> list[float]:
        answer = (p >= THRESHOLD).astype(np.float64)
        shared = partial(sk.precision_recall_fscore_support, y, answer, zero_division=0)
        found = {"accuracy": sk.accuracy_score(y, answer), **scores(y, p)}
        for average, ending in (("weighted", "_weighted"), ("binary", "")):
            names = (f"{name}{ending}" for name in ("precision", "recall", "f1"))
            found |= zip(names, shared(average=average)[:3], strict=True)
        return [found[metric] for metric in METRICS]

    return figures


def of_scores() -> Callable[[Array, Array], dict[str, float]]:
    """The metrics that both loops make in the same way."""
    from sklearn import metrics as sk  # noqa: PLC0415 (as above)
    from sklearn.calibration import calibration_curve  # noqa: PLC0415 (as above)

    def calibration_error(y: Array, p: Array) -> float:
        true, predicted = calibration_curve(y, p, n_bins=10)
        rows = np.histogram(p, bins=10, range=(0, 1))[0]
        return float(np.abs(true - predicted) @ rows[rows > 0] / len(y))

    def figures(y: Array, p: Array) -> dict[str, float]:
        return {
            "roc_auc": sk.roc_auc_score(y, p),
            "pr_auc": sk.average_precision_score(y, p),
            "log_loss": sk.log_loss(y, p),
            "calibration_error": calibration_error(y, p),
        }

    return figures


def render_table(rows: int, draws: int, timings: list[Timing]) -> str:
    """One markdown table; each loop's ratio is to ours with the same kind of resampling."""
    columns = ["", "draws made", "wall s", "ratio", "CPU s", "ratio", "peak RSS, MiB", "largest Δ"]
    lines = [
        f"{draws:,} paired draws, {rows:,} rows, {len(METRICS)} metrics, 2 models; ≈ is scaled up",
        "",
        f"| {' | '.join(columns)} |",
        f"|---|{'---:|' * (len(columns) - 1)}",
    ]
    for one in timings:
        ours = timings[1] if one.name.endswith("days") else timings[0]
        about = "" if one.measured_draws == draws else "≈ "
        cells = [
            one.name,
            f"{one.measured_draws:,}",
            f"{about}{one.seconds:,.1f}",
            f"{one.seconds / ours.seconds:.1f}",
            f"{about}{one.cpu_seconds:,.1f}",
            f"{one.cpu_seconds / ours.cpu_seconds:.1f}",
            f"{one.peak_mib:,.0f}",
            "" if one.difference is None else f"{one.difference:.1e}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def peak_mib() -> float:
    """The peak resident memory of this process so far (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    raise SystemExit(main())
