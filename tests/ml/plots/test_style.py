from datetime import UTC, datetime, timedelta

from pipeline.ml.plots import style


def labels_of(length: timedelta) -> list[str]:
    start = datetime(2026, 11, 27, 4, 54, 53, tzinfo=UTC)
    with style.new_figure(rows=2) as (figure, panels):
        for axes in panels:
            axes.plot([start, start + length], [0, 1])
        style.label_times(panels)
    style.as_png(figure)
    assert not any(label.get_visible() for label in panels[0].get_xticklabels())
    return [label.get_text() for label in panels[1].get_xticklabels()]


def test_seconds_are_written_as_a_time_of_day():
    labels = labels_of(timedelta(seconds=35))
    assert {"04:54:55", "04:55:00", "04:55:05"} <= set(labels)


def test_longer_times_are_written_by_the_minute_and_the_day():
    assert "05:30" in labels_of(timedelta(hours=3))
    assert "29" in labels_of(timedelta(days=5))
