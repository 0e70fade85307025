"""The holdout: newest rows or a stratified share, and never a row that the champion's line saw."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import SplitParams
from pipeline.errors import DataIncident
from pipeline.ml.digest import row_hashes
from pipeline.ml.split import split_rows

NOTHING = np.array([], dtype=np.uint64)


def params(**changes: object) -> SplitParams:
    defaults = {"method": "time", "holdout_days": 10, "holdout_fraction": 0.2, "seed": 1}
    return SplitParams(**{**defaults, **changes})


def rows(n: int = 600, days: int = 60, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2013-01-01", tz="UTC")
    offsets = np.sort(rng.integers(0, days * 24 * 60, n))
    return pd.DataFrame(
        {
            "id": [f"row-{i}" for i in range(n)],
            "event_time": start + pd.to_timedelta(offsets, unit="min"),
            "label": (rng.random(n) < 0.3).astype("int8"),
            "group": rng.choice([f"g{i}" for i in range(40)], n),
        }
    )


def test_the_newest_days_are_the_holdout_and_everything_before_trains() -> None:
    frame = rows()
    split = split_rows(frame, NOTHING, params(holdout_days=10))
    border = frame["event_time"].max().normalize() - pd.Timedelta(days=9)
    assert (split.holdout == (frame["event_time"] >= border).to_numpy()).all()
    assert (split.train == ~split.holdout).all()


def test_a_window_that_ends_within_a_day_leaves_no_holdout_of_an_hour() -> None:
    frame = rows(n=6000)
    until = pd.Timestamp("2013-02-20T01:00:00Z")
    frame = frame[frame["event_time"] < until]
    split = split_rows(frame, NOTHING, params(holdout_days=1), until.to_pydatetime())
    judged = frame.loc[split.holdout, "event_time"]
    assert (split.holdout == (frame["event_time"] >= until - pd.Timedelta(days=1))).all()
    assert judged.min() < pd.Timestamp("2013-02-19T02:00:00Z")


@pytest.mark.parametrize("silent_days", [0, 3])
def test_a_window_that_ends_at_midnight_gives_whole_days_up_to_the_newest_row(
    silent_days: int,
) -> None:
    frame = rows()
    end = frame["event_time"].max().normalize() + pd.Timedelta(days=1 + silent_days)
    split = split_rows(frame, NOTHING, params(), end.to_pydatetime())
    assert (split.holdout == split_rows(frame, NOTHING, params()).holdout).all()


@pytest.mark.parametrize("method", ["time", "stratified"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), share=st.floats(0, 0.7))
def test_no_row_of_the_holdout_is_in_a_past_or_present_training_set(
    method: str, seed: int, share: float
) -> None:
    frame = rows(seed=seed)
    rng = np.random.default_rng(seed)
    seen = row_hashes(frame["id"])[rng.random(len(frame)) < share]
    split = split_rows(frame, seen, params(method=method))
    judged = row_hashes(frame.loc[split.holdout, "id"])
    assert not np.isin(judged, seen).any()
    assert not (split.train & split.holdout).any()
    assert split.set_aside == len(frame) - split.train.sum() - split.holdout.sum()


def test_a_stratified_holdout_keeps_the_label_rate_and_depends_on_the_seed_alone() -> None:
    frame = rows(n=3000)
    first = split_rows(frame, NOTHING, params(method="stratified"))
    again = split_rows(frame, NOTHING, params(method="stratified"))
    other = split_rows(frame, NOTHING, params(method="stratified", seed=2))
    assert (first.holdout == again.holdout).all()
    assert (first.holdout != other.holdout).any()
    assert first.holdout.mean() == pytest.approx(0.2, abs=0.001)
    rate = frame.loc[first.holdout, "label"].mean()
    assert rate == pytest.approx(frame["label"].mean(), abs=0.002)


@pytest.mark.parametrize("method", ["time", "stratified"])
def test_a_group_is_never_on_both_sides(method: str) -> None:
    frame = rows(n=2000)
    frame["group"] = [f"g{i % 300}" if i % 2 else f"h{i}" for i in range(len(frame))]
    split = split_rows(frame, NOTHING, params(method=method, group="group"))
    both = set(frame.loc[split.train, "group"]) & set(frame.loc[split.holdout, "group"])
    assert both == set()
    assert split.holdout.any()


@pytest.mark.parametrize("method", ["time", "stratified"])
@pytest.mark.parametrize("dtype", ["category", object])
def test_rows_without_a_group_belong_to_none(method: str, dtype: object) -> None:
    frame = rows(n=2000)
    groups = [None if i % 5 == 0 else f"g{i // 10}" for i in range(len(frame))]
    frame["group"] = pd.Series(groups, dtype=dtype)
    split = split_rows(frame, NOTHING, params(method=method, group="group"))
    alone = frame["group"].isna().to_numpy()
    assert (split.train | split.holdout)[alone].all()  # none is set aside
    assert split.train[alone].sum() > 200
    assert split.holdout[alone].any()
    assert not set(frame.loc[split.train, "group"].dropna()) & set(
        frame.loc[split.holdout, "group"]
    )


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2, 0.3, 0.4, 0.45, 0.6, 0.7, 0.96])
def test_whole_groups_are_as_much_of_the_rows_as_asked(share: float) -> None:
    frame = rows(n=3000).assign(group=[f"g{i // 3}" for i in range(3000)])
    chosen = params(method="stratified", group="group", holdout_fraction=share)
    assert split_rows(frame, NOTHING, chosen).holdout.mean() == pytest.approx(share, abs=0.005)


def test_too_few_rows_for_the_share_are_an_incident() -> None:
    frame = rows(n=40).assign(label=[1] * 7 + [0] * 33)
    with pytest.raises(DataIncident, match="found 7 fresh rows of one label, expected 20 or more"):
        split_rows(
            frame, NOTHING, params(method="stratified", group="group", holdout_fraction=0.45)
        )


def test_a_window_that_the_champion_has_already_seen_is_an_incident_that_says_so() -> None:
    frame = rows()
    with pytest.raises(DataIncident, match="champion has already seen this window"):
        split_rows(frame, row_hashes(frame["id"]), params())


def test_one_class_labels_are_an_incident() -> None:
    frame = rows().assign(label=0)
    for method in ("time", "stratified"):
        with pytest.raises(DataIncident, match="both labels"):
            split_rows(frame, NOTHING, params(method=method))
