"""What a job knows of GitHub, read and written without trusting any of it."""

import json
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from pipeline.github_env import add_summary, forge_of, load_event, set_outputs


def test_a_forge_never_shows_its_token():
    tokens = {"GITHUB_TOKEN": "secret", "REVIEW_TOKEN": "secret too"}
    forge = forge_of({"GITHUB_REPOSITORY": "o/r", **tokens})
    assert forge.api_url == "https://api.github.com"
    assert (forge.token, forge.review_token) == ("secret", "secret too")
    assert "secret" not in repr(forge)
    assert forge_of({"GITHUB_REPOSITORY": "o/r", **tokens, "REVIEW_TOKEN": ""}).review_token is None
    with pytest.raises(ConfigurationError, match=r"(?s)GITHUB_REPOSITORY.*GITHUB_TOKEN"):
        forge_of({})


def test_outputs_are_one_line_each(tmp_path: Path):
    environment = {"GITHUB_OUTPUT": str(tmp_path / "output")}
    set_outputs({"a": "1", "b": ""}, environment)
    assert (tmp_path / "output").read_text() == "a=1\nb=\n"
    with pytest.raises(ConfigurationError, match="a: more than one line"):
        set_outputs({"a": "1\nadmitted=true"}, environment)
    assert (tmp_path / "output").read_text() == "a=1\nb=\n"


def test_outside_a_job_nothing_is_written():
    set_outputs({"a": "1"}, {})
    add_summary("text", {})


def test_an_event_is_an_object_of_a_numbered_run(tmp_path: Path):
    path = tmp_path / "event.json"
    environment = {
        "GITHUB_EVENT_NAME": "schedule",
        "GITHUB_EVENT_PATH": str(path),
        "GITHUB_RUN_ID": "7",
    }
    path.write_text(json.dumps({"schedule": "41 * * * *"}))
    assert load_event(environment).run == "7"
    for text in ("[]", "{", "[" * 100_000, '{"a": "' + "x" * 1_000_001 + '"}'):
        path.write_text(text)
        with pytest.raises(ConfigurationError, match="not an event of GitHub's"):
            load_event(environment)
    with pytest.raises(ConfigurationError, match="GITHUB_RUN_ID: not set"):
        load_event({})
