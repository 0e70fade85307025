"""How a process of ours starts and ends: see pipeline/__init__.py."""

import subprocess
import sys

import pytest

from pipeline.errors import exit_code_of
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


PRINTS = "import sys\nfrom pipeline.errors import exit_code_of\nsys.exit(exit_code_of({run}))"


def ended(run: str) -> tuple[int, str]:
    """The exit code and stderr of a process whose output nobody reads."""
    command = [sys.executable, "-c", PRINTS.format(run=run)]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipe) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    return process.returncode, errors


def test_output_that_nobody_reads_is_no_trouble_of_the_outside() -> None:
    code, errors = ended("lambda: [print('x' * 100) for _ in range(5_000)] and 0")
    assert code == 3
    assert errors.startswith("OutsideError: nobody reads the output any more, as after `| head`")
    assert errors.count("\n") == 1


def test_a_connection_that_broke_is_told_as_such() -> None:
    raising = "lambda: (_ for _ in ()).throw(BrokenPipeError(32, 'Broken pipe'))"
    command = [sys.executable, "-c", PRINTS.format(run=raising)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("OutsideError: [Errno 32] Broken pipe.")


def test_so_is_one_of_a_script_whose_output_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    def breaks() -> int:
        raise BrokenPipeError(32, "Broken pipe")

    assert exit_code_of(breaks) == 3
    assert "[Errno 32] Broken pipe" in capsys.readouterr().err
