"""Monitoring and admission run without the training stack: it is not even importable there."""

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


@pytest.mark.parametrize("script", LIGHT_SCRIPTS)
def test_a_job_of_the_light_set_needs_nothing_heavy(script: str) -> None:
    code = f"{BLOCKED}\nsys.argv[1:] = ['--help']\nimport scripts.{script} as s\ns.main(['--help'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout


def test_the_light_lock_has_none_of_it() -> None:
    lock = (ROOT / "requirements/light.txt").read_text()
    names = {line.partition("==")[0] for line in lock.splitlines() if "==" in line}
    assert not names & {*HEAVY, "scikit-learn"}
    assert {"numpy", "pydantic", "pygithub", "sqlalchemy"} <= names
