"""A person approves a model by hand: who says so, and why, cannot be left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.called import call_script
from tests.repository import edit
from tests.scripts.finished_run import finished_run


@pytest.mark.parametrize("nothing", ["", "  "])
def test_nobody_and_no_reason_are_refused_both_at_once(tmp_path: Path, nothing: str) -> None:
    root = finished_run(tmp_path / "flights")
    before = (root / "rollouts/flight-delay/champion.yaml").read_bytes()
    said = ("--approved-by", nothing, "--reason", nothing, "--apply")
    done = call_script(root, "set_champion", *said)
    assert (done.returncode, done.stdout) == (2, "")
    assert "ConfigurationError: the command line: 2 faults to mend" in done.stderr
    assert "--approved-by: found ''" in done.stderr
    assert (root / "rollouts/flight-delay/champion.yaml").read_bytes() == before


def test_a_package_of_another_moment_than_the_parameters_is_no_champion(tmp_path: Path) -> None:
    root = finished_run(tmp_path / "flights")
    edit(root / "params.yaml", {'as_of: "20': 'as_of: "19'})
    said = ("--approved-by", "Ada", "--reason", "it is good", "--apply")
    done = call_script(root, "set_champion", *said)
    assert done.returncode == 1, done.stderr
    assert "is the model of another run: it is as of 20" in done.stderr
    assert "params.yaml says 19" in done.stderr
