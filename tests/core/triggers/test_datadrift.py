from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pipeline.config import parse_section
from pipeline.core.drift import psi
from pipeline.core.profile import profile_column
from pipeline.core.triggers.datadrift import assess_data_drift, describe_drifts
from pipeline.core.triggers.decision import Status
from pipeline.core.triggers.windows import window_of
from pipeline.trigger_config import DataDriftTrigger

RNG = np.random.default_rng(5)
WINDOW = window_of(datetime(2013, 7, 1, tzinfo=UTC), timedelta(days=1))
PROFILE = profile_column(RNG.normal(size=5_000), kind="number")
SHIFTED = psi(PROFILE, RNG.normal(1, size=1_000))
STILL = psi(PROFILE, RNG.normal(size=1_000))
THIN = psi(PROFILE, RNG.normal(1, size=200))
EMPTY = psi(PROFILE, [])


def assess(window=WINDOW, ignore=(), **drifts):
    fields = {"psi_threshold": 0.2, "affected_features_threshold": 3, "window": "24h"}
    rule = parse_section(DataDriftTrigger, fields | {"ignore": ignore}, "test")
    return assess_data_drift(rule, window, drifts)


def test_three_drifted_features_fire_and_two_do_not():
    assert assess(a=SHIFTED, b=SHIFTED, c=SHIFTED, d=STILL).status is Status.FIRED
    assert assess(a=SHIFTED, b=SHIFTED, c=STILL, d=STILL).status is Status.QUIET


def test_an_ignored_feature_does_not_count():
    decision = assess(a=SHIFTED, b=SHIFTED, c=SHIFTED, ignore=("c",))
    assert decision.status is Status.QUIET
    assert "2 of 2 features drifted, 3 would fire" in decision.reason
    assert "c PSI" not in decision.reason


def test_features_with_too_few_rows_leave_it_unknown_only_if_they_could_decide():
    assert assess(a=SHIFTED, b=SHIFTED, c=THIN).status is Status.UNKNOWN
    assert assess(a=SHIFTED, b=STILL, c=THIN).status is Status.QUIET
    assert assess(a=SHIFTED, b=SHIFTED, c=SHIFTED, d=THIN).status is Status.FIRED


@pytest.mark.parametrize("drifts", [{}, {"a": EMPTY, "b": EMPTY, "c": EMPTY}])
def test_an_empty_window_is_unknown(drifts):
    assert assess(**drifts).status is Status.UNKNOWN


def test_a_missing_window_is_unknown():
    assert assess(window=None, a=SHIFTED, b=SHIFTED, c=SHIFTED).status is Status.UNKNOWN


def test_an_unknown_answer_says_what_is_not_known():
    assert assess().reason == "no current window has been counted"
    thin = assess(a=SHIFTED, b=SHIFTED, c=THIN).reason
    assert thin.startswith(
        "2 of 3 features drifted, 3 would fire; 1 unknown (fewer than 300 effective rows): a PSI "
    )
    assert assess(a=EMPTY).reason.endswith(
        "1 unknown (fewer than 300 effective rows): a has no rows"
    )


def test_the_reason_shows_psi_limit_ks_and_js_strongest_first():
    mild = psi(PROFILE, RNG.normal(0.6, size=1_000))
    reason = assess(mild=mild, strong=SHIFTED, a=SHIFTED).reason
    assert reason.startswith("3 of 3 features drifted, 3 would fire: a PSI ")
    assert reason.index("strong PSI") < reason.index("mild PSI")
    assert f"(limit {mild.limit:.3f}, KS {mild.ks:.3f}, JS {mild.js:.3f})" in reason


def test_a_feature_without_an_order_has_no_ks_and_one_without_rows_comes_last():
    category = profile_column(["a"] * 500 + ["b"] * 500, kind="category")
    drift = psi(category, ["a"] * 700 + ["b"] * 300)
    text = describe_drifts({"empty": EMPTY, "kind": drift})
    limit, js = f"{drift.limit:.3f}", f"{drift.js:.3f}"
    assert text == f"kind PSI {drift.value:.3f} (limit {limit}, JS {js}), empty has no rows"


def test_a_quiet_reason_names_the_feature_that_is_nearest():
    assert "still PSI 0.0" in assess(still=STILL).reason
    nearer = psi(PROFILE, RNG.normal(0.2, size=1_000))
    assert not nearer.is_drifted
    quiet = assess(a=STILL, nearer=nearer, empty=EMPTY, z=STILL).reason
    assert f": nearer PSI {nearer.value:.3f}" in quiet


def test_a_reason_of_many_features_stays_short():
    reason = assess(**{f"f{k:03d}": SHIFTED for k in range(200)}).reason
    assert "and 195 more" in reason
    assert len(reason) < 500
