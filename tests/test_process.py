"""How a process of ours starts and ends: see pipeline/__init__.py."""

import subprocess
import sys

import pytest

from tests.repository import ROOT


@pytest.mark.parametrize("script", ["scripts.render_report", "scripts.score_rows"])
def test_the_collector_is_set_before_a_library_is_imported(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", script, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]
    libraries = [name for name in imported if name in ("numpy", "pandas", "pydantic", "yaml")]
    assert libraries
    assert imported.index("pipeline") < imported.index(libraries[0])


def test_garbage_is_still_collected() -> None:
    program = """
import gc
import pipeline
for _ in range(200_000):
    cycle = []
    cycle.append(cycle)
print(gc.isenabled(), gc.get_stats()[0]["collected"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    enabled, collected = done.stdout.split()
    assert enabled == "True"
    assert int(collected) > 100_000
