import json
from datetime import timedelta

import pytest

from pipeline.core.abtest.evidence import Evidence
from pipeline.core.abtest.looks import Look, looks_to_json
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.experiment import looks_path
from pipeline.monitoring.ab_looks import take_looks
from tests.core.ab_tests import DAY, START, evidence, ones
from tests.test_experiment import STOP, experiment

CLOCK = START + 365 * DAY


def look(day: int) -> Look:
    seen = Evidence(evidence(ones(day * 10, day), ones(day * 10, day), 500).periods)
    return Look(START + day * DAY, seen)


def save(path, *looks, name="exp-1"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(looks_to_json(name, looks)))
    return path


def test_the_counts_of_a_metrics_provider_are_taken_as_looks(tmp_path):
    given = save(tmp_path / "counts.json", look(1), look(2), look(3))
    taken = take_looks(tmp_path, experiment(), START + 2 * DAY, CLOCK, outcomes=given)
    assert taken == (look(1), look(2))


def test_looks_that_were_kept_stay_and_only_later_ones_are_added(tmp_path):
    kept = look(2)
    save(looks_path(tmp_path, "flight-delay", "exp-1"), kept)
    other = Look(START + 2 * DAY, evidence(ones(999, 1), ones(999, 1), 500))
    given = save(tmp_path / "counts.json", other, look(3))
    assert take_looks(tmp_path, experiment(), START + 9 * DAY, CLOCK, outcomes=given) == (
        kept,
        look(3),
    )


def test_no_look_comes_after_the_end(tmp_path):
    stopped = experiment(**STOP)  # on day 3; an outcome takes 90 minutes
    last = Look(START + 3 * DAY + timedelta(minutes=90), look(3).evidence)
    given = save(tmp_path / "counts.json", look(1), last, look(4))
    assert take_looks(tmp_path, stopped, CLOCK, CLOCK, outcomes=given) == (look(1), last)


def test_before_anything_is_due_there_is_one_empty_look(tmp_path):
    (only,) = take_looks(tmp_path, experiment(), START, CLOCK)
    assert only.at == START
    assert only.evidence.periods[0].challenger_basis_points == 500


def test_looks_of_another_test_and_a_missing_file_are_refused(tmp_path):
    given = save(tmp_path / "counts.json", look(1), name="exp-2")
    with pytest.raises(ConfigurationError, match="expected those of 'exp-1'"):
        take_looks(tmp_path, experiment(), CLOCK, CLOCK, outcomes=given)
    with pytest.raises(OutsideError, match="not found"):
        take_looks(tmp_path, experiment(), CLOCK, CLOCK, outcomes=tmp_path / "nothing.json")
