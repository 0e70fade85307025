import json
from datetime import timedelta
from fractions import Fraction

import numpy as np
import pytest

from pipeline.core.abtest.estimate import estimate_difference
from pipeline.core.abtest.evidence import (
    Cell,
    Evidence,
    Period,
    evidence_from_json,
    evidence_to_json,
)
from pipeline.core.abtest.looks import Look, due_looks, looks_from_json, looks_to_json
from pipeline.core.abtest.sums import Sums, counts, sums_from_json, sums_of, sums_to_json
from pipeline.jsonio import render_json
from tests.core.ab_tests import DAY, START, evidence, numbers, ones


def made_of(parts, *, restarts: bool) -> Evidence:
    """Evidence chunk by chunk; with restarts it is saved and read back after each."""
    found = Evidence()
    for a, b in parts:
        found = found + evidence(numbers(a, before=a), numbers(b, before=b))
        if restarts:
            found = evidence_from_json(json.loads(render_json(evidence_to_json(found))))
    return found


def test_killed_and_restarted_the_evidence_is_the_same_to_the_last_digit():
    generator = np.random.default_rng(0)
    values = generator.lognormal(3, 2, (2, 10_000))
    whole = made_of([values], restarts=False)
    parts = list(zip(*(np.array_split(one, 13) for one in values), strict=True))
    restarted = made_of(parts, restarts=True)
    assert restarted == whole
    assert render_json(evidence_to_json(restarted)) == render_json(evidence_to_json(whole))
    backwards = made_of(parts[::-1], restarts=True)
    assert render_json(evidence_to_json(backwards)) == render_json(evidence_to_json(whole))
    kinds = [estimate_difference(one, "spent", "mean") for one in (whole, restarted, backwards)]
    assert kinds[0] == kinds[1] == kinds[2]


def test_sums_are_those_of_the_outcomes():
    y, x = np.array([1.0, 2.5, 4.0]), np.array([1.0, 0.0, 2.0])
    found = sums_of(y, x)
    assert (found.n, float(found.mean_y), float(found.mean_x)) == (3, 2.5, 1.0)
    assert float(found.centred_yy) == pytest.approx(((y - 2.5) ** 2).sum())
    assert float(found.centred_xy) == pytest.approx(((y - 2.5) * (x - 1)).sum())
    assert counts(10, 4) == sums_of([1.0] * 4 + [0.0] * 6)


def test_a_huge_mean_costs_no_digit_of_the_spread():
    values = 1e9 + np.random.default_rng(0).normal(0, 1e-3, 1_000)
    assert float(sums_of(values).centred_yy) / 999 == pytest.approx(values.var(ddof=1))
    assert sums_of(np.full(1_000, 1e9 + 0.1)).centred_yy >= 0


def test_the_spread_is_exact():
    values = np.random.default_rng(0).lognormal(0, 5, 500)
    exact = [Fraction(value) for value in values.tolist()]
    mean = sum(exact) / len(exact)
    assert sums_of(values).centred_yy == sum((value - mean) ** 2 for value in exact)
    assert sums_of(np.full(1_000, 0.1)).centred_yy == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e101, -1e300])
def test_an_outcome_that_is_no_number_has_no_sums(value):
    with pytest.raises(ValueError, match="outcomes"):
        sums_of([1.0, value])
    with pytest.raises(ValueError, match="outcomes"):
        sums_of([1.0, 2.0], [1.0, value])


def test_sums_survive_json():
    found = sums_of([0.1, 1e-90, 1e90], [1.0, -2.0, 0.3])
    assert sums_from_json(json.loads(json.dumps(sums_to_json(found)))) == found
    assert sums_to_json(counts(3, 1)) == {"n": 3, "y": "1", "yy": "1"}


@pytest.mark.parametrize(
    "value",
    [
        {"n": -1},
        {"n": 1.5},
        {"n": 3, "z": "1"},
        {"n": 3, "y": 1},
        {"n": 3, "y": "nan"},
        {"n": 3, "y": "1" * 5_000},
    ],
)
def test_sums_that_are_none_are_refused(value):
    with pytest.raises(ValueError, match=r"sums|Invalid literal"):
        sums_from_json(value)


@pytest.mark.parametrize("right", [-1, 4])
def test_more_successes_than_outcomes_are_refused(right):
    with pytest.raises(ValueError, match=f"found {right} of 3, expected 0 to 3"):
        counts(3, right)


def test_counts_add_up_and_totals_are_over_all_periods():
    early = Period(1_000, ones(900, 450, missing=9), ones(100, 60))
    late = Period(5_000, ones(500, 250), ones(500, 260, repeated=7))
    found = Evidence((early,)) + Evidence((Period(1_000), late))
    assert found == Evidence((early, late))
    assert found.total("model_a").units == 1_400
    assert found.total("model_b").sums("accuracy") == counts(600, 320)
    assert found.total("model_b").sums("another") == Sums()
    with pytest.raises(ValueError, match="different weights"):
        found + Evidence((Period(2_000),))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda value: value.update(schema=2),
        lambda value: value.pop("periods"),
        lambda value: value["periods"][0].update(challenger_basis_points=10_001),
        lambda value: value["periods"][0]["model_a"].update(units=-1),
        lambda value: value["periods"][0]["model_a"].pop("early"),
        lambda value: value["periods"][0]["model_a"]["metrics"]["accuracy"].update(y="1/0"),
        lambda value: value["periods"][0].update(model_a=[]),
    ],
)
def test_a_damaged_file_is_refused_and_not_half_believed(spoil):
    value = evidence_to_json(evidence(ones(10, 5), ones(10, 6)))
    assert evidence_from_json(value)
    spoil(value)
    with pytest.raises(ValueError, match=r"."):
        evidence_from_json(value)


def test_a_variant_that_never_failed_is_not_certain():
    found = estimate_difference(evidence(ones(500, 5), ones(500, 0)), "accuracy", "proportion")
    assert found.is_flat
    assert found.variance > 0.01 * 0.99 / 500
    nothing = estimate_difference(evidence(Cell(), Cell()), "accuracy", "proportion")
    assert (nothing.pairs, np.isnan(nothing.difference)) == (0, True)


# ---------------------------------------------------------------- looks


def test_looks_that_were_missed_are_made_up_for_one_a_day():
    noon = START + timedelta(days=3, hours=12)
    assert due_looks([], START, noon, DAY) == (*(START + n * DAY for n in (1, 2, 3)), noon)
    taken = [Look(START + 2 * DAY, Evidence())]
    assert due_looks(taken, START, noon, DAY) == (START + 3 * DAY, noon)
    assert due_looks(taken, START, START + 2 * DAY, DAY) == ()
    assert due_looks(taken, START, START + 3 * DAY, DAY) == (START + 3 * DAY,)


def test_looks_survive_json_and_belong_to_their_experiment():
    looks = [Look(START + n * DAY, evidence(ones(n, 1), ones(n, 0))) for n in (1, 2)]
    value = json.loads(json.dumps(looks_to_json("exp", looks)))
    assert looks_from_json("exp", value) == tuple(looks)
    assert value["looks"][0]["at"] == "2026-03-03T00:00:00Z"
    for damaged in (None, {}, {**value, "looks": value["looks"][::-1]}, {**value, "looks": 5}):
        with pytest.raises(ValueError, match=r"look|expected"):
            looks_from_json("exp", damaged)
    with pytest.raises(ValueError, match="expected those of 'other'"):
        looks_from_json("other", value)


def test_exact_sums_are_fractions_whatever_is_added():
    assert sums_of([0.5, 0.25]).y == Fraction(3, 4)
