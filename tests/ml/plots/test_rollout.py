"""The picture of a rollout cuts nothing off, also where it ends on a whole label of the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from matplotlib.backends.backend_agg import FigureCanvasAgg

from pipeline.ml.plots.rollout import draw_rollout
from pipeline.rollout_timeline import FigureLane, RolloutTimeline

START = datetime(2026, 3, 1, 16, 28, 40, tzinfo=UTC)


def test_each_time_below_a_rollout_is_whole() -> None:
    figure = draw_rollout(
        RolloutTimeline(
            title="a model",
            moments=(START, START + timedelta(seconds=35)),
            percents=(5.0, 5.0),
            phases=("Progressing", "Progressing"),
            verdicts=(None, None),
            lanes=(FigureLane("error rate", (0.0, 0.0), (None, None)),),
        )
    )
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    labels = figure.axes[-1].get_xticklabels()
    assert [label.get_text() for label in labels][-1] == "16:29:15"
    right = max(label.get_window_extent(canvas.get_renderer()).x1 for label in labels)
    assert right <= figure.bbox.x1
