"""Commands that look at production: four months of rows, labels and answers in a warehouse."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.docs.conftest import Open
from tests.docs.shell import Then
from tests.repository import ROOT, commit, git
from tests.rollouts import MODEL
from tests.scripts import small_history

CHECK = "python -m scripts.check_triggers --local --at 2013-04-29T12:00:00Z"
AB_TEST = f"rollouts/{MODEL}/experiments/*.yaml"
COMMANDS = {
    "python -m scripts.check_triggers": Then(typed=CHECK, says="performance_degradation  FIRED"),
    "python -m scripts.check_triggers --at 2013-07-02T12:00:00Z --json check.json": Then(
        typed=f"{CHECK} --json check.json", says="Nothing was changed", leaves="check.json"
    ),
    "python -m scripts.check_triggers --apply": Then(
        typed=f"{CHECK} --apply", says="flight-delay-0001"
    ),
    "python -m scripts.backtest_triggers --start … --end …": Then(
        typed="python -m scripts.backtest_triggers --start 2013-04-01 --end 2013-04-03",
        leaves="artifacts/backtest/report.md",
    ),
    'python -m scripts.backtest_triggers --start 2013-04-02 --end 2014-01-01 --onset "2013-06-24'
    'T00:00Z=summer storms" --onset "2013-12-08T00:00Z=winter storms" --horizon 28d --suggest '
    "1/month": Then(
        typed="python -m scripts.backtest_triggers --start 2013-04-02 --end 2013-04-30 --every 4d "
        '--onset "2013-04-02T00:00Z=it breaks" --horizon 28d --suggest 1/month',
        says="it breaks",
        leaves="artifacts/backtest/timeline.png",
    ),
    "python -m scripts.ab_test plan": Then(says="units"),
    "python -m scripts.ab_test plan --units-a-day 900": Then(says="48,600 come in 54 days"),
    "python -m scripts.ab_test start --challenger sha256:… --apply": Then(leaves=AB_TEST),
    "python -m scripts.ab_test weight --percent 50 --apply": Then(says="50 %"),
    "python -m scripts.ab_test status": Then(leaves="artifacts/ab-test/ab-test-results.json"),
    'python -m scripts.ab_test stop --because "…" --apply': Then(says="all to the champion"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("production") / "flights"
    root.mkdir()
    small_history.write_repository(root)
    shutil.copytree(ROOT / "pipeline/templates", root / "pipeline/templates")
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root, "Start")
    return root


@pytest.mark.parametrize("command", COMMANDS)
def test_it_does_what_its_page_says(command: str, root: Path, shell: Open) -> None:
    values = {"sha256:…": f"sha256:{'b' * 64}", '"…"': "enough"}
    shell(root, **values).check(command, COMMANDS[command])
