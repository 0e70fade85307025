"""What runs in a fork of the server cannot tell, and nor can who started it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import warm
from tests.servers.binaries import wait_for

SAYS_ALL = """
import os, sys
print(__name__, sys.argv, os.getcwd(), sys.path[:2], os.environ.get("SAID"), file=sys.stderr)
print(sys.stdin.read(), sys.stdout.isatty(), os.getpid() == os.getsid(0), sys.flags)
"""
ENDS = {
    "none": "raise SystemExit",
    "a code": "raise SystemExit(3)",
    "more than a byte": "raise SystemExit(259)",
    "words": "raise SystemExit('no such file')",
    "a signal": "import os; os.kill(os.getpid(), 15)",
    "nothing": "print('a line without its end', end='')",
    "a last act": "import atexit; atexit.register(print, 'the end')",
    "a thread": "import threading, time\nthreading.Timer(0.1, print, ['late']).start()",
}
WAITS = """
import pathlib, subprocess, sys, time
pathlib.Path(sys.argv[1]).touch()
if sys.argv[2:]:
    subprocess.run([sys.executable, __file__, *sys.argv[2:]])
while True:
    pathlib.Path(sys.argv[1]).write_text(str(time.monotonic()))
"""


pytestmark = pytest.mark.skipif(not warm.is_possible(), reason="not Linux, or no pidfd_open here")


@pytest.fixture(scope="module", autouse=True)
def _running() -> Iterator[None]:
    """That of the whole run, or one of our own."""
    if warm.python() != warm.COLD:
        yield
        return
    with warm.running():
        yield


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return tmp_path / "program.py"


def ended(python: str, program: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [python, *arguments],
        cwd=program.parent,
        env={**os.environ, "SAID": "aloud", "PYTHONPATH": "/somewhere"},
        input="typed",
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("start", [["program.py"], ["-m", "program"]])
def test_it_has_the_arguments_the_folder_the_files_and_the_variables_of_who_asks(
    program: Path, start: list[str]
) -> None:
    program.write_text(SAYS_ALL)
    asked = (*start, "--one", "two words", "")
    code, printed, told = ended(warm.python(), program, *asked)
    assert (code, printed, told) == ended(warm.COLD, program, *asked)
    assert "'two words', ''] " in told
    assert "/somewhere'] aloud" in told


@pytest.mark.parametrize("how", ENDS)
def test_it_ends_as_python_does(program: Path, how: str) -> None:
    program.write_text(ENDS[how])
    found = ended(warm.python(), program, "program.py")
    assert found == ended(warm.COLD, program, "program.py")


def test_an_error_is_traced_to_its_line(program: Path) -> None:
    program.write_text("1 / 0")
    code, _, told = ended(warm.python(), program, "program.py")
    assert code == 1
    assert 'program.py", line 1' in told
    assert told.endswith("ZeroDivisionError: division by zero\n")


def test_it_has_the_libraries_and_nothing_of_ours(program: Path) -> None:
    program.write_text(
        "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    _, printed, _ = ended(warm.python(), program, "program.py")
    assert {"pandas", "sklearn", "mlflow", "dvc"} <= set(printed.split())
    assert not {"pipeline", "scripts", "tests", "client", "server"} & set(printed.split())


@pytest.mark.parametrize("start", [["-c"], ["-X", "importtime", "-c"]])
def test_what_asks_how_python_starts_is_started_cold(program: Path, start: list[str]) -> None:
    _, printed, _ = ended(
        warm.python(), program, *start, "import sys; print('pandas' in sys.modules)"
    )
    assert printed == "False\n"


def test_a_kill_of_its_group_reaches_it_and_what_it_started_before_anything_goes_on(
    program: Path, tmp_path: Path
) -> None:
    process, second = one_that_started_another(program, tmp_path)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    warm.settle()
    assert is_still(second)


def one_that_started_another(program: Path, folder: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """The first leads a group of its own; the other writes to that file all the time."""
    program.write_text(WAITS)
    first, second = folder / "first", folder / "second"
    command = [warm.python(), str(program), str(first), str(second)]
    process = subprocess.Popen(command, start_new_session=True)
    wait_for(lambda: second.exists() and second.read_text(), 60)
    return process, second


def is_still(path: Path) -> bool:
    before = path.read_text()
    time.sleep(0.05)
    return path.read_text() == before


def test_what_has_more_files_than_the_standard_ones_is_started_cold(program: Path) -> None:
    reading, writing = os.pipe()
    program.write_text(f"import os, sys; os.write({writing}, b'%d' % ('pandas' in sys.modules))")
    subprocess.run([warm.python(), str(program)], pass_fds=[writing], check=True)
    assert os.read(reading, 1) == b"0"
    os.close(reading)
    os.close(writing)


def test_a_group_that_is_asked_to_end_takes_what_it_started_with_it(
    program: Path, tmp_path: Path
) -> None:
    process, second = one_that_started_another(program, tmp_path)
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait() == -signal.SIGTERM
    wait_for(lambda: is_still(second), 60)


def test_it_is_asked_to_end_by_its_caller(program: Path, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    program.write_text(f"import signal\nsignal.signal(15, lambda *_: exit(7))\n{WAITS}")
    process = subprocess.Popen([warm.python(), str(program), str(ready)])
    wait_for(lambda: ready.exists() and ready.read_text(), 60)
    process.terminate()
    assert process.wait() == 7


def test_the_server_ends_with_those_who_use_it() -> None:
    code = (
        "import sys\nfrom tests import warm\n"
        "with warm.running():\n"
        "    pass\n"
        "assert warm.python() == warm.COLD"
    )
    variables = {k: v for k, v in os.environ.items() if k != "WARM_PYTHON"}
    subprocess.run([warm.COLD, "-c", code], env=variables, check=True, timeout=60)
