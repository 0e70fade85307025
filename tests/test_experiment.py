from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.config import parse_section
from pipeline.errors import ConfigurationError
from pipeline.experiment import (
    Experiment,
    experiment_path,
    load_experiments,
    parse_experiment,
    render_experiment,
)
from tests.core.ab_tests import DAY, LATENCY, PLAIN, START

A, B = ("sha256:" + letter * 64 for letter in "ab")
VALUES = {
    "schema": 1,
    "id": "exp-1",
    "model": "flight-delay",
    "salt": "exp-1",
    "model_a": A,
    "model_b": B,
    "started_at": START,
    "weights": [
        {"at": START, "challenger_basis_points": 500},
        {"at": START + DAY, "challenger_basis_points": 2_500},
    ],
    "test": {**PLAIN, "guardrails": [LATENCY], "maturity": "90m"},
}
STOP = {"stopped_at": START + 3 * DAY, "stopped_because": "Enough: it's “clear”, № 1."}


def experiment(**changes) -> Experiment:
    return parse_section(Experiment, {**VALUES, **changes}, "here")


@pytest.mark.parametrize("changes", [{}, STOP])
def test_it_is_read_back_equal_and_written_the_same(changes):
    one = experiment(**changes)
    text = render_experiment(one)
    assert parse_experiment(text, "here") == one
    assert render_experiment(parse_experiment(text, "here")) == text


def test_hostile_text_stays_text():
    one = experiment(**{**STOP, "stopped_because": "a: b\n# c\u2028{{ d }} \u202e@e"})
    assert parse_experiment(render_experiment(one), "here") == one


def test_the_weight_is_that_of_the_moment_and_none_outside_the_test():
    one = experiment(**STOP)
    just_before = timedelta(seconds=1)
    moments = [
        (START - just_before, 0),
        (START, 500),
        (START + DAY - just_before, 500),
        (START + DAY, 2_500),
        (START + 3 * DAY - just_before, 2_500),
        (START + 3 * DAY, 0),
    ]
    assert [one.weight_at(at) for at, _ in moments] == [weight for _, weight in moments]
    assert one.ends_at == START + 3 * DAY
    assert experiment().ends_at == START + 28 * DAY
    assert experiment().weight_at(START + 99 * DAY) == 2_500  # overdue, and still routed


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model_b": A}, "are one model"),
        ({"started_at": START + DAY}, "first weight must be from started_at on"),
        ({"weights": [VALUES["weights"][0]] * 2}, "ascending"),
        ({"weights": []}, "weights"),
        ({"stopped_at": START + 3 * DAY}, "belong together"),
        ({**STOP, "stopped_at": START}, "before the last change"),
        ({"salt": "a:b"}, "salt"),
        ({"id": "../x"}, "id"),
        ({"model_a": "sha256:abc"}, "model_a"),
        ({"schema": 2}, "schema"),
    ],
)
def test_what_cannot_be_is_refused(changes, told):
    with pytest.raises(ConfigurationError, match=told):
        experiment(**changes)


def save(root: Path, one: Experiment, name: str | None = None) -> None:
    path = experiment_path(root, "flight-delay", name or one.id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_experiment(one))


def test_all_experiments_of_a_model_are_found_in_the_order_of_time(tmp_path):
    assert load_experiments(tmp_path, "flight-delay") == ()
    later = experiment(id="a-later", started_at=START + DAY, weights=VALUES["weights"][1:])
    stopped = experiment(**STOP)
    save(tmp_path, later)
    save(tmp_path, stopped)
    assert load_experiments(tmp_path, "flight-delay") == (stopped, later)


def test_two_that_run_at_once_and_a_wrong_name_are_refused(tmp_path):
    save(tmp_path, experiment())
    save(tmp_path, experiment(id="exp-2"))
    with pytest.raises(ConfigurationError, match="active at once"):
        load_experiments(tmp_path, "flight-delay")
    save(tmp_path, experiment(), name="exp-2")
    with pytest.raises(ConfigurationError, match="as it is named"):
        load_experiments(tmp_path, "flight-delay")
