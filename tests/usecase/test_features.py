"""Features: each row's own, in order, the same whatever stands around it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.usecase.features import CATEGORIES, build_features


def rows(count: int = 1, **changes: object) -> pd.DataFrame:
    """Rows as the warehouse gives them."""
    usual = {
        "id": "a",
        "event_time": pd.Timestamp("2013-06-24T09:15Z"),
        "carrier": "UA",
        "origin": "EWR",
        "dest": "IAH",
        "sched_dep_time": 515,
        "sched_arr_time": 819,
        "weekday": 0,
        "distance": 1400,
        "plane_year": 1999,
        "plane_seats": 149,
        "temp": 70.5,
        "dewp": 60.0,
        "humid": 71.0,
        "wind_speed": 5.0,
        "precip": 0.0,
        "pressure": 1010.0,
        "visib": 10.0,
        "departures_in_hour": 20,
    }
    integers = ["sched_dep_time", "sched_arr_time", "weekday", "distance", "plane_year"]
    frame = pd.DataFrame([usual | changes] * count)
    return frame.astype(dict.fromkeys([*integers, "plane_seats", "departures_in_hour"], "Int64"))


@pytest.mark.parametrize(
    ("departure", "arrival", "minute_of_day", "minutes"),
    [(515, 819, 315, 184), (2330, 110, 1410, 100), (0, 0, 0, 0), (2200, 2400, 1320, 120)],
)
def test_clock_times_become_minutes_also_past_midnight(
    departure: int, arrival: int, minute_of_day: int, minutes: int
) -> None:
    features = build_features(rows(sched_dep_time=departure, sched_arr_time=arrival)).iloc[0]
    assert features["minute_of_day"] == minute_of_day
    assert features["scheduled_minutes"] == minutes


def test_a_planes_age_is_counted_at_the_flight() -> None:
    assert build_features(rows(plane_year=1999))["plane_age"].tolist() == [14]


def test_gaps_stay_gaps() -> None:
    gaps = dict.fromkeys(["plane_year", "plane_seats", "temp", "departures_in_hour"], None)
    features = build_features(rows(**gaps))
    assert features[["plane_age", "seats", "temp", "departures_in_hour"]].isna().all(axis=None)


def test_categories_are_categories_and_all_else_is_a_float() -> None:
    dtypes = build_features(rows()).dtypes.astype(str).to_dict()
    assert {name for name, dtype in dtypes.items() if dtype == "category"} == set(CATEGORIES)
    assert {dtype for name, dtype in dtypes.items() if name not in CATEGORIES} == {"float64"}


def test_neither_id_nor_label_nor_a_time_is_a_feature() -> None:
    columns = list(build_features(rows(label=1)))
    assert not {"id", "label", "event_time", "available_at", "label_available_at"} & set(columns)
    assert len(columns) == 17


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 99), min_size=1, max_size=12, unique=True))
def test_a_rows_features_depend_on_that_row_alone(chosen: list[int]) -> None:
    random = np.random.default_rng(5)
    many = rows(100).assign(
        carrier=random.choice(["UA", "AA", "B6"], 100),
        sched_dep_time=pd.array(random.integers(0, 24, 100) * 100 + 7, dtype="Int64"),
        temp=np.where(random.random(100) < 0.3, np.nan, random.normal(60, 9, 100)),
    )
    before = many.copy(deep=True)
    whole = build_features(many).iloc[chosen]
    alone = build_features(many.iloc[chosen])
    plain = dict.fromkeys(CATEGORIES, str)  # which other categories there are is not the row's
    pd.testing.assert_frame_equal(whole.astype(plain), alone.astype(plain))
    pd.testing.assert_frame_equal(many, before)  # and the rows are left as they were
