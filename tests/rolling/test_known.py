"""A model that is named must be one that git knows."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigurationError
from pipeline.rolling.known import require_known


def refused(models: list[str], *names: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        require_known(models, names)
    return str(caught.value)


def test_every_unknown_name_is_told_with_what_may_be_meant() -> None:
    told = refused(["churn", "flight-delay"], "flight-dealy", "churn", "x\u202e")
    expected = "expected a model below rollouts/: churn, flight-delay"
    assert told.splitlines() == [
        "--model: 2 faults to mend",
        f"  - found 'flight-dealy', {expected}; did you mean 'flight-delay'?",
        rf"  - found 'x\u202e', {expected}",
    ]


def test_of_a_thousand_models_ten_are_named_and_hostile_folders_are_not() -> None:
    told = refused(["\x1b[2J", *(f"model-{n:04}" for n in range(1_000))], "other")
    assert told.endswith("model-0009 and 990 more")
    assert "\x1b" not in told


def test_without_any_model_that_is_said() -> None:
    assert "found 'churn', and there is no model below rollouts/ yet" in refused([], "churn")


def test_known_names_and_no_name_at_all_pass() -> None:
    require_known(["churn"], ["churn"])
    require_known([], [])
