"""Monitoring and admission run without the training stack: it is not even importable there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = [
    "pandas",
    "sklearn",
    "mlflow",
    "dvc",
    "pyarrow",
    "matplotlib",
    "skops",
    "pandera",
    "river",
    "distributed",
]
BLOCKED = f"""
import sys
for name in {HEAVY}:
    sys.modules[name] = None  # importing it raises ImportError
"""
HELP_OF_ALL = f"""{BLOCKED}
import contextlib, importlib, io, json, traceback
said = {{}}
for script in sys.argv[1:]:
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            code = importlib.import_module('scripts.' + script).main(['--help'])
        except SystemExit as ended:
            code = ended.code
        except BaseException:
            traceback.print_exc()
            code = 1
    said[script] = [code, output.getvalue()]
print(json.dumps(said))
"""


LIGHT_SCRIPTS = [
    "ab_test",
    "admit_retrain",
    "assess_gates",
    "build_dashboard",
    "check_triggers",
    "collect_evidence",
    "control_rollout",
    "doctor",
    "open_retrain_pr",
    "outcome",
    "reconcile_rollouts",
    "renew_reviews",
    "rehearse_rollback",
    "relay_alerts",
    "replay_rollout",
    "roll_back",
    "set_up_repository",
    "settle_retrain",
    "trace",
    "update_dashboard_issue",
    "verify_retrain_pr",
    "watch_rollout",
    "who_served",
]


@pytest.fixture(scope="module")
def said() -> dict[str, tuple[int | None, str]]:
    """How each ended and what it printed. All in one process: each of its own would take 0.5 s."""
    done = subprocess.run(
        [sys.executable, "-c", HELP_OF_ALL, *LIGHT_SCRIPTS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("script", LIGHT_SCRIPTS)
def test_a_job_of_the_light_set_needs_nothing_heavy(
    said: dict[str, tuple[int | None, str]], script: str
) -> None:
    code, output = said[script]
    assert not code, output
    assert "usage:" in output


def test_the_light_lock_has_none_of_it() -> None:
    lock = (ROOT / "requirements/light.txt").read_text()
    names = {line.partition("==")[0] for line in lock.splitlines() if "==" in line}
    assert not names & {*HEAVY, "scikit-learn"}
    assert {"numpy", "pydantic", "pygithub", "sqlalchemy"} <= names
