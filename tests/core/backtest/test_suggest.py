from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.backtest.as_json import backtest_json
from pipeline.core.backtest.figures import Onset
from pipeline.core.backtest.suggest import Question, choose, retrains_of, suggest, with_values
from pipeline.core.backtest.suggest_report import render_diff, render_suggestions
from pipeline.core.backtest.threshold_grid import cuts, short_between, thinned
from pipeline.trigger_config import TriggerConfig
from tests.core.backtests import DAY, START, WEEK, Terms, config_of, run, setup_of, world

DAYS = 168
RNG = np.random.default_rng(7)
ACCURACY = RNG.uniform(0.7, 0.9, DAYS // 7 + 9).round(6)
PSI = RNG.uniform(0.02, 0.6, (DAYS // 7 + 9, 4))
PACING = {"back_off": {"lost_challengers": 99}}
NAMES = ("performance_degradation", "concept_drift", "data_drift")
CONFIG = config_of(*NAMES, pacing=PACING, threshold=0.1, accuracy_drop=0.5, f1_drop=0.5)
LOOK = world(
    accuracy=lambda w: float(ACCURACY[(w.start - START) // WEEK]),
    psi=lambda w: tuple(map(float, PSI[(w.start - START) // WEEK])),
)


def question(wanted, days=DAYS, every=WEEK):
    return Question(wanted, "m", Terms(timedelta(hours=2), "never"), days * DAY)


@cache
def suggestions(wanted):
    return suggest(run(LOOK, CONFIG, days=DAYS, every=WEEK), CONFIG, question(wanted))


@pytest.mark.parametrize("wanted", [0.25, 1, 2])
def test_a_proposal_when_configured_replays_to_the_frequency_it_promised(wanted):
    found = suggestions(wanted)
    assert [s.trigger for s in found] == [*NAMES, "data_drift"]
    proposed = [s for s in found if s.best]
    assert len(proposed) >= 3
    for suggestion in proposed:
        config = with_values(CONFIG, suggestion.trigger, suggestion.best.values)
        TriggerConfig.model_validate(config.model_dump())
        again = run(LOOK, config, days=DAYS, every=WEEK)
        assert retrains_of(again, suggestion.trigger) == suggestion.best.retrains
        assert len(again.ledger.retrains) == suggestion.best.figures.retrains
        assert abs(suggestion.best.retrains - suggestion.target) <= max(1, suggestion.target // 4)


@pytest.mark.parametrize(("metric", "value"), [("accuracy", 1.0), ("f1_weighted", 0.0)])
def test_no_proposal_is_one_that_the_configuration_refuses(metric, value):
    """Most windows have the best figure that there is: only an impossible one is beyond it."""
    direction = "higher_is_better" if value else "lower_is_better"
    config = config_of(
        "performance_degradation", "data_drift",
        pacing=PACING, metric=metric, threshold=0.5, direction=direction,
    )  # fmt: skip
    weeks = [START + n * WEEK for n in (4, 9, 14)]
    look = world(
        accuracy=lambda w: 0.5 if w.start in weeks else value,
        psi=lambda w: (5.2, 5.2) if w.start in weeks else (5.8, 5.8),
    )
    found = suggest(run(look, config, days=DAYS, every=WEEK), config, question(4))
    for suggestion in found:
        trials = (suggestion.configured, suggestion.best, *suggestion.nearest)
        for trial in filter(None, trials):
            proposed = with_values(config, suggestion.trigger, trial.values)
            TriggerConfig.model_validate(proposed.model_dump())


def test_who_wants_more_retrains_never_gets_a_quieter_threshold():
    asked = [suggestions(wanted) for wanted in (0.25, 1, 2)]
    for less, more in pairwise(asked):
        for a, b in zip(less, more, strict=True):
            if a.best is None or b.best is None:
                continue
            for name, value in a.best.values.items():
                sign = 1 if name == "threshold" else -1
                assert sign * b.best.values[name] >= sign * value
            assert b.best.retrains >= a.best.retrains


def test_where_no_value_gives_as_many_it_says_so_with_the_nearest():
    (found,) = suggest(
        run(LOOK, CONFIG, days=DAYS, every=WEEK),
        config_of("data_drift", pacing=PACING),
        question(50),
    )[1:]
    assert found.best is None
    assert found.nearest[0].retrains > 0
    assert found.nearest[1] is None
    text = render_suggestions([found], question(50), are_exact=True)
    assert "No value gives about that many" in text
    assert "no value gives more" in text


def test_where_nothing_ever_happened_it_proposes_nothing():
    look = world()
    for suggestion in suggest(run(look, CONFIG, days=84), CONFIG, question(1, 84)):
        assert suggestion.best is None or suggestion.best.retrains > 0
    assert "asked for none" in render_suggestions(
        suggest(run(look, CONFIG, days=3), CONFIG, question(1, 3)), question(1, 3), are_exact=False
    )


def test_what_is_configured_stays_where_nothing_is_nearer_to_the_wanted_number():
    """A replay that gives the same is no reason to edit a threshold."""
    proposed = suggestions(1)[0].best.values["threshold"]
    for threshold in (proposed, proposed + 1e-9):  # as good as one of the grid, without being one
        config = config_of("performance_degradation", pacing=PACING, threshold=threshold)
        (found,) = suggest(run(LOOK, config, days=DAYS, every=WEEK), config, question(1))
        assert found.best is found.configured
        assert render_diff(found) == ""


def test_the_diff_names_what_changes_and_only_that():
    found = next(s for s in suggestions(1) if s.best)
    lines = render_diff(found).splitlines()
    assert lines[:2] == [" retraining_triggers:", "   performance_degradation:"]
    assert lines[2] == "-    threshold: 0.1"
    assert lines[3] == f"+    threshold: {found.best.values['threshold']:.9g}"
    assert len(lines) == 4


def test_a_section_shows_the_diff_to_paste_or_says_that_there_is_none():
    onset = Onset(START + 8 * WEEK, "storms")
    asked = replace(question(1), onsets=(onset,))
    config = config_of("performance_degradation", pacing=PACING, threshold=0.1)
    replayed = run(LOOK, config, days=DAYS, every=WEEK)
    (found,) = suggest(replayed, config, asked)
    text = render_suggestions([found], asked, are_exact=True)
    assert f"```diff\n{render_diff(found)}\n```" in text
    assert "first firing after an onset: storms" in text
    assert f"{len(found.best.figures.false_alarms)} false alarms" in text
    same = replace(found, configured=found.best)
    assert render_diff(same) == ""
    assert "The proposal is what is configured." in render_suggestions(
        [same], asked, are_exact=True
    )
    assert render_diff(replace(found, best=None)) == ""


def test_only_the_drop_that_changes_is_in_the_diff():
    drops = next(s for s in suggestions(2) if s.trigger == "concept_drift")
    half = replace(drops.best, values={"accuracy_drop": 0.5, "f1_drop": 0.25})
    assert render_diff(replace(drops, best=half)).splitlines()[2:] == [
        "-    f1_drop: 0.5",
        "+    f1_drop: 0.25",
    ]


def test_a_suggestion_is_told_to_programs_with_its_trials():
    found = next(s for s in suggestions(1) if s.best)
    config = config_of("performance_degradation", pacing=PACING, threshold=0.1)
    replayed = run(LOOK, config, days=DAYS, every=WEEK)
    figures = found.configured.figures
    value = backtest_json(setup_of(), figures, replayed, [found, replace(found, best=None)])
    proposed, none = value["suggestions"]
    assert proposed["proposed"]["values"] == dict(found.best.values)
    assert proposed["proposed"]["retrains"] == found.best.retrains
    assert proposed["configured"]["retrains_in_all"] == figures.retrains
    assert none["proposed"] is None
    assert len(none["nearest"]) == sum(trial is not None for trial in found.nearest)


def test_a_trigger_that_is_off_gets_no_suggestion():
    config = config_of("performance_degradation")
    found = suggest(run(LOOK, config, days=DAYS, every=WEEK), config, question(1))
    assert [s.trigger for s in found] == ["performance_degradation"]


COUNTS = st.lists(st.integers(0, 12), max_size=30)


@given(COUNTS, st.integers(1, 12), st.integers(1, 12))
def test_a_higher_target_never_chooses_a_quieter_value(counts, a, b):
    low, high = min(a, b), max(a, b)

    def chosen(target):
        below, above = choose(counts, target)
        near = [i for i in (below, above) if i is not None]
        return min(near, key=lambda i: abs(counts[i] - target), default=-1)

    assert chosen(high) >= chosen(low)


@given(COUNTS, st.integers(1, 12))
def test_the_chosen_are_the_nearest_on_either_side_that_no_quieter_value_gives(counts, target):
    below, above = choose(counts, target)
    if above is not None:
        assert counts[above] >= target
        assert all(count < target for count in counts[:above])
    else:
        assert all(count < target for count in counts)
    if below is not None:
        assert 0 < counts[below] < target


@given(st.lists(st.floats(-10, 10, allow_subnormal=False), min_size=1, max_size=40))
def test_cuts_part_every_two_figures_that_were_observed(values):
    distinct = sorted(set(values))
    found = cuts(values)
    assert len(found) == len(distinct) + 1
    assert found[0] < distinct[0]
    assert found[-1] > distinct[-1]
    for cut, (low, high) in zip(found[1:-1], pairwise(distinct), strict=True):
        assert low <= cut <= high


def test_a_cut_is_a_number_that_a_person_would_write():
    assert short_between(0.6812, 0.7388) == 0.7
    assert short_between(0.701, 0.709) == 0.705
    assert cuts([]) == []


def test_thinning_keeps_both_ends():
    assert thinned(list(range(100)), 5) == [0, 25, 50, 74, 99]
    assert thinned([1.0, 2.0], 5) == [1.0, 2.0]
