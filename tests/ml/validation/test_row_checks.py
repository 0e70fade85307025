"""Amount, labels and times of rows."""

import numpy as np
import pandas as pd
import pytest

from pipeline.config import CollectParams
from pipeline.domain import Verdict
from pipeline.ml.incident import Finding
from pipeline.ml.validation.row_checks import check_labels, check_lead, check_rows, check_times
from pipeline.stages.collect import windows
from tests.ml.validation.frame_rows import AS_OF, ROWS, failed, rows


def test_the_least_number_of_rows_is_enough_and_one_less_is_not() -> None:
    assert not failed(check_rows(rows()[:100], 100))
    assert failed(check_rows(rows()[:99], 100)) == [("rows", None)]


def labels(frame: pd.DataFrame, **options: object) -> list[Finding]:
    return list(
        check_labels(
            frame,
            ROWS.model_copy(update=options),
            as_of=AS_OF,
            label_maturity_hours=24,
            recent_days=30,
        )
    )


def test_label_coverage_counts_mature_rows_only() -> None:
    frame = rows(days=71)  # the last two days are not mature at as_of
    young = frame["event_time"] >= pd.Timestamp(AS_OF) - pd.Timedelta(hours=24)
    assert young.any()
    assert not failed(labels(frame.assign(label=frame["label"].mask(young))))
    old = ~young & (np.arange(len(frame)) % 5 == 0)
    fault, _ = [
        f
        for f in labels(frame.assign(label=frame["label"].mask(young | old)), label_rate=(0, 1))
        if f.severity is Verdict.FAIL
    ]
    assert (fault.check, fault.rows_affected) == ("label_coverage", int(old.sum()))
    assert fault.since == "2013-01-01T00:00:00Z"


def test_labels_that_are_still_to_come_for_the_newest_days_are_a_fault_of_the_maturity() -> None:
    frame = rows(days=120)
    frame["event_time"] += pd.Timestamp(AS_OF) - frame["event_time"].max()
    late = frame["event_time"] >= pd.Timestamp(AS_OF) - pd.Timedelta(days=9)
    (fault,) = [
        f
        for f in labels(frame.assign(label=frame["label"].mask(late)))
        if f.severity is Verdict.FAIL
    ]
    assert (fault.check, fault.column) == ("recent_label_coverage", "label")
    assert fault.found.startswith("73.3% of 600 rows of the 30 days before ")
    assert "collect.label_maturity_hours (24) is likely shorter than labels take" in fault.mend
    assert not failed(labels(frame))


def test_a_source_that_fell_silent_is_not_called_a_label_feed_that_is_late() -> None:
    frame = rows(days=30)  # the newest row is 40 days older than as_of
    (fault,) = [f for f in labels(frame) if f.severity is Verdict.FAIL]
    assert (fault.check, fault.rows_affected) == ("recent_label_coverage", 0)
    assert fault.found == "no row at all of the 30 days before 2013-03-11T00:00:00Z"
    assert "a source that fell silent" in fault.mend
    assert "label_maturity_hours" not in fault.mend


def test_the_recent_rows_are_those_of_the_recent_window_that_is_collected() -> None:
    """It is half-open: a row at its start is in it, and one at its end is in none."""
    collect = CollectParams(
        as_of=AS_OF, recent_days=30, history_days=0, label_maturity_hours=24, chunk_rows=1
    )
    recent = windows(collect)["recent"]
    frame = rows()[:3]
    second = pd.Timedelta(seconds=1)
    frame["event_time"] = [recent.start, recent.end - second, recent.end]
    covered = {f.check: f.found for f in labels(frame)}
    assert covered["recent_label_coverage"].startswith("100.0% of 2 rows of the 30 days before")
    assert covered["label_coverage"].startswith("100.0% of 2 rows old enough")
    frame["event_time"] = [recent.start - second] * 3
    (silent,) = [f for f in labels(frame) if f.check == "recent_label_coverage"]
    assert silent.found.startswith("no row at all")


def test_coverage_at_the_limit_passes() -> None:
    frame = rows()
    gap = np.arange(len(frame)) % 10 == 0
    assert not failed(labels(frame.assign(label=frame["label"].mask(gap)), label_rate=(0, 1)))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_labels_of_one_class_are_a_fault(value: float) -> None:
    assert ("label_classes", "label") in failed(labels(rows().assign(label=value)))


def test_no_label_at_all_is_a_fault_of_coverage() -> None:
    assert failed(labels(rows().assign(label=np.nan))) == [
        ("label_coverage", "label"),
        ("recent_label_coverage", "label"),
    ]


def test_a_label_rate_outside_its_band_is_a_fault_and_its_ends_are_not() -> None:
    assert failed(labels(rows(), label_rate=(0.26, 0.6))) == [("label_rate", "label")]
    assert failed(labels(rows(), label_rate=(0.05, 0.24))) == [("label_rate", "label")]
    assert not failed(labels(rows(), label_rate=(0.25, 0.25)))


@pytest.mark.parametrize("column", ["event_time", "available_at", "label_available_at"])
def test_a_time_later_than_as_of_is_a_fault_and_as_of_itself_is_not(column: str) -> None:
    frame = rows()
    at = pd.Timestamp(AS_OF)
    frame.loc[3, column] = at
    assert not failed(check_times(frame, AS_OF))
    frame.loc[3, column] = at + pd.Timedelta(seconds=1)
    (fault,) = [f for f in check_times(frame, AS_OF) if f.severity is Verdict.FAIL]
    assert (fault.check, fault.column, fault.rows_affected) == ("future", column, 1)


@pytest.mark.parametrize(
    ("hours", "said"),
    [(0.25, "0.25"), (5.5, "5.5"), (99.99, "100"), (100.4, "100"), (1440, "1,440")],
)
def test_how_long_before_is_a_plain_number_of_hours(hours: float, said: str) -> None:
    frame = rows()
    frame["available_at"] = frame["event_time"] - pd.Timedelta(hours=hours)
    (found,) = check_lead(frame)
    assert f", by {said} hours in the median" in found.found


@pytest.mark.parametrize(("share", "is_hint"), [(0.0, False), (0.5, False), (0.6, True)])
def test_most_rows_known_before_their_event_are_a_hint_at_a_time_zone(
    share: float, is_hint: bool
) -> None:
    frame = rows()
    ahead = np.arange(len(frame)) < share * len(frame)
    early = frame["event_time"] - pd.Timedelta(hours=5)
    frame["available_at"] = frame["available_at"].mask(ahead, early)
    (found,) = check_lead(frame)
    assert found.severity is Verdict.PASS  # rows may be known ahead
    assert found.found.startswith(f"{share:.1%} of 1,200 rows were available before their event")
    assert ("by 5 hours in the median" in found.found) == is_hint
    assert ("looks like a time zone" in found.mend) == is_hint
    assert not list(check_lead(frame.drop(columns="available_at")))
