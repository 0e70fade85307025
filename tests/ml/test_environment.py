import re
from importlib.metadata import version

import pytest

from pipeline.errors import OutsideError
from pipeline.ml.environment import MODEL_DISTRIBUTIONS, environment_lock, versions_of


def names_in(text):
    return [line.split("==")[0] for line in text.splitlines()[1:]]


def test_every_line_is_a_pin_and_the_lines_are_sorted():
    lines = environment_lock().splitlines()
    assert re.fullmatch(r"# Python 3\.\d+\.\d+", lines[0])
    assert all(re.fullmatch(r"[a-z0-9-]+==[A-Za-z0-9.+!]+", line) for line in lines[1:])
    assert names_in(environment_lock()) == sorted(set(names_in(environment_lock())))


def test_what_the_model_needs_and_what_that_needs_in_turn_is_listed():
    lines = environment_lock().splitlines()
    assert f"scikit-learn=={version('scikit-learn')}" in lines
    assert f"threadpoolctl=={version('threadpoolctl')}" in lines  # scikit-learn needs it


def test_what_nothing_asks_for_is_not_listed():
    assert "pytest" not in names_in(environment_lock())


def test_an_optional_requirement_is_listed_only_where_its_extra_is_asked_for():
    plain, binary = environment_lock(["psycopg"]), environment_lock(["psycopg[binary]"])
    assert "psycopg-binary" not in names_in(plain)
    assert "psycopg-binary" in names_in(binary)


def test_an_extra_asked_for_later_still_counts():
    assert "psycopg-binary" in names_in(environment_lock(["psycopg[binary]", "psycopg"]))
    assert "psycopg-binary" in names_in(environment_lock(["psycopg", "psycopg[binary]"]))


def test_the_lock_holds_no_address_and_no_path():
    assert not re.search(r"://|@|/|file:", environment_lock())


def test_a_missing_distribution_is_a_clear_error():
    with pytest.raises(OutsideError, match="no-such-thing is not installed"):
        environment_lock(["no-such-thing"])


def test_versions_name_python_and_each_distribution():
    assert set(versions_of()) == {"python", *MODEL_DISTRIBUTIONS}
    assert versions_of(["numpy"])["numpy"] == version("numpy")
