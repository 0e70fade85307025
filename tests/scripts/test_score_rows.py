"""The window that a batch is asked to score."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.called import call_script


@pytest.mark.parametrize("end", ["2013-05-09", "2013-05-10"])
def test_a_window_that_holds_no_moment_is_refused(tmp_path: Path, end: str) -> None:
    window = ("--start", "2013-05-10", "--end", end)
    done = call_script(tmp_path, "score_rows", *window, "--apply")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--start: found 2013-05-10 00:00:00+00:00, expected a time before --end" in done.stderr
