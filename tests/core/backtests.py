"""Worlds of the past for the tests of a replay: weeks of figures that are known to the digit."""

from datetime import UTC, datetime, timedelta

from pipeline.config import parse_section
from pipeline.core.backtest.replay import Seen, Serving, Terms, moments_between, replay
from pipeline.core.backtest.report import Setup
from pipeline.core.drift import Drift
from pipeline.core.triggers.labelled import LabelledWindow, LabelRules
from pipeline.core.triggers.rules import Observation
from pipeline.core.triggers.windows import closed_windows
from pipeline.trigger_config import TriggerConfig

START = datetime(2013, 4, 1, tzinfo=UTC)  # a Monday
DAY, WEEK, MATURITY = timedelta(days=1), timedelta(days=7), timedelta(hours=24)
HOLDOUT = {"accuracy": 0.9, "f1_weighted": 0.9}
FIRST = Serving("sha256:first", START)
RULES = {
    "performance_degradation": {"metric": "accuracy", "threshold": 0.8, "window": "7d"}
    | {"consecutive_violations": 1, "direction": None},
    "concept_drift": {"accuracy_drop": 0.1, "f1_drop": 0.1, "window": "7d", "detector": "none"},
    "data_drift": {"psi_threshold": 0.2, "affected_features_threshold": 2, "window": "7d"},
    "new_data_volume": {"min_new_samples": 1_000, "quality_threshold": 0.95},
    "scheduled_retrain": {"frequency": "monthly", "day_of_month": 2, "time": "02:00"},
}


def config_of(*names, pacing=None, **changes):
    """The rules of these names alone; `changes` are fields of any of them."""
    rules = {
        name: RULES[name] | {k: v for k, v in changes.items() if k in RULES[name]} for name in names
    }
    pacing = {"cooldown": "1h", "max_per_month": 99} | (pacing or {})
    document = {"retraining_triggers": rules, "pacing": pacing}
    return parse_section(TriggerConfig, document, "test")


def drift(value, limit=0.05):
    """A drift as a look without thresholds gives it: `limit` is the small window's own."""
    return Drift(value, limit, 9_000.0, 900.0, value >= limit, (), None, None)


def world(
    accuracy=lambda window: 0.9,
    psi=lambda window: (0.0, 0.0),
    faults=lambda at: (),
    rows=lambda at: None,
):
    """A look at a past in which each week's figures are functions of its window."""

    def look(serving, at):
        def windows(maturity):
            return closed_windows(
                at, WEEK, count=8, maturity=maturity, not_before=serving.trained_at
            )

        labelled = tuple(
            LabelledWindow(w, 1_000, 1_000, {"accuracy": accuracy(w), "f1_weighted": accuracy(w)})
            for w in windows(MATURITY)
        )
        counted = windows(timedelta(0))
        newest = counted[-1] if counted else None
        seen = Observation(
            LabelRules(at, MATURITY, 0.9),
            performance=labelled,
            concept=labelled,
            holdout=HOLDOUT,
            has_error_rate_changed=True,
            drift_window=newest,
            drifts={str(i): drift(x) for i, x in enumerate(psi(newest))} if newest else {},
            new_rows=rows(at),
        )
        return Seen(seen, tuple(faults(at)))

    return look


def run(look, config, *, days=84, every=DAY, wins="never", takes=timedelta(hours=2), first=FIRST):
    moments = moments_between(START, START + days * DAY, every)
    terms = Terms(takes, wins)
    return replay(look, config, model="m", first=first, moments=moments, terms=terms)


def setup_of(wins="never", **changes):
    """What a replay of twelve weeks says of itself."""
    fields = {
        "model": "m", "champion": "sha256:first", "config_file": "configs/triggers.yaml",
        "start": START, "end": START + 84 * DAY, "every": DAY, "horizon": 4 * WEEK,
        "terms": Terms(timedelta(hours=2), wins), "keep_answers": True, "is_start_simulated": False,
    }  # fmt: skip
    return Setup(**(fields | changes))
