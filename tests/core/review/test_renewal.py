"""A verdict ends when main moves on, and after a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.core.review.renewal import (
    MAX_AGE,
    Verdict,
    address_of,
    main_of,
    reason_to_renew,
)

NOW = datetime(2013, 7, 2, 5, 15, tzinfo=UTC)
MAIN = "a" * 40
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("age", "has_moved", "reason"),
    [
        (timedelta(0), False, None),
        (MAX_AGE - SECOND, False, None),
        (MAX_AGE, False, "its verdict is of 2013-07-01 05:15 UTC"),
        (-SECOND, False, None),
        (timedelta(0), True, "main has moved on since aaaaaaaaaaaa judged it"),
        (2 * MAX_AGE, True, "main has moved on since aaaaaaaaaaaa judged it"),
    ],
)
def test_a_verdict_counts_until_main_moves_on_or_a_day_is_over(
    age: timedelta, has_moved: bool, reason: str | None
) -> None:
    assert reason_to_renew(Verdict(NOW - age, MAIN), NOW, has_moved=has_moved) == reason


def test_without_a_verdict_or_its_main_it_is_judged_again() -> None:
    assert reason_to_renew(None, NOW, has_moved=False) == "nobody has judged it yet"
    unknown = reason_to_renew(Verdict(NOW, None), NOW, has_moved=False)
    assert unknown == "its verdict does not say by which main"


@pytest.mark.parametrize(
    ("pull", "address"),
    [
        ("https://github.com/octo/model/pull/7", f"https://github.com/octo/model/commit/{MAIN}"),
        (".forge/pulls/7.md", f"commit/{MAIN}"),
    ],
)
def test_the_address_of_a_verdict_names_the_main_that_judged(pull: str, address: str) -> None:
    assert address_of(MAIN, pull) == address
    assert main_of(address) == MAIN


@pytest.mark.parametrize(
    "address",
    [None, "", f"https://ci.example.org/{MAIN}", f"commit/{MAIN[1:]}", f"commit/{MAIN}/x"],
)
def test_any_other_address_names_none(address: str | None) -> None:
    assert main_of(address) is None
