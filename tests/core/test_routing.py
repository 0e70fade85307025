import os
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from scipy import stats

from pipeline.core.routing import BUCKETS, Variant, assign, assign_many, routing_key, variant_of

# Pinned: a proxy, another language or a later version must give these buckets.
VECTORS = [
    ("flight-delay-0004", "user-1", 597),
    ("flight-delay-0004", "user-2", 8_782),
    ("flight-delay-0005", "user-1", 2_576),
    ("a", "", 9_908),
    ("a", "0123456789abcdef0123456789abcdef", 3_629),
    ("flight-delay-0004", "zoë@example.org", 4_174),
    ("flight-delay-0004", "a:b", 160),
]
MILLION = 1_000_000


@cache
def users(n: int) -> np.ndarray:
    return np.array([b"user-%d" % number for number in range(n)])


@pytest.mark.parametrize(("salt", "unit", "bucket"), VECTORS)
def test_the_pinned_buckets(salt, unit, bucket):
    assert assign(salt, unit) == bucket
    assert assign_many(salt, [unit]).tolist() == [bucket]


def test_the_bytes_that_are_hashed_are_salt_colon_unit_and_nothing_else():
    assert routing_key("flight-delay-0004", "zoë") == b"flight-delay-0004:zo\xc3\xab"


def test_other_processes_with_other_hash_seeds_agree():
    code = (
        "from pipeline.core.routing import assign; print([assign('s', str(i)) for i in range(9)])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert said == {f"{[assign('s', str(i)) for i in range(9)]}\n"}


def test_many_at_once_are_what_one_by_one_gives_whatever_holds_the_units():
    units = ["", "a", "user-17", "x" * 40, "zoë", "user-18", *map(str, range(40_000))]
    expected = [assign("salt", unit) for unit in units]
    assert assign_many("salt", units).tolist() == expected
    assert assign_many("salt", np.array(units)).tolist() == expected
    assert assign_many("salt", np.array([unit.encode() for unit in units])).tolist() == expected
    assert assign_many("salt", []).tolist() == []


def test_a_growing_challenger_takes_no_user_back_and_a_stopped_one_has_none():
    """10⁶ users over 1 → 5 → 25 → 50 → 0 → 5 %."""
    buckets = assign_many("flight-delay-0004", users(MILLION))
    served = {percent: buckets < percent * 100 for percent in (0, 1, 5, 25, 50)}
    for before, after in ((1, 5), (5, 25), (25, 50), (0, 5)):
        assert not (served[before] & ~served[after]).any()
    assert not served[0].any()
    for percent, is_challengers in served.items():
        assert is_challengers.mean() == pytest.approx(percent / 100, abs=0.002)
    again = assign_many("flight-delay-0004", users(MILLION)) < 500
    assert (again == served[5]).all()


def test_buckets_are_uniform_for_each_of_twenty_salts():
    p_values = []
    for salt in range(20):
        buckets = assign_many(f"salt-{salt}", users(200_000))
        counted = np.bincount(buckets, minlength=BUCKETS)
        assert len(counted) == BUCKETS
        p_values.append(stats.chisquare(counted).pvalue)
    assert min(p_values) > 0.05 / 20 / 5  # Bonferroni, and some room
    assert stats.kstest(p_values, "uniform").pvalue > 0.01  # not too even either


def test_two_experiments_are_independent():
    one, other = (assign_many(salt, users(MILLION)) for salt in ("test-1", "test-2"))
    assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(MILLION)
    table = [
        [((one < 500) == a) & ((other < 2_500) == b) for b in (False, True)] for a in (False, True)
    ]
    assert stats.chi2_contingency(np.sum(table, axis=2)).pvalue > 0.001


@pytest.mark.parametrize(
    ("bucket", "weight", "variant"),
    [
        (0, 0, Variant.MODEL_A),
        (9_999, 0, Variant.MODEL_A),
        (0, 1, Variant.MODEL_B),
        (499, 500, Variant.MODEL_B),
        (500, 500, Variant.MODEL_A),
        (9_999, 10_000, Variant.MODEL_B),
    ],
)
def test_the_challenger_has_the_buckets_below_its_weight(bucket, weight, variant):
    assert variant_of(bucket, weight) is variant


@pytest.mark.parametrize("weight", [-1, 10_001])
def test_a_weight_that_cannot_be_routes_nobody(weight):
    with pytest.raises(ValueError, match="weight"):
        variant_of(0, weight)


@pytest.mark.parametrize("salt", ["", "a:b", "A", "-a", "a b", "a" * 64, "a\n"])
def test_a_salt_that_could_be_read_in_two_ways_is_refused(salt):
    with pytest.raises(ValueError, match="salt"):
        assign(salt, "unit")
