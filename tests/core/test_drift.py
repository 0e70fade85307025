import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2, ks_2samp, norm

from pipeline.core.binning import Counts, count_values
from pipeline.core.drift import EPSILON, MIN_ROWS, psi, psi_limit
from pipeline.core.profile import profile_column
from pipeline.errors import ConfigurationError, DataIncident


def shift_of_one_sigma():
    """The PSI of N(1, 1) against the deciles of N(0, 1), from the normal distribution itself."""
    edges = norm.ppf(np.arange(11) / 10)
    shares = np.diff(norm.cdf(edges - 1))
    return float(np.sum((shares - 0.1) * np.log(shares / 0.1)))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("number", np.random.default_rng(1).normal(size=500)),
        ("number", np.r_[np.zeros(400), np.full(100, np.nan)]),
        ("category", np.repeat(["a", "b", None], [250, 150, 100])),
        ("boolean", np.arange(500) % 3 == 0),
        ("time", np.datetime64("2013-01-01", "us") + np.arange(500)),
    ],
)
def test_identical_windows_have_no_drift_at_all(kind, values):
    drift = psi(profile_column(values, kind=kind), values)
    assert (drift.value, drift.js, drift.is_drifted) == (0.0, 0.0, False)
    assert drift.ks == (0.0 if kind in ("number", "time") else None)


@pytest.mark.parametrize("outlier", [None, 1e6, math.inf])
def test_a_shift_of_one_sigma_scores_the_same_with_and_without_an_outlier(outlier):
    rng = np.random.default_rng(2)
    reference, current = rng.normal(size=1_000_000), rng.normal(1, size=1_000_000)
    if outlier is not None:
        reference[0] = current[0] = outlier
    drift = psi(profile_column(reference, kind="number"), current)
    assert shift_of_one_sigma() == pytest.approx(0.92614, abs=5e-6)
    assert drift.value == pytest.approx(shift_of_one_sigma(), abs=0.005)
    assert drift.is_drifted


def test_a_shift_of_one_sigma_reads_higher_in_windows_of_a_thousand():
    """Sampling noise adds about (B - 1)(1/N + 1/M) or more: 0.958 on average, not 0.926."""
    rng = np.random.default_rng(3)
    found = [
        psi(profile_column(rng.normal(size=1_000), kind="number"), rng.normal(1, size=1_000)).value
        for _ in range(200)
    ]
    assert np.mean(found) == pytest.approx(0.956, abs=0.02)


def test_psi_agrees_with_the_formula_written_out():
    reference = profile_column(["a"] * 300 + ["b"] * 700, kind="category")
    drift = psi(reference, ["a"] * 500 + ["b"] * 490 + [None] * 10)
    expected = sum(
        (a - e) * math.log(a / e) for e, a in [(0.3, 0.5), (0.7, 0.49), (1e-4, 0.01)]
    )  # the bin that neither window uses adds nothing
    assert drift.value == pytest.approx(expected, rel=1e-12)
    assert [(b.label, b.reference, b.current) for b in drift.bins][-2:] == [
        ("<missing>", 0.0, 0.01),
        ("<unseen>", 0.0, 0.0),
    ]


def test_the_limit_grows_in_small_windows_as_chi_square_does():
    values = np.arange(500.0)
    profile = profile_column(values, kind="number")
    assert psi(profile, values, threshold=0.1).limit == pytest.approx(0.11151, abs=5e-6)
    assert psi(profile, values, threshold=0.2).limit == 0.2
    assert psi(profile, values, threshold=0.1, alpha=0.05).limit == 0.1
    with_missing = np.r_[values, [np.nan]]
    assert psi(profile, with_missing, threshold=0.1).limit == pytest.approx(
        chi2.ppf(0.999, 10) * (1 / 500 + 1 / 501), rel=1e-9
    )


@pytest.mark.parametrize("alpha", [0.05, 0.001])
@pytest.mark.parametrize("bins", [2, 3, 12])
def test_noise_raises_the_limit_as_soon_as_it_is_above_the_threshold(bins, alpha):
    even = (1 / bins,) * bins
    noise = chi2.ppf(1 - alpha, bins - 1) * (1 / 400 + 1 / 300)
    for threshold, limit in ((0.95 * noise, noise), (1.05 * noise, 1.05 * noise)):
        found = psi_limit(even, even, 400, 300, threshold=threshold, alpha=alpha)
        assert found == pytest.approx(limit, rel=1e-9)


def test_a_bin_that_only_one_of_the_windows_uses_counts_and_one_that_neither_does_not():
    gone, new = (0.5, 0.5, 0.0, 0.0), (0.5, 0.0, 0.5, 0.0)
    limits = [
        psi_limit(*pair, 300, 300, threshold=0.05, alpha=0.001)
        for pair in ((gone, new), (gone, gone))
    ]
    assert limits == pytest.approx([chi2.ppf(0.999, dof) * 2 / 300 for dof in (2, 1)])


def test_windows_of_one_bin_have_no_noise():
    assert psi_limit((1.0, 0.0), (1.0, 0.0), 5, 5, threshold=0.05, alpha=0.001) == 0.05


def test_a_value_that_equals_the_limit_is_a_drift():
    reference = profile_column([0] * 500 + [1] * 500, kind="boolean")
    current = [0] * 300 + [1] * 700
    exact = psi(reference, current).value
    assert psi(reference, current, threshold=exact).is_drifted
    assert not psi(reference, current, threshold=math.nextafter(exact, 1)).is_drifted


@pytest.mark.parametrize(
    ("n", "m"), [(MIN_ROWS - 1, 1_000), (1_000, MIN_ROWS - 1), (0, 500), (500, 0)]
)
def test_fewer_than_three_hundred_rows_are_unknown(n, m):
    drift = psi(profile_column(np.zeros(n), kind="number"), np.ones(m))
    assert drift.is_drifted is None


def test_an_empty_window_has_no_figures():
    drift = psi(profile_column([], kind="number"), np.zeros(500))
    assert (drift.value, drift.limit, drift.ks, drift.js) == (None, None, None, None)
    assert (drift.n_reference, drift.n_current) == (0, 500)
    assert sum(b.reference for b in drift.bins) == 0
    assert sum(b.current for b in drift.bins) == 1


def test_three_hundred_rows_are_enough():
    drift = psi(profile_column(np.arange(300.0), kind="number"), np.arange(300.0) + 300)
    assert drift.is_drifted is True


def test_weights_that_leave_few_effective_rows_are_unknown():
    profile = profile_column(np.arange(1_000.0), kind="number")
    weights = np.r_[np.full(10, 1_000.0), np.ones(990)]
    drift = psi(profile, count_values(profile.bins, np.arange(1_000.0), weights))
    assert drift.n_reference == 1_000
    assert drift.n_current < 13
    assert drift.is_drifted is None


@pytest.mark.parametrize(
    ("kind", "reference", "current"),
    [
        ("number", np.arange(1_000.0), np.r_[np.arange(600.0), np.full(400, np.nan)]),
        ("category", ["a"] * 500 + ["b"] * 500, ["a"] * 500 + ["c"] * 500),
        ("boolean", [0, 1] * 500, [0, 0, 0, 1] * 250),
        ("number", [5.0] * 1_000, [4.0] * 1_000),
        (
            "time",
            np.datetime64("2013-01-01") + np.arange(900),
            np.datetime64("2019-01-01") + np.arange(900),
        ),
    ],
    ids=["null flood", "unseen", "boolean", "constant moved", "later"],
)
def test_every_kind_of_column_can_drift(kind, reference, current):
    assert psi(profile_column(reference, kind=kind), current).is_drifted


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.floats(-2, 2), st.floats(0.3, 3))
def test_ks_from_bins_never_exceeds_the_exact_statistic_nor_misses_it_by_a_bin(seed, shift, scale):
    rng = np.random.default_rng(seed)
    reference, current = rng.normal(size=600), rng.normal(shift, scale, size=600)
    drift = psi(profile_column(reference, kind="number"), current)
    exact = ks_2samp(reference, current).statistic
    widest = max(max(b.reference, b.current) for b in drift.bins)
    assert exact - widest <= drift.ks <= exact + 1e-12


def test_ks_compares_the_values_that_are_present_whatever_is_missing():
    reference = profile_column(np.arange(1_000.0), kind="number")
    gappy = np.where(np.arange(1_000) % 2 == 0, np.nan, np.arange(1_000.0))
    assert psi(reference, gappy).ks == 0.0
    assert psi(reference, np.full(1_000, np.nan)).ks is None


@given(st.lists(st.integers(0, 500), min_size=4, max_size=4).filter(any))
def test_js_agrees_with_scipy_and_psi_is_never_negative(mass):
    reference = profile_column(["a"] * 400 + ["b"] * 200, kind="category")
    drift = psi(reference, Counts(tuple(map(float, mass)), sum(mass), float(sum(mass))))
    expected = jensenshannon([2 / 3, 1 / 3, 0, 0], mass, base=2)
    assert drift.js == pytest.approx(expected, abs=1e-7)
    assert drift.value >= 0


@pytest.mark.parametrize("n_reference", [300, 20_000])
def test_without_drift_at_most_one_check_in_a_hundred_finds_three_drifted_features(n_reference):
    """1,000 checks of 50 features, 300 current rows each.

    A continuous column's deciles leave bins whose true shares are Dirichlet(N / 10): drawing those
    and the counts is the same as drawing rows, and a hundred times faster. psi() itself is asked
    for the 1,000 largest, the only ones that may be drifted, and for a sample of the others.
    """
    rng = np.random.default_rng(4)
    profile = profile_column(np.arange(float(n_reference)), kind="number")
    true_shares = rng.dirichlet(np.full(10, n_reference / 10), size=(1_000, 50))
    counts = rng.multinomial(300, true_shares).reshape(50_000, 10)
    held = np.maximum(counts / 300, EPSILON)
    values = ((held - 0.1) * np.log(held / 0.1)).sum(axis=1)
    asked = np.argsort(values)[-1_000:]
    others = rng.choice(np.argsort(values)[:-1_000], 500, replace=False)
    found = {
        i: psi(profile, Counts((*counts[i].tolist(), 0.0, 0.0), 300, 300.0))
        for i in (*asked, *others)
    }
    assert [drift.value for drift in found.values()] == pytest.approx(values[list(found)])
    assert not any(found[i].is_drifted for i in (asked[0], *others))
    drifted = np.zeros(50_000)
    drifted[asked] = [found[i].is_drifted for i in asked]
    assert (drifted.reshape(1_000, 50).sum(axis=1) >= 3).sum() <= 10
    assert drifted.sum() <= 0.002 * 50_000


def test_without_drift_rows_behave_as_the_drawn_counts_do():
    rng = np.random.default_rng(5)
    rows = [(rng.lognormal(size=300), rng.lognormal(size=300)) for _ in range(3_000)]
    found = [psi(profile_column(old, kind="number"), new) for old, new in rows]
    assert np.mean([drift.value for drift in found]) == pytest.approx(9 * (2 / 300), rel=0.1)
    assert sum(bool(drift.is_drifted) for drift in found) <= 9


@pytest.mark.parametrize(("n_reference", "least", "most"), [(300, 0.7, 1.0), (5_000, 0.0, 0.05)])
def test_a_category_of_many_rare_names_needs_a_reference_that_has_seen_them(
    n_reference, least, most
):
    """No drift at all: what 300 rows have missed comes back as unseen."""
    rng = np.random.default_rng(0)
    names = np.array([f"name {i}" for i in range(59)], dtype=object)
    often = 1 / np.arange(1, 60) ** 1.3
    calls = []
    for _ in range(40):
        reference, current = (
            rng.choice(names, n, p=often / often.sum()) for n in (n_reference, 300)
        )
        calls.append(psi(profile_column(reference, kind="category"), current).is_drifted)
    assert least <= np.mean(calls) <= most


def test_counts_of_other_bins_are_refused():
    with pytest.raises(DataIncident, match="expected 4"):
        psi(profile_column([True], kind="boolean"), Counts((1.0,), 1, 1.0))


@pytest.mark.parametrize(
    "limits", [{"threshold": 0}, {"threshold": math.nan}, {"alpha": 0}, {"alpha": 1}]
)
def test_a_limit_that_limits_nothing_is_refused(limits):
    with pytest.raises(ConfigurationError, match=r"^psi: "):
        psi(profile_column([True], kind="boolean"), [True], **limits)
