from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.core.backtest.arguments import parse_duration, parse_frequency, parse_onset
from pipeline.core.backtest.as_json import backtest_json
from pipeline.core.backtest.figures import Onset, figures_of, per_month
from pipeline.core.backtest.lanes import bars_of, held_spans, lanes_of
from pipeline.core.backtest.replay import Serving, moments_between
from pipeline.core.backtest.report import render_backtest
from pipeline.core.backtest.tables import blind_triggers, duration, firing_table
from pipeline.core.triggers.decision import Status
from pipeline.core.triggers.ledger import RetrainState
from pipeline.core.triggers.rules import Observation
from pipeline.core.triggers.thresholds import NO_LIMIT, at_thresholds, without_thresholds
from pipeline.errors import ConfigurationError
from pipeline.jsonio import render_json
from tests.core.backtests import (
    DAY,
    FIRST,
    MATURITY,
    START,
    WEEK,
    Terms,
    config_of,
    drift,
    run,
    setup_of,
    world,
)  # fmt: skip

ONSET = Onset(START + 4 * WEEK, "storms")
HORIZON = timedelta(days=28)
LOST = {"back_off": {"lost_challengers": 99}}


def bad_from(onset, good=0.9, bad=0.7):
    return lambda window: bad if window.start >= onset else good


def figures(replayed, onsets=(), days=84, horizon=HORIZON):
    return figures_of(replayed, days * DAY, onsets, horizon)


def starts(replayed):
    return [retrain.planned_at for retrain in replayed.ledger.retrains]


def test_a_known_onset_is_seen_after_its_week_and_the_label_delay_to_the_minute():
    look = world(accuracy=lambda w: 0.7 if ONSET.at <= w.start < ONSET.at + 2 * WEEK else 0.9)
    found = figures(run(look, config_of("performance_degradation")), [ONSET])
    minutes = (WEEK + MATURITY) // timedelta(minutes=1)
    assert found.delays[0].first == minutes == 11_520
    assert found.delays[0].by_trigger["performance_degradation"] == minutes
    assert found.delays[0].by_trigger["data_drift"] is None
    assert found.false_alarms == ()


def test_the_calendar_never_sees_an_onset_and_is_never_a_false_alarm():
    found = figures(run(world(), config_of("scheduled_retrain")), [ONSET])
    assert found.delays[0].first is None
    assert (found.retrains, found.false_alarms) == (3, ())


def test_a_firing_about_a_week_before_the_onset_has_not_seen_it():
    onset = Onset(START + 3 * WEEK + 12 * timedelta(hours=1), "later")
    bad = START + 2 * WEEK
    look = world(accuracy=lambda window: 0.7 if window.start == bad else 0.9)
    found = figures(run(look, config_of("performance_degradation")), [onset])
    assert found.firings["performance_degradation"] == 1
    assert found.delays[0].first is None


def test_an_alarm_outside_every_horizon_is_a_false_one_unless_it_was_due_anyway():
    bad = START + 8 * WEEK
    look = world(accuracy=lambda window: 0.7 if window.start == bad else 0.9)
    alone = figures(run(look, config_of("performance_degradation")), [Onset(START, "a")])
    assert alone.false_alarms == ("m-0001",)
    assert figures(run(look, config_of("performance_degradation"))).false_alarms is None


def test_identical_windows_fire_nothing_whoever_wins():
    for wins in ("always", "never", "alternate"):
        names = ("performance_degradation", "concept_drift", "data_drift")
        replayed = run(world(), config_of(*names), wins=wins)
        assert replayed.ledger.events == replayed.ledger.retrains == ()
        assert figures(replayed).retrains_a_month == 0


def test_a_week_found_bad_by_seven_checks_is_one_firing_and_one_retrain():
    look = world(accuracy=lambda w: 0.7 if w.start == START + WEEK else 0.9)
    replayed = run(look, config_of("performance_degradation"))
    found = figures(replayed)
    assert found.answers["performance_degradation"][Status.FIRED] == 7
    assert found.firings["performance_degradation"] == found.retrains == 1


def test_a_winner_serves_from_its_decision_on_and_knows_what_it_was_given():
    look = world(accuracy=bad_from(START, bad=0.7))
    replayed = run(look, config_of("performance_degradation"), wins="always", takes=5 * DAY)
    first = replayed.ledger.retrains[0]
    assert first.state is RetrainState.WON
    assert first.changed_at == first.planned_at + 5 * DAY
    served = {check.at: check.serving for check in replayed.checks}
    assert served[first.changed_at - DAY] == FIRST
    winner = Serving("simulated:m-0001", first.planned_at, is_simulated=True)
    assert served[first.changed_at] == winner


def test_after_a_loss_the_champion_stays_and_after_many_the_replay_backs_off():
    look = world(accuracy=bad_from(START))
    pacing = {"back_off": {"lost_challengers": 2, "wait": "21d", "max_wait": "21d"}}
    replayed = run(look, config_of("performance_degradation", pacing=pacing))
    assert {check.serving for check in replayed.checks} == {FIRST}
    first, second, third, *_ = starts(replayed)
    assert second - first == WEEK
    assert third - second >= 21 * DAY
    assert any("back-off" in (check.held or "") for check in replayed.checks)
    assert figures(replayed).held > 0


def test_alternate_wins_the_first_and_loses_the_second():
    look = world(accuracy=bad_from(START))
    replayed = run(look, config_of("performance_degradation"), wins="alternate")
    states = [r.state for r in replayed.ledger.retrains if not r.state.is_open]
    assert states[:4] == [RetrainState.WON, RetrainState.LOST] * 2


def test_a_retrain_that_still_runs_takes_later_firings_along():
    look = world(accuracy=bad_from(START))
    replayed = run(look, config_of("performance_degradation"), takes=10 * DAY)
    joined = [check for check in replayed.checks if check.joined]
    assert joined
    assert joined[0].joined == "m-0001"
    assert "| joins m-0001 |" in firing_table(replayed.checks)


def test_broken_data_starts_nothing_and_is_one_incident_however_long():
    broken = {START + 20 * DAY, START + 21 * DAY, START + 40 * DAY}
    look = world(
        accuracy=bad_from(START + 11 * DAY),
        faults=lambda at: ["null flood"] if at in broken else [],
    )
    replayed = run(look, config_of("performance_degradation", pacing=LOST))
    found = figures(replayed).incidents
    assert [(i.start - START, i.checks) for i in found] == [(20 * DAY, 2), (40 * DAY, 1)]
    assert not broken & set(starts(replayed))


def test_broken_data_is_told_with_incidents_of_equal_faults_in_one_row():
    days = (3, 4, 10)
    look = world(faults=lambda at: ["temp: gone"] if (at - START).days in days else [])
    config = config_of("performance_degradation")
    replayed = run(look, config, days=14)
    text = render_backtest(
        setup_of(is_start_simulated=True), figures(replayed), replayed, config, has_picture=False
    )
    assert "2 data incidents." in text
    assert "| temp: gone | 2 | 3 | 2013-04-04 00:00 | 2013-04-11 00:00 |" in text
    assert "The first champion is simulated too" in text
    assert "## Onsets" not in text


def test_months_without_a_retrain_are_counted_too():
    look = world(accuracy=lambda w: 0.7 if w.start == START + WEEK else 0.9)
    found = figures(run(look, config_of("performance_degradation")))
    assert found.by_month == {"2013-04": 1, "2013-05": 0, "2013-06": 0}
    assert found.retrains_a_month == pytest.approx(1 / (84 / 30.4375))
    assert per_month(5, timedelta(0)) == 0


@pytest.mark.parametrize(
    ("days", "every", "count"), [(0, DAY, 0), (1, DAY, 1), (1.5, DAY, 2), (2, DAY, 2), (-1, DAY, 0)]
)
def test_checks_begin_at_the_start_and_stay_before_the_end(days, every, count):
    found = moments_between(START, START + days * DAY, every)
    assert len(found) == count
    assert all(START <= moment < START + days * DAY for moment in found)


@pytest.mark.parametrize(
    ("value", "limit", "threshold", "expected"),
    [
        (0.2, 1e-9, 0.2, True),
        (0.19, 1e-9, 0.2, False),
        (0.2, 0.25, 0.2, False),
        (0.3, 0.25, 0.2, 1),
    ],
)
def test_a_look_without_thresholds_judges_as_a_look_with_them(value, limit, threshold, expected):
    config = config_of("data_drift", psi_threshold=threshold)
    loose = without_thresholds(config).retraining_triggers
    assert loose.data_drift.psi_threshold < 1e-6
    rules = world()(FIRST, START).observation.rules
    seen = at_thresholds(config, Observation(rules, drifts={"a": drift(value, limit)}))
    assert seen.drifts["a"].is_drifted == bool(expected)
    assert seen.drifts["a"].limit == max(limit, threshold)


def test_too_few_rows_stay_unknown_at_every_threshold():
    unknown = drift(0.5)
    unknown = type(unknown)(**{**vars(unknown), "is_drifted": None})
    seen = Observation(world()(FIRST, START).observation.rules, drifts={"a": unknown})
    assert at_thresholds(config_of("data_drift"), seen).drifts["a"].is_drifted is None


def test_a_feature_without_a_figure_stays_without_one_at_every_threshold():
    missing = replace(drift(0.5), value=None, limit=None, is_drifted=None)
    seen = Observation(world()(FIRST, START).observation.rules, drifts={"a": missing})
    assert at_thresholds(config_of("data_drift"), seen) == seen


@pytest.mark.parametrize("name", ["data_drift", "concept_drift"])
def test_a_look_without_thresholds_needs_neither_rule(name):
    rules = without_thresholds(config_of(name)).retraining_triggers
    found = {**rules.model_dump(exclude_unset=True)[name]}
    limits = {"data_drift": {"psi_threshold"}, "concept_drift": {"accuracy_drop", "f1_drop"}}
    assert {key for key, value in found.items() if value == NO_LIMIT} == limits[name]


def test_the_report_tells_what_is_simulated_and_what_was_seen():
    config = config_of("performance_degradation", "scheduled_retrain")
    replayed = run(world(accuracy=bad_from(ONSET.at)), config)
    found = figures(replayed, [ONSET])
    text = render_backtest(setup_of(), found, replayed, config, has_picture=True)
    assert "always loses.\n- No model was trained." in text
    assert "upper bound" not in text
    assert "11,520 min (8.0 d)" in text
    assert "m-0001 starts" in text
    assert "timeline.png" in text
    won = render_backtest(setup_of("always"), found, replayed, config, has_picture=False)
    assert "upper bound" in won
    assert "timeline.png" not in won
    assert "lower bound" in render_backtest(
        setup_of("always", keep_answers=False), found, replayed, config, has_picture=False
    )


def test_hostile_names_stay_inert_in_the_report():
    config = config_of("performance_degradation")
    replayed = run(world(), config)
    onset = Onset(START, "<script>|@all\n# x")
    text = render_backtest(
        setup_of(), figures(replayed, [onset]), replayed, config, has_picture=False
    )
    assert "<script>" not in text
    assert "\n# x" not in text


def test_equal_replays_give_equal_json_with_every_check():
    def value():
        config = config_of("performance_degradation", "data_drift")
        replayed = run(world(accuracy=bad_from(ONSET.at)), config)
        return render_json(backtest_json(setup_of(), figures(replayed, [ONSET]), replayed, ()))

    assert value() == value()
    assert value().count('"answers": {') == 84 + 1


def test_lanes_show_what_was_judged_and_when_it_was_held_back():
    config = config_of("performance_degradation", "data_drift", "scheduled_retrain")
    pacing = {"cooldown": "30d"}
    look = world(accuracy=bad_from(START), psi=lambda window: (0.3, 0.1))
    held = run(look, config_of("performance_degradation", pacing=pacing))
    replayed = run(look, config)
    lanes = {lane.name: lane for lane in lanes_of(replayed, config)}
    assert list(lanes) == ["performance_degradation", "data_drift", "scheduled_retrain"]
    assert lanes["performance_degradation"].values[-1] == 0.7
    assert (lanes["data_drift"].values[-1], lanes["data_drift"].limit) == (1.0, 2.0)
    assert set(lanes["scheduled_retrain"].values) == {None}
    assert sum(lanes["performance_degradation"].is_new) == 11  # twelve weeks, the last not mature
    bars = bars_of(replayed, Terms(timedelta(hours=2), "never"))
    assert bars[0].label == "1"
    assert bars[0].outcome == "LOST"
    (start, end), *_ = held_spans(held, DAY)
    assert end - start > DAY


def test_lanes_of_drops_and_rows_are_in_multiples_of_what_fires():
    config = config_of("concept_drift", "new_data_volume", accuracy_drop=0.1, f1_drop=0.05)
    replayed = run(world(accuracy=lambda window: 0.85, rows=lambda at: 1_500), config, days=21)
    drops, rows = lanes_of(replayed, config)
    assert (drops.values[0], drops.values[-1]) == (None, pytest.approx(1.0))
    assert (rows.values[-1], rows.unit) == (1.5, "new labelled rows, in 1,000")
    unknown = run(world(), config, days=3)
    assert set(lanes_of(unknown, config)[1].values) == {None}


@pytest.mark.parametrize(
    ("minutes", "text"), [(1440, "24h"), (2880, "2d"), (60, "1h"), (90, "90m"), (20160, "14d")]
)
def test_durations_are_written_as_configurations_write_them(minutes, text):
    assert duration(timedelta(minutes=minutes)) == text


@pytest.mark.parametrize(
    ("text", "a_month"), [("1/month", 1), ("6/year", 0.5), ("0.5/week", 0.5 * 365.25 / 12 / 7)]
)
def test_a_wanted_frequency_is_read_as_retrains_a_month(text, a_month):
    assert parse_frequency(text) == pytest.approx(a_month)


@pytest.mark.parametrize(
    "text", ["", "0/month", "1", "1/day", "-1/month", "1/month; x", "nan/year"]
)
def test_another_frequency_is_refused(text):
    with pytest.raises(ConfigurationError, match="--suggest"):
        parse_frequency(text)


def test_a_duration_is_read_and_anything_else_refused_by_the_name_of_its_option():
    assert parse_duration("36h", "--every") == timedelta(hours=36)
    with pytest.raises(
        ConfigurationError, match="found 'soon', expected a duration such as 30m"
    ) as found:
        parse_duration("soon", "--every")
    assert str(found.value).startswith("--every: ")


@pytest.mark.parametrize(
    "text", ["storms", "=storms", "2013-04-02=", "noon=storms", "2014-01-01=x"]
)
def test_an_onset_needs_a_time_within_the_replay_and_a_name(text):
    with pytest.raises(ConfigurationError, match="--onset"):
        parse_onset(text, START, START + 30 * DAY)


def test_an_onset_s_name_may_hold_what_it_likes():
    assert parse_onset("2013-04-02T00:00Z=a=b c", START, None) == Onset(START + DAY, "a=b c")


def test_a_trigger_that_could_seldom_be_judged_is_named():
    config = config_of("performance_degradation", "data_drift")
    look = world(accuracy=bad_from(START))
    often = run(look, config, wins="always", days=80)
    text = blind_triggers(figures(often, days=80))
    assert "performance_degradation (" in text
    assert "data_drift (" in text
    assert blind_triggers(figures(run(world(), config))) == ""
