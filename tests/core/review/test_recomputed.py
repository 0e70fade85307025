"""Figures worked out again: equal up to rounding, or named."""

import math

import pytest

from pipeline.core.review.recomputed import (
    Recomputed,
    assess_recomputed,
    differences_of,
    parse_recomputed,
)
from pipeline.domain import Verdict

HEAD, MAIN = "a" * 40, "c" * 40


@pytest.mark.parametrize(
    ("claimed", "found"),
    [
        ({"f1": 0.1 + 0.2}, {"f1": 0.3}),
        ({"n": [1, 2.0, None]}, {"n": [1, 2, None]}),
        ("late", "late"),
        (1e9, 1e9 + 0.5),
        (True, True),
        (10**400, 10**400),
    ],
)
def test_the_same_up_to_rounding_is_no_difference(claimed: object, found: object) -> None:
    assert differences_of(claimed, found) == ()


@pytest.mark.parametrize(
    ("claimed", "found", "where"),
    [
        ({"f1": 0.7}, {"f1": 0.7 + 3e-9}, "f1"),
        ({"f1": 0.7}, {}, "f1"),
        ({}, {"f1": 0.7}, "f1"),
        ({"f1": None}, {"f1": 0.0}, "f1"),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, "a[0].b"),
        ({"a": [1]}, {"a": [1, 2]}, "a"),
        ({"a": True}, {"a": 1}, "a"),
        ({"a": "1"}, {"a": 1}, "a"),
        ({"a": math.nan}, {"a": math.nan}, "a"),
    ],
)
def test_a_difference_is_named_by_its_place(claimed: object, found: object, where: str) -> None:
    (line,) = differences_of(claimed, found)
    assert line.startswith(f"{where}: claimed ")


def test_a_long_value_is_cut() -> None:
    (line,) = differences_of({"a": "x" * 10_000}, {"a": "y"})
    assert len(line) < 120


def verdicts(recomputed: Recomputed | None) -> list[Verdict]:
    return [gate.verdict for gate in assess_recomputed(recomputed, HEAD, MAIN)]


def test_all_as_claimed_passes() -> None:
    assert verdicts(Recomputed(HEAD, MAIN, 1000, 0)) == [Verdict.PASS, Verdict.PASS]


def test_nothing_worked_out_or_for_another_commit_waits() -> None:
    waiting = [Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE]
    assert verdicts(None) == waiting
    assert verdicts(Recomputed("b" * 40, MAIN, 1000, 0)) == waiting


def test_what_another_commit_of_main_worked_out_waits_and_says_what_to_do() -> None:
    gates = assess_recomputed(Recomputed(HEAD, "b" * 40, 1000, 0), HEAD, MAIN)
    assert {gate.verdict for gate in gates} == {Verdict.INCONCLUSIVE}
    assert all("start review again" in gate.reason for gate in gates)


def test_a_difference_a_fault_a_seen_row_and_an_empty_holdout_fail() -> None:
    assert verdicts(Recomputed(HEAD, MAIN, 9, 0, differences=("f1: ...",)))[0] is Verdict.FAIL
    assert verdicts(Recomputed(HEAD, MAIN, 9, 0, faults=("rows differ",)))[0] is Verdict.FAIL
    assert verdicts(Recomputed(HEAD, MAIN, 9, 1)) == [Verdict.PASS, Verdict.FAIL]
    assert verdicts(Recomputed(HEAD, MAIN, 0, 0)) == [Verdict.PASS, Verdict.FAIL]


SAVED = {
    "head": HEAD,
    "main": MAIN,
    "holdout_rows": 9,
    "seen_in_training": 1,
    "differences": ["f1: ..."],
    "faults": [],
}


def test_a_saved_result_is_read_as_it_was() -> None:
    assert parse_recomputed(SAVED) == Recomputed(HEAD, MAIN, 9, 1, ("f1: ...",))


@pytest.mark.parametrize(
    "saved",
    [
        None,
        [],
        {**SAVED, "head": None},
        {**SAVED, "holdout_rows": "9"},
        {**SAVED, "faults": "none"},
        {name: value for name, value in SAVED.items() if name != "main"},
    ],
)
def test_what_is_no_result_counts_as_none(saved: object) -> None:
    assert parse_recomputed(saved) is None


def test_an_integer_that_no_float_is_near_is_a_difference_and_no_crash() -> None:
    assert len(differences_of({"f1": 10**400}, {"f1": 0.5})) == 1
