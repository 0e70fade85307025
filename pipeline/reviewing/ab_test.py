"""The answer of an A/B test from the files of a checkout: its experiment and the looks kept."""

from __future__ import annotations

from pathlib import Path

from pipeline.core.review.ab_test import ABTestAnswer
from pipeline.experiment import load_experiments
from pipeline.monitoring.ab_tests import judge, kept_looks


def answer_of(root: Path, model: str, name: str) -> ABTestAnswer | None:
    """What the looks said at the last of them; None where `model` has no test `name`.

    Raises ConfigurationError for a file that is not valid.
    """
    experiment = next((one for one in load_experiments(root, model) if one.id == name), None)
    if experiment is None:
        return None
    looks = kept_looks(root, experiment)
    pair = experiment.model_a, experiment.model_b
    if not looks:
        return ABTestAnswer(name, *pair)
    found = judge(experiment, looks, looks[-1].at)
    return ABTestAnswer(name, *pair, found.result, found.is_over, "; ".join(found.reasons))
