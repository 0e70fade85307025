"""Commands that ask nothing but commits, in a clone of a repository with four months behind it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.manifest import load_rollout
from tests.docs.conftest import Open
from tests.docs.shell import Then
from tests.repository import ROOT, git
from tests.rollouts import MODEL
from tests.sites import lived

SERVED = Then(says="the challenger had those below 5,000")
LEDGER = Then(says="concept_drift fired")
COMMANDS = {
    "git fetch --unshallow": Then(),
    "git pull": Then(says="up to date"),
    "python -m scripts.build_dashboard --output site/": Then(leaves=f"site/models/{MODEL}.html"),
    "python -m scripts.build_dashboard --output site/ --at 2013-07-01T14:37:00Z --ref main": Then(
        leaves="site/index.html"
    ),
    "python -m scripts.update_dashboard_issue --forge local": Then(says="at 50 % of traffic"),
    "python -m scripts.replay_rollout": Then(says="16 transitions, 11 with a verdict: 0 differ."),
    "python -m scripts.simulate_rollout --records flight-delay --plan other-plan.yaml": Then(
        says="stage 1 of 4"
    ),
    "python -m scripts.who_served --user X --at 2013-07-02T12:00:00Z": SERVED,
    "python -m scripts.who_served --user X --at TIME": SERVED,
    "git log origin/perennial/ledger": LEDGER,
    "git show origin/perennial/ledger:ledger.json": Then(says=f'"{MODEL}-0005"'),
    "git log --oneline -- rollouts/flight-delay/status": Then(says="flight-delay: 50 % to"),
    "git show MERGE:evidence/…/manifest.json": Then(says="configs/gates.yaml"),
    "git revert": Then(typed="git revert --no-edit -m 1 MERGE", says='Revert "Merge pull request'),
    "git revert --abort": Then(code=128, says="no cherry-pick or revert in progress"),
    "git push origin HEAD:main": Then(says="-> main"),
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lived")
    origin, clone = folder / "origin", folder / "clone"
    origin.mkdir()
    lived(origin)
    git(origin, "checkout", "--quiet", "--detach")  # as on a server: no branch is in use
    git(folder, "clone", "--quiet", "--depth=2", "--no-single-branch", origin.as_uri(), "clone")
    git(clone, "switch", "--quiet", "main")
    shutil.copy(ROOT / "configs/rollout-plan.yaml", clone / "other-plan.yaml")
    return clone


@pytest.mark.parametrize("command", COMMANDS)
def test_it_does_what_its_page_says(command: str, clone: Path, shell: Open) -> None:
    merge = git(clone, "log", "--format=%H", "--merges", "-1").strip()
    evidence = load_rollout(clone, MODEL).evidence.path
    values = {"MERGE": merge, "evidence/…": evidence, "TIME": "2013-07-02", "X": "anybody"}
    shell(clone, **values).check(command, COMMANDS[command])
