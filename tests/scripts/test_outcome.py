"""The comment below a merged retrain: real git, real warehouse, a forge in a folder."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.adapters.git.branches import GitBranches
from pipeline.adapters.local_forge import LocalForge
from pipeline.champion import champion_path, load_champion
from pipeline.core.triggers.ledger import Ledger, RetrainState
from pipeline.manifest import (
    EvidenceRef,
    ModelIdentity,
    RolloutSpec,
    render_rollout,
    rollout_path,
    version_of,
)
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.rollout_config import load_rollout_plan
from pipeline.rollout_status import Kind, Phase, Record, render_record, status_path
from tests.called import call_script
from tests.core import dashboards, pulls, reports
from tests.monitored import DIGEST, MODEL, monitored_repository
from tests.repository import commit, git

BRANCH = f"perennial/retrain/{MODEL}-0001"
CHALLENGER = "sha256:" + "e" * 64
PROMISED = {"accuracy": 0.80, "f1_weighted": 0.80, "f1": 0.68}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A champion that a merged pull request brought on April 3rd 2013, as its answers have it."""
    root = monitored_repository(tmp_path_factory.mktemp("outcome") / "flights")
    shutil.rmtree(root / ".git")
    pointer = champion_path(root, MODEL)
    champion = pointer.read_text()
    pointer.write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_COMMITTER_DATE", "2013-04-01T00:00:00Z")
        git(root, "init", "--quiet", "--initial-branch=main")
        (root / ".git/info/exclude").write_text(".forge/\n")
        commit(root, "Start")
        git(root, "switch", "--quiet", "--create", BRANCH)
        pointer.write_text(champion)
        (root / "artifacts/compare").mkdir(parents=True)
        (root / "artifacts/compare/comparison.json").write_text(json.dumps(comparison()))
        commit(root, "Retrain")
        git(root, "switch", "--quiet", "main")
        forge(root).open_pull(branch=BRANCH, base="main", title="Retrain it", body="b")
        patch.setenv("GIT_COMMITTER_DATE", "2013-04-03T00:00:00Z")
        git(root, "merge", "--quiet", "--no-ff", "--message=Merge", BRANCH)
    event = pulls.event(champion=DIGEST, retrain=None)
    LedgerStore(root, is_local=True).update(lambda _: (Ledger((event,)), None), "It drifts")
    return root


@pytest.fixture
def repository(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "flights")
    return tmp_path / "flights"


def comparison():
    """What is PROMISED, and an interval of 0.03 to either side."""
    rows = [
        json.loads(json.dumps(row)) | {"challenger": PROMISED[row["metric"]]}
        for row in reports.passing().comparison["metrics"]
        if row["metric"] in PROMISED
    ]
    for row in rows:
        ends = {"low": row["challenger"] - 0.03, "high": row["challenger"] + 0.03}
        row["challenger_interval"] = {**ends, "confidence": 0.95}
    return {**reports.passing().comparison, "metrics": rows}


def forge(root: Path) -> LocalForge:
    return LocalForge(root / ".forge", GitBranches(root))


def tell(root: Path, at: str, *options: str, **environment: str):
    command = ("outcome", "--forge", "local", "--at", at, *options)
    return call_script(root, *command, **environment)


def said(root: Path) -> list[str]:
    return [comment.body for comment in forge(root).comments(1)]


def test_the_day_after_the_merge_it_is_too_early_and_says_so(repository: Path) -> None:
    done = tell(repository, "2013-04-04T12:00:00Z", "--apply")
    assert done.returncode == 0, done.stderr
    (body,) = said(repository)
    assert "It serves since 2013-04-03. Too early to say how good it is" in body


def test_weeks_later_the_same_comment_has_the_figures(repository: Path) -> None:
    tell(repository, "2013-04-04T12:00:00Z", "--apply")
    (before,) = forge(repository).comments(1)
    done = tell(repository, "2013-05-10T12:00:00Z", "--apply")
    assert done.returncode == 0, done.stderr
    (after,) = forge(repository).comments(1)
    assert after.id == before.id
    assert "In production: as promised." in after.body
    assert "| F1,\N{NO-BREAK SPACE}positive | 0.680 " in after.body
    assert "2013-04-03 to before 2013-05-0" in after.body
    assert "**concept drift** accuracy 0.8344" in after.body


def test_a_model_that_got_worse_is_told_to_have(repository: Path) -> None:
    done = tell(repository, "2013-06-28T12:00:00Z", "--apply")
    assert done.returncode == 0, done.stderr
    (body,) = said(repository)
    assert "In production: below what was promised." in body


def test_within_a_day_nothing_is_written_twice(repository: Path) -> None:
    tell(repository, "2013-05-10T12:00:00Z", "--apply")
    before = said(repository)
    done = tell(repository, "2013-05-10T18:00:00Z", "--apply")
    assert done.stdout == "#1: the comment is current.\n"
    assert said(repository) == before


def test_without_apply_nothing_is_written(repository: Path) -> None:
    done = tell(repository, "2013-05-10T12:00:00Z")
    assert "#1: add the comment" in done.stdout
    assert said(repository) == []


def test_an_old_merge_is_left_as_it_is(repository: Path) -> None:
    done = tell(repository, "2013-12-01T12:00:00Z", "--apply")
    assert (done.returncode, done.stdout) == (0, "")


def test_without_a_warehouse_the_rest_is_told(repository: Path) -> None:
    url = f"sqlite:///{repository / 'gone.db'}"
    done = tell(repository, "2013-05-10T12:00:00Z", "--apply", WAREHOUSE_URL=url)
    assert done.returncode == 0, done.stderr
    assert (
        "It serves since 2013-04-03. Too early to say how good it is: there is no"
        in (said(repository)[0])
    )


def test_a_rollout_that_was_rolled_back_is_told_with_its_reason(repository: Path) -> None:
    propose(repository)
    done = tell(repository, "2013-06-20T12:00:00Z", "--apply")
    assert done.returncode == 0, done.stderr
    body = forge(repository).comments(2)[0].body
    assert "Its rollout is RolledBack at 0 % of traffic since 2013-06-15." in body
    assert "error rate 0.05 of at most 0.02" in body
    assert "it has not become the champion" in body


def propose(root: Path) -> None:
    """A second retrain: merged with a manifest, and rolled back."""
    champion = load_champion(root, MODEL)
    assert champion is not None
    as_of = datetime(2013, 6, 14, tzinfo=UTC)
    spec = RolloutSpec(
        schema=1,
        model=MODEL,
        version=version_of(CHALLENGER, as_of),
        retrain=f"{MODEL}-0002",
        challenger=ModelIdentity(digest=CHALLENGER, package_md5="b" * 32 + ".dir", as_of=as_of),
        champion=champion,
        evidence=EvidenceRef(path="evidence/manifest.json", digest=CHALLENGER),
        plan=load_rollout_plan(root),
    )
    record = Record(
        schema=1,
        model=MODEL,
        sequence=1,
        at=datetime(2013, 6, 15, tzinfo=UTC),
        kind=Kind.ENDED,
        phase=Phase.ROLLED_BACK,
        version=spec.version,
        spec=spec.digest,
        challenger=CHALLENGER,
        champion=DIGEST,
        stage_since=datetime(2013, 6, 15, tzinfo=UTC),
        reason="error rate 0.05 of at most 0.02",
    )
    branch = f"perennial/retrain/{MODEL}-0002"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_COMMITTER_DATE", "2013-06-14T00:00:00Z")
        git(root, "switch", "--quiet", "--create", branch)
        rollout_path(root, MODEL).write_text(render_rollout(spec))
        commit(root, "Retrain")
        git(root, "switch", "--quiet", "main")
        forge(root).open_pull(branch=branch, base="main", title="Retrain it", body="b")
        git(root, "merge", "--quiet", "--no-ff", "--message=Merge", branch)
        status_path(root, MODEL).mkdir()
        (status_path(root, MODEL) / record.name).write_text(render_record(record))
        commit(root, "Roll back")


def test_one_merge_that_cannot_be_read_does_not_keep_the_others_waiting(repository: Path) -> None:
    propose(repository)
    for path in status_path(repository, MODEL).iterdir():
        path.unlink()
    git(repository, "switch", "--quiet", f"perennial/retrain/{MODEL}-0002")
    git(repository, "switch", "--quiet", "--create", f"perennial/retrain/{MODEL}-0003")
    rollout_path(repository, MODEL).write_text("digest: nonsense\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_COMMITTER_DATE", "2013-06-16T00:00:00Z")
        commit(repository, "Retrain badly")
        git(repository, "switch", "--quiet", "main")
        forge(repository).open_pull(
            branch=f"perennial/retrain/{MODEL}-0003", base="main", title="t", body="b"
        )
        git(repository, "merge", "--quiet", "--no-ff", "--message=M", f"{BRANCH[:-1]}3")
    done = tell(repository, "2013-06-20T12:00:00Z", "--apply")
    assert done.returncode == 2
    assert "#3: rollout.yaml at " in done.stderr
    assert said(repository)


def test_a_retrain_of_the_ledger_has_no_comment_before_its_merge(repository: Path) -> None:
    lost = dashboards.retrain(5, RetrainState.LOST)
    LedgerStore(repository, is_local=True).update(lambda _: (Ledger((), (lost,)), None), "Lost")
    git(repository, "switch", "--quiet", "--create", f"perennial/retrain/{MODEL}-0005")
    commit(repository, "Retrain")
    git(repository, "switch", "--quiet", "main")
    forge(repository).open_pull(
        branch=f"perennial/retrain/{MODEL}-0005", base="main", title="t", body="b"
    )
    tell(repository, "2013-05-10T12:00:00Z", "--apply")
    assert forge(repository).comments(2) == ()
