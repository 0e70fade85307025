"""The dashboard as a job keeps it: real git, real ledger, a forge in a folder."""

import shutil
from pathlib import Path

import pytest

from pipeline.adapters.git.branches import GitBranches
from pipeline.adapters.local_forge import LocalForge
from pipeline.core.triggers.ledger import Ledger, RetrainState
from pipeline.monitoring.ledger_store import LedgerStore
from tests.called import call_script
from tests.core import dashboards, pulls
from tests.monitored import DIGEST, MODEL
from tests.repository import commit, copy_repository, git

AT = "2013-09-04T12:00:00Z"
CHAMPION = f"""\
schema: 1
model: flight-delay
digest: {DIGEST}
package_md5: {"d" * 32}.dir
as_of: 2013-04-03T00:00:00Z
approved_by: a person
reason: first model
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = copy_repository(tmp_path_factory.mktemp("dashboard") / "flights")
    shutil.rmtree(root / "rollouts", ignore_errors=True)
    (root / "rollouts" / MODEL).mkdir(parents=True)
    (root / "rollouts" / MODEL / "champion.yaml").write_text(CHAMPION)
    commit(root, "Approve the champion")
    lost = dashboards.retrain(1, RetrainState.LOST, 30, "weighted F1 loses 0.02")
    ledger = Ledger((pulls.event(retrain=lost.id),), (lost,))
    LedgerStore(root, is_local=True).update(lambda _: (ledger, None), "A retrain was lost")
    return root


@pytest.fixture
def repository(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "flights")
    return tmp_path / "flights"


def update(root: Path, *options: str, at: str = AT):
    command = ("update_dashboard_issue", "--forge", "local", "--at", at, *options)
    done = call_script(root, *command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def issues(root: Path):
    return LocalForge(root / ".forge", GitBranches(root)).issues("perennial")


def test_a_plan_is_printed_and_nothing_written(repository: Path) -> None:
    said = update(repository)
    assert "To do: open the issue “Perennial dashboard”" in said
    assert "weighted F1 loses 0.02" in said
    assert "--apply does it" in said
    assert issues(repository) == ()


def test_one_issue_is_opened_and_left_alone_while_nothing_happens(repository: Path) -> None:
    update(repository, "--apply")
    (first,) = issues(repository)
    assert "weighted F1 loses 0.02" in first.body
    assert "approved by a person: first model" in first.body
    assert update(repository, "--apply", at="2013-09-04T13:00:00Z") == (
        "The dashboard is current.\n"
    )
    assert issues(repository) == (first,)


def test_what_happened_since_is_written_into_the_same_issue(repository: Path) -> None:
    update(repository, "--apply")
    lost = dashboards.retrain(2, RetrainState.LOST, 1, "slices: carrier B6 loses 0.1")
    LedgerStore(repository, is_local=True).update(
        lambda ledger: (Ledger(ledger.events, (*ledger.retrains, lost)), None), "Another"
    )
    assert "edit issue 1: it says something else" in update(repository, "--apply")
    (issue,) = issues(repository)
    assert "slices: carrier B6 loses 0.1" in issue.body
    assert issue.number == 1


def test_a_closed_dashboard_comes_back(repository: Path) -> None:
    update(repository, "--apply")
    (issue,) = issues(repository)
    forge = LocalForge(repository / ".forge", GitBranches(repository))
    forge.edit_issue(issue.number, body=issue.body, is_open=False)
    update(repository, "--apply")
    assert [found.is_open for found in issues(repository)] == [True]


def test_an_open_proposal_is_on_it(repository: Path) -> None:
    git(repository, "switch", "--quiet", "--create", f"perennial/retrain/{MODEL}-0002")
    commit(repository, "Propose")
    git(repository, "switch", "--quiet", "main")
    LocalForge(repository / ".forge", GitBranches(repository)).open_pull(
        branch=f"perennial/retrain/{MODEL}-0002", base="main", title="Retrain it", body="b"
    )
    assert "**Please review** #1: Retrain it" in update(repository)


def test_one_models_broken_file_hides_no_other_model(repository: Path) -> None:
    other = repository / "rollouts" / "churn"
    other.mkdir()
    (other / "champion.yaml").write_text("digest: nonsense\n")
    said = update(repository)
    assert "## 🔴 churn" in said
    assert "rollouts/churn/champion.yaml: " in said
    assert "approved by a person: first model" in said
    assert str(repository) not in said


def test_the_champion_serves_since_the_commit_that_brought_it(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pointer = repository / "rollouts" / MODEL / "champion.yaml"
    for day, digest in ((3, "e" * 64), (9, "f" * 64)):
        pointer.write_text(CHAMPION.replace("c" * 64, digest))
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"2033-01-0{day}T00:00:00Z")
        commit(repository, "Another champion")
    pointer.write_text(pointer.read_text().replace("first model", "approved again"))
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2033-01-20T00:00:00Z")
    commit(repository, "Say why")
    assert "serves since 2033-01-09, knows the world as of 2013-04-03" in update(repository)
