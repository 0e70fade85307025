"""A challenger that lost and is rolled out all the same, as if somebody had overruled the gate.

scripts/open_retrain_pr.py would refuse to propose it, and main's own judge to let it be merged: it
takes a person who may go past both. The demo is that person, so that something goes wrong.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.adapters.package_files import read_manifest
from pipeline.adapters.store import fetch_package, tracked_md5
from pipeline.champion import load_champion
from pipeline.core.evidence import digest_of
from pipeline.demo.checkout import commit, git
from pipeline.errors import OutsideError
from pipeline.manifest import EvidenceRef, ModelIdentity, RolloutSpec, render_rollout, rollout_path
from pipeline.paths import PACKAGE, fetched_package
from pipeline.rollout_config import load_rollout_plan

COMPARISON = "artifacts/compare/comparison.json"
BRANCH = "overruled"


def overruled_spec(repository: Path, model: str, retrain: str) -> RolloutSpec:
    """The manifest of the run in the checkout, whatever its verdict; its evidence is that loss."""
    champion = load_champion(repository, model)
    if champion is None:
        raise OutsideError(f"{repository}: {model} has no champion.")
    manifest = read_manifest(repository / PACKAGE / "manifest.json")
    challenger = ModelIdentity(
        digest=manifest.digest,
        package_md5=tracked_md5(repository, PACKAGE),
        as_of=manifest.as_of,
    )
    folder = f"evidence/{model}/{challenger.version}"
    kept = repository / ".git" / f"{challenger.version}.json"
    shutil.copy2(repository / COMPARISON, kept)  # the checkout is cleaned once a retrain lost
    return RolloutSpec(
        model=model,
        version=challenger.version,
        retrain=retrain,
        challenger=challenger,
        champion=champion,
        evidence=EvidenceRef(path=folder, digest=digest_of(kept.read_bytes())),
        plan=load_rollout_plan(repository),
    )


def propose_overruled(repository: Path, spec: RolloutSpec) -> str:
    """Commit `spec` on a branch of its own, with the comparison that it lost at. Returns it."""
    git(repository, "checkout", "--quiet", "-B", BRANCH)
    evidence = repository / spec.evidence.path / "comparison.json"
    evidence.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(repository / ".git" / f"{spec.version}.json", evidence)
    rollout_path(repository, spec.model).write_text(render_rollout(spec), encoding="utf-8")
    commit(repository, f"Overrule the gate that {spec.version} lost at")
    git(repository, "checkout", "--quiet", "main")
    return BRANCH


def fetch_models(repository: Path, spec: RolloutSpec) -> None:
    """The packages of `spec`, from DVC by their digests, where model servers are started from."""
    for model in (spec.champion, spec.challenger):
        folder = fetched_package(repository, model.digest)
        if not folder.exists():
            fetch_package(repository, model.package_md5, folder)
