"""A person approves a model by hand: who says so, and why, cannot be left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.called import call_script
from tests.scripts.finished_run import finished_run


@pytest.mark.parametrize("nothing", ["", "  "])
def test_nobody_and_no_reason_are_refused_both_at_once(tmp_path: Path, nothing: str) -> None:
    root = finished_run(tmp_path / "flights")
    before = (root / "rollouts/flight-delay/champion.yaml").read_bytes()
    said = ("--approved-by", nothing, "--reason", nothing, "--apply")
    done = call_script(root, "set_champion", *said)
    assert (done.returncode, done.stdout) == (2, "")
    assert "ConfigurationError: the command line: 2 fault(s) to mend" in done.stderr
    assert "--approved-by: found ''" in done.stderr
    assert (root / "rollouts/flight-delay/champion.yaml").read_bytes() == before
