"""The answer of an A/B test from the files of a checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.core.abtest.looks import Look, looks_to_json
from pipeline.errors import ConfigurationError
from pipeline.experiment import experiment_path, looks_path, render_experiment
from pipeline.jsonio import save_json
from pipeline.reviewing.ab_test import answer_of
from tests.core.ab_tests import DAY, START, evidence, ones
from tests.monitoring.ab_worlds import A, B, experiment

WON = evidence(ones(9_000, 7_000), ones(9_000, 7_500))
EVEN = evidence(ones(9_000, 7_000), ones(9_000, 7_001))
ONE = experiment(weights=[{"at": START, "challenger_basis_points": 5_000}], test={"guardrails": []})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = experiment_path(tmp_path, ONE.model, ONE.id)
    path.parent.mkdir(parents=True)
    path.write_text(render_experiment(ONE), encoding="utf-8")
    return tmp_path


def keep(root: Path, *looks: Look) -> None:
    save_json(looks_path(root, ONE.model, ONE.id), looks_to_json(ONE.id, looks))


def test_a_test_that_is_not_there_and_one_without_a_look(root: Path) -> None:
    assert answer_of(root, ONE.model, "exp-2") is None
    found = answer_of(root, ONE.model, "exp-1")
    assert found is not None
    assert (found.id, found.model_a, found.model_b, found.result) == ("exp-1", A, B, None)


def test_the_answer_is_that_of_the_last_look(root: Path) -> None:
    keep(root, Look(START + DAY, EVEN), Look(START + 2 * DAY, WON))
    won = answer_of(root, ONE.model, "exp-1")
    assert won is not None
    assert (won.result, won.is_over) == ("model_b", False)
    assert "the challenger is better" in won.reason
    keep(root, Look(START + DAY, EVEN))
    still = answer_of(root, ONE.model, "exp-1")
    assert still is not None
    assert (still.result, still.is_over) == ("inconclusive", False)
    keep(root, Look(ONE.ends_at + ONE.test.maturity, EVEN))
    over = answer_of(root, ONE.model, "exp-1")
    assert over is not None
    assert (over.result, over.is_over) == ("no_significant_difference", True)


def test_looks_of_another_test_are_no_answer(root: Path) -> None:
    save_json(looks_path(root, ONE.model, ONE.id), looks_to_json("exp-2", []))
    with pytest.raises(ConfigurationError, match="expected those of 'exp-1'"):
        answer_of(root, ONE.model, "exp-1")
