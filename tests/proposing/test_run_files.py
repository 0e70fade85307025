import shutil
from pathlib import Path

import pytest

from pipeline.champion import Champion
from pipeline.core.pull.body import build_pull_text
from pipeline.core.quality.as_json import QUALITY_GATES
from pipeline.errors import OutsideError
from pipeline.jsonio import save_json
from pipeline.manifest import EvidenceRef, ModelIdentity, RolloutSpec, version_of
from pipeline.proposing.run_files import (
    DOCUMENTS,
    TIMINGS,
    load_pull_facts,
    rollout_summary,
)
from pipeline.rollout_config import load_rollout_plan
from tests.core import pulls, reports

COMMIT = reports.COMMIT


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout in which a run has finished; the job that trained it kept the rest."""
    shutil.copytree(reports.ROOT / "configs", tmp_path / "configs")
    shutil.copy(reports.ROOT / "params.yaml", tmp_path / "params.yaml")
    inputs = reports.passing()
    for field, name in DOCUMENTS.items():
        save_json(tmp_path / name, getattr(inputs, field))
    save_json(tmp_path / QUALITY_GATES, pulls.quality_gates())
    return tmp_path


def test_a_run_that_another_job_trained_can_be_proposed(root: Path) -> None:
    facts = load_pull_facts(
        root,
        retrain="flight-delay-0003",
        causes=pulls.causes(),
        commit=COMMIT,
        rollout=pulls.rollout(),
        asked=pulls.PEOPLE,
    )
    text = build_pull_text(facts, pulls.TEMPLATE)
    assert text.title == "Retrain flight-delay: weighted F1 0.592 → 0.702 (concept drift)"
    assert f"git checkout {COMMIT}" in text.body
    assert pulls.CHALLENGER in text.body  # though its package is not here
    assert "⏳&nbsp;**Deployment safety** 3/5" in text.body


def test_what_is_not_committed_is_shown_where_it_is_there(root: Path) -> None:
    def costs() -> int:
        facts = load_pull_facts(root, retrain="flight-delay-0003")
        return build_pull_text(facts, pulls.TEMPLATE).body.count("<summary>Cost and time</summary>")

    assert costs() == 0
    save_json(root / TIMINGS, reports.passing().timings)
    assert costs() == 1


def test_a_run_without_gates_is_not_said_to_pass_them(root: Path) -> None:
    (root / QUALITY_GATES).unlink()
    facts = load_pull_facts(root, retrain="flight-delay-0003")
    assert facts.quality_gates == ()
    assert "were not assessed" in build_pull_text(facts, pulls.TEMPLATE).body


def test_a_missing_file_is_named(root: Path) -> None:
    (root / DOCUMENTS["comparison"]).unlink()
    with pytest.raises(OutsideError, match=r"artifacts/compare/comparison\.json"):
        load_pull_facts(root, retrain="flight-delay-0003")


@pytest.mark.parametrize("field", ["comparison", "split", "train"])
def test_files_of_another_version_are_no_traceback(root: Path, field: str) -> None:
    document = dict(getattr(reports.passing(), field))
    document.pop(next(iter(document)))
    document.pop("metrics", None)
    document.pop("method", None)
    save_json(root / DOCUMENTS[field], document | {"verdict": "SPLENDID"})
    with pytest.raises(OutsideError, match="another version of the code"):
        load_pull_facts(root, retrain="flight-delay-0003")


def test_a_manifests_plan_is_told_in_minutes() -> None:
    as_of = pulls.NOW
    champion = Champion(
        schema=1,
        model="flight-delay",
        digest=pulls.CHAMPION,
        package_md5="a" * 32 + ".dir",
        as_of=as_of,
        approved_by="maria",
        reason="first model",
    )
    challenger = ModelIdentity(digest=pulls.CHALLENGER, package_md5="b" * 32 + ".dir", as_of=as_of)
    spec = RolloutSpec(
        schema=1,
        model="flight-delay",
        version=version_of(pulls.CHALLENGER, as_of),
        retrain="flight-delay-0003",
        challenger=challenger,
        champion=champion,
        evidence=EvidenceRef(path="evidence/manifest.json", digest=pulls.CHALLENGER),
        plan=load_rollout_plan(reports.ROOT),
    )
    assert rollout_summary(spec) == pulls.rollout()
