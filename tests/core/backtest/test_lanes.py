from datetime import UTC, datetime, timedelta

import pytest

from pipeline.config import parse_section
from pipeline.core.backtest.lanes import accuracy_and_f1_drops
from pipeline.core.backtest.replay import Seen
from pipeline.core.triggers.labelled import LabelledWindow, LabelRules
from pipeline.core.triggers.rules import Observation
from pipeline.core.triggers.windows import Window
from pipeline.trigger_config import ConceptDriftTrigger

START, WEEK = datetime(2013, 7, 1, tzinfo=UTC), timedelta(days=7)
HOLDOUT = {"accuracy": 0.9, "f1_weighted": 0.8, "f1": 0.5}


def drops(f1_metric, holdout=HOLDOUT):
    fields = {"accuracy_drop": 0.1, "f1_drop": 0.1, "window": "7d", "f1_metric": f1_metric}
    figures = {"accuracy": 0.75, "f1_weighted": 0.7, "f1": 0.25}
    window = LabelledWindow(Window(START, START + WEEK), 1_000, 1_000, figures)
    rules = LabelRules(START + 2 * WEEK, timedelta(days=1), 0.9)
    seen = Seen(Observation(rules, concept=(window,), holdout=holdout))
    return accuracy_and_f1_drops(seen, parse_section(ConceptDriftTrigger, fields, "test"))


@pytest.mark.parametrize(("f1_metric", "drop"), [("f1_weighted", 0.1), ("f1", 0.25)])
def test_the_drop_that_a_lane_shows_is_that_of_the_rules_own_f1(f1_metric, drop):
    assert drops(f1_metric) == pytest.approx((0.15, drop))


@pytest.mark.parametrize("missing", ["accuracy", "f1"])
def test_a_holdout_without_the_figure_shows_no_drop(missing):
    holdout = {name: figure for name, figure in HOLDOUT.items() if name != missing}
    assert drops("f1", holdout) is None
    assert (drops("f1_weighted", holdout) is None) is (missing == "accuracy")
