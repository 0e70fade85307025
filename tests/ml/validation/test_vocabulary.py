"""A replaced vocabulary is told from ordinary change."""

import numpy as np
import pandas as pd

from pipeline.domain import Verdict
from pipeline.ml.incident import Finding
from pipeline.ml.validation.data_profile import profile_frame
from pipeline.ml.validation.vocabulary import check_vocabulary
from tests.ml.validation.frame_rows import A_DAY, DAYS, SCHEMA, failed, rows


def words(frame: pd.DataFrame, champion: pd.DataFrame) -> list[Finding]:
    return list(check_vocabulary(frame, SCHEMA, profile_frame(champion, SCHEMA)))


def test_a_replaced_vocabulary_is_found_with_examples() -> None:
    codes = rows()["origin"].map({"EWR": "1", "JFK": "2", "LGA": "LGA"})
    (fault,) = words(rows().assign(origin=codes), rows(seed=1))
    assert (fault.severity, fault.column) == (Verdict.FAIL, "origin")
    assert set(fault.examples) == {"1", "2"}


def test_half_of_the_rows_in_new_categories_are_not_yet_a_replaced_vocabulary() -> None:
    frame = rows()
    frame["origin"] = np.where(np.arange(len(frame)) % 2, frame["origin"], "SWF")
    assert not failed(words(frame, rows(seed=1)))


def test_identifiers_that_are_always_new_are_not_judged() -> None:
    fresh = rows()["tailnum"] + "-new"
    assert not failed(words(rows().assign(tailnum=fresh), rows(seed=1)))


def test_many_categories_are_judged_by_the_fifty_most_frequent() -> None:
    rng = np.random.default_rng(0)
    many = rng.choice([f"d{i}" for i in range(200)], 1200, p=_zipf(200))
    again = rng.choice([f"d{i}" for i in range(200)], 1200, p=_zipf(200))
    other = rng.choice([f"x{i}" for i in range(200)], 1200, p=_zipf(200))
    champion = rows().assign(origin=many)
    assert not failed(words(rows().assign(origin=again), champion))
    assert failed(words(rows().assign(origin=other), champion)) == [("vocabulary", "origin")]


def test_rows_that_no_profile_ever_named_are_not_counted_as_new() -> None:
    """The champion's top 50 cover 60 %; of 45 % now, a quarter was lost and not more than half."""
    n = DAYS * A_DAY
    top = np.array([f"d{i:02}" for i in range(50)])
    rest = np.array([f"rare{i}" for i in range(n)])

    def named(share: float) -> np.ndarray:
        return np.where(np.arange(n) % 100 < 100 * share, top[np.arange(n) % 50], rest)

    champion = rows().assign(origin=named(0.6))
    assert not failed(words(rows().assign(origin=named(0.45)), champion))
    assert failed(words(rows().assign(origin=named(0.25)), champion)) == [("vocabulary", "origin")]


def _zipf(n: int) -> np.ndarray:
    weights = 1 / np.arange(1, n + 1)
    return weights / weights.sum()
