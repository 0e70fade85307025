"""What marks rows of a rare label is found, although its AUC is far below the limit."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain import Verdict
from pipeline.ml.incident import Finding
from pipeline.ml.leakage.check import check_leakage
from pipeline.ml.leakage.rare_labels import check_rare_labels, purest_group
from pipeline.ml.leakage.single_features import feature_auc
from tests.ml.leakage.leakage_rows import PARAMS, failed, rows

N = 20_000
rng = np.random.default_rng(1)
RARE = (np.arange(N) % 100 == 0).astype("int8")  # 200 rows, 1 %
HALF = (np.arange(N) % 200 == 0).astype(float)  # half of them, and nobody else


def rare_rows(n: int = N, first: int = 0, every: int = 100) -> pd.DataFrame:
    label = (np.arange(n) % every == 0).astype("int8")
    return rows(n, seed=first, first=first).assign(label=label)


def between(n: int) -> np.ndarray:
    """Numbers on both sides of 0.3 to 0.4, none of them within."""
    return np.where(rng.random(n) < 0.5, rng.uniform(-1, 0.28, n), rng.uniform(0.42, 1, n))


def fails(values: object, **changes: object) -> list[tuple[str, str | None]]:
    frame = rare_rows().assign(chargeback_code=values, **changes)
    return failed(check_rare_labels(frame, frame, limit=0.95, seed=1))


@pytest.mark.parametrize(
    "values",
    [
        HALF,
        -HALF,
        HALF == 1,
        np.where(HALF, np.nan, rng.normal(size=N)),
        np.where(HALF, 0.0, rng.normal(size=N)),
        np.where(HALF, "chargeback", rng.choice(["a", "b"], N)),
        np.where(HALF, 5 + rng.normal(size=N), rng.normal(size=N) - 5),
        np.where(HALF, rng.uniform(0.3, 0.4, N), between(N)),
        np.where(HALF, rng.uniform(0.3, 0.4, N).round(2), between(N).round(2)),
    ],
    ids=[
        *("flag", "negated", "boolean", "gap", "value in the middle", "category", "range"),
        *("interval", "interval of rounded numbers"),
    ],
)
def test_a_value_that_half_of_the_rare_rows_have_alone_is_a_fault(values: np.ndarray) -> None:
    assert feature_auc(pd.Series(values), RARE.astype(float), seed=1) < 0.8
    assert fails(values) == [("rare_label", "chargeback_code")]


def test_a_rare_label_may_be_the_zeros() -> None:
    assert fails(HALF, label=1 - RARE) == [("rare_label", "chargeback_code")]


def test_a_strong_feature_that_others_have_too_is_honest() -> None:
    """Twenty times as likely where it is set: what a good feature of a rare label looks like."""
    flag = np.where(RARE, np.arange(N) % 200 == 0, rng.random(N) < 0.025)
    frame = rare_rows().assign(flag=flag.astype(float))
    (finding,) = check_rare_labels(frame, frame, limit=0.95, seed=1)
    assert (finding.severity, finding.column) == (Verdict.PASS, "flag")
    assert float(finding.found.split()[0]) == pytest.approx(
        100 / (100 + flag[RARE == 0].sum()), 0.01
    )


@pytest.mark.parametrize(("share", "found"), [(5, [("rare_label", "mark")]), (3, [])])
def test_a_group_counts_from_a_quarter_of_the_rare_rows(share: int, found: list) -> None:
    few = (np.arange(N) % 2000 < share * 100) & (RARE == 1)  # 5 or 3 in 20 of them
    frame = rare_rows().assign(mark=few.astype(float))
    assert few.sum() == share * 10
    assert failed(check_rare_labels(frame, frame, limit=0.95, seed=1)) == found


def test_exactly_the_limit_is_no_fault() -> None:
    mark = HALF.copy()
    mark[[1, 2, 3, 4]] = 1
    frame = rare_rows().assign(mark=mark)
    assert not failed(check_rare_labels(frame, frame, limit=100 / 104, seed=1))
    assert failed(check_rare_labels(frame, frame, limit=100 / 104 - 1e-9, seed=1))


@pytest.mark.parametrize(("every", "is_judged"), [(20, False), (21, True)])
def test_a_label_of_one_row_in_twenty_is_not_rare(every: int, is_judged: bool) -> None:
    frame = rare_rows(every=every)
    leak = frame.assign(mark=frame["label"].where(np.arange(N) % 2 == 0, 0).astype(float))
    findings = list(check_rare_labels(leak, leak, limit=0.95, seed=1))
    assert bool(failed(findings)) is is_judged
    assert is_judged or "5.0% of the rows" in findings[0].found


def test_too_few_rare_rows_are_said_and_not_failed() -> None:
    frame = rare_rows(2900).assign(mark=RARE[:2900])
    (finding,) = check_rare_labels(frame, frame, limit=0.95, seed=1)
    assert finding.severity is Verdict.PASS
    assert "fewer than" in finding.found


def test_an_identifier_marks_nothing() -> None:
    frame = rare_rows()
    assert purest_group(frame["id"], RARE.astype(float), seed=1) < 0.02
    assert purest_group(pd.Series(np.arange(N) * 7919 % N), RARE.astype(float), seed=1) < 0.05


def test_the_whole_check_stops_on_it() -> None:
    train, holdout = rare_rows(), rare_rows(5000, first=N)
    leaky = train.assign(chargeback_code=HALF), holdout.assign(chargeback_code=HALF[:5000])
    params = PARAMS.model_copy(update={"sample_rows": N})
    assert not failed(check_leakage(train, holdout, params=params))
    assert failed(check_leakage(*leaky, params=params)) == [("rare_label", "chargeback_code")]


RARER = 60_000  # rows, of which a sample of 1,600 holds a 37th


@pytest.fixture(scope="module")
def rarer() -> dict[str, pd.DataFrame]:
    """60 rows in 60,000 with the label, and a holdout."""
    return {
        "train": rare_rows(RARER, every=1000),
        "holdout": rare_rows(2000, first=RARER, every=1000),
    }


def findings_on(parts: dict[str, pd.DataFrame], mark: np.ndarray) -> dict[str, Finding]:
    train = parts["train"].assign(mark=mark.astype(float))
    found = check_leakage(train, parts["holdout"].assign(mark=0.0), params=PARAMS)
    return {finding.check: finding for finding in found}


def test_a_label_of_one_row_in_a_thousand_is_judged_by_all_its_rows(rarer: dict) -> None:
    found = findings_on(rarer, np.arange(RARER) % 2000 == 0)
    assert found["rare_label"].severity is Verdict.FAIL
    assert found["rare_label"].found.startswith("1.000 of a group")


def test_what_is_pure_in_the_sample_alone_is_no_fault(rarer: dict) -> None:
    """30 rows with the rare label and 30 others, of which one is in the sample or none."""
    found = findings_on(rarer, np.arange(RARER) % 2000 < 2)
    assert found["rare_label"].severity is Verdict.PASS
    assert found["rare_label"].column == "mark"
    assert found["rare_label"].found.startswith("0.500 of the purest group")


def test_the_purest_group_of_a_sample_is_told_as_it_is_among_all_rows(rarer: dict) -> None:
    found = findings_on(rarer, np.arange(RARER) % 50 == 0)
    assert float(found["rare_label"].found.split()[0]) == pytest.approx(60 / 1200, rel=0.5)


def test_one_feature_is_ranked_by_all_rows_of_a_rare_label_too(rarer: dict) -> None:
    found = findings_on(rarer, np.arange(RARER) % 100 == 0)["single_feature"]
    assert (found.severity, found.column) == (Verdict.FAIL, "mark")


def test_of_many_rare_rows_half_of_the_sample_is_taken() -> None:
    parts = {"train": rare_rows(RARER, every=25), "holdout": rare_rows(2000, RARER, every=25)}
    assert findings_on(parts, np.arange(RARER) % 50 == 0)["rare_label"].severity is Verdict.FAIL
    assert findings_on(parts, np.arange(RARER) % 5 == 0)["rare_label"].severity is Verdict.PASS


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_noise_alone_marks_nothing(seed: int) -> None:
    noise = np.random.default_rng(seed)
    rare = (noise.random(5000) < 0.02).astype(float)
    for values in (noise.normal(size=5000), noise.choice(list("abcdefgh"), 5000)):
        assert purest_group(pd.Series(values), rare, seed=seed) < 0.2
