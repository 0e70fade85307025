"""Copies are told from honest twins."""

import numpy as np
import pandas as pd
import pytest

from pipeline.domain import Verdict
from pipeline.ml.leakage.twins import check_twins, find_twins
from tests.ml.leakage.leakage_rows import HOLDOUT, TRAIN, coarse, copies


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
