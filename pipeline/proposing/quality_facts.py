"""A finished run as the quality gates see it, read from the files of its checkout.

Needs the light set alone. What a checkout does not have (the package and the costs are not in git)
is left out; the gates say what that means.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.adapters.package_files import (
    PackageManifest,
    folder_md5,
    is_whole_here,
    package_faults,
    read_manifest,
)
from pipeline.approvers import load_approvers
from pipeline.champion import load_champion
from pipeline.config import load_all, load_gates, load_params, load_schema, load_usecase
from pipeline.core.evidence import MODEL_MANIFEST
from pipeline.core.quality.facts import (
    DOCUMENTS,
    Facts,
    LockFacts,
    PackageFacts,
    PlanFacts,
    Request,
)
from pipeline.core.triggers.ledger import Ledger, causes_of
from pipeline.dvc_objects import file_md5
from pipeline.dvclock import parse_lock
from pipeline.gates_config import load_quality_policy
from pipeline.jsonio import load_json
from pipeline.manifest import version_of
from pipeline.paths import PACKAGE
from pipeline.rollout_config import CONDITIONS, RolloutPlan, load_rollout_plan
from pipeline.strict_yaml import parse_yaml
from pipeline.trigger_config import load_triggers

PLAN = "configs/rollout-plan.yaml"
LOCK = "dvc.lock"
MANIFEST = "manifest.json"
EVIDENCE = "evidence/protocol-24-retraining"


def load_facts(
    root: Path,
    *,
    at: datetime | None = None,
    request: Request | None = None,
    approvals: Mapping[str, tuple[str, ...]] | None = None,
) -> Facts:
    """Everything but what monitoring says. `at` is params.yaml's as_of where it is None.

    Raises ConfigurationError with the faults of every file of configs/, OutsideError for an
    artifact that is not JSON.
    """
    params, usecase, schema, gates, policy, triggers, approvers = load_all(
        root,
        load_params,
        load_usecase,
        load_schema,
        load_gates,
        load_quality_policy,
        load_triggers,
        load_approvers,
    )
    champion = load_champion(root, usecase.model)
    package = load_package(root, usecase.model, params.collect.as_of)
    return Facts(
        model=usecase.model,
        version=version_of(package.digest, package.as_of) if package else None,
        at=at or params.collect.as_of,
        params=params,
        min_label_coverage=schema.rows.min_label_coverage,
        comparison_policy=gates.comparison,
        policy=policy,
        triggers=triggers,
        champion=champion.digest if champion else None,
        documents={name: load_json(root / name) for name in DOCUMENTS if (root / name).is_file()},
        request=request or Request(),
        lock=load_lock(root, is_package_here=package is not None and package.is_here),
        package=package,
        plan=plan_facts(load_rollout_plan(root)) if (root / PLAN).is_file() else None,
        approvals=approvals,
        members=approvers.roles,
        incidents=tuple(
            sorted(p.relative_to(root).as_posix() for p in root.glob("artifacts/*/incident.md"))
        ),
    )


def request_in(ledger: Ledger, retrain: str | None) -> Request:
    """What the ledger says of `retrain`; None is a retrain by hand."""
    if retrain is None:
        return Request()
    known = next((found for found in ledger.retrains if found.id == retrain), None)
    return Request(retrain, known, causes_of(ledger, retrain))


def plan_facts(plan: RolloutPlan) -> PlanFacts:
    """The figures that `plan` judges by, sorted, and whether it asks for an A/B test."""
    judged = {criterion.metric for stage in plan.stages for criterion in stage.criteria}
    conditions = plan.rollback_conditions
    judged |= {m for name, m in CONDITIONS.items() if getattr(conditions, name) is not None}
    return PlanFacts(tuple(sorted(judged)), has_ab_test=plan.ab_test is not None)


def load_package(root: Path, model: str, as_of: datetime) -> PackageFacts | None:
    """The challenger's package; where it is not here, what its evidence keeps of it."""
    folder = root / PACKAGE
    if (folder / MANIFEST).is_file():
        manifest = read_manifest(folder / MANIFEST)
        return _facts_of(
            manifest,
            faults=package_faults(folder, manifest),
            is_here=is_whole_here(folder, manifest),
        )
    kept = (root / EVIDENCE / model).glob(f"{as_of:%Y-%m-%d}-*/{MODEL_MANIFEST}")
    manifests = [manifest for manifest in map(read_manifest, kept) if manifest.as_of == as_of]
    return _facts_of(manifests[0], is_here=False) if len(manifests) == 1 else None


def _facts_of(
    manifest: PackageManifest, faults: tuple[str, ...] = (), *, is_here: bool = True
) -> PackageFacts:
    return PackageFacts(
        digest=manifest.digest,
        train_rows=manifest.train_rows,
        data_digest=manifest.data_digest,
        as_of=manifest.as_of,
        faults=faults,
        is_here=is_here,
    )


def load_lock(root: Path, *, is_package_here: bool = True) -> LockFacts | None:
    """dvc.lock against the files that are here; None where there is none."""
    path = root / LOCK
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8")
    lock = parse_lock(text, str(path))
    names = [name for name in lock.outs if is_package_here or name != PACKAGE]
    here = {name: root / name for name in names if (root / name).exists()}
    return LockFacts(
        outs=lock.outs,
        found={name: folder_md5(p) if p.is_dir() else file_md5(p) for name, p in here.items()},
        conflicts=lock.conflicts,
        train_reads=_reads_of(parse_yaml(text, str(path)), "train"),
    )


def _reads_of(lock: Any, stage: str) -> tuple[str, ...]:
    deps = lock["stages"].get(stage, {}).get("deps", [])
    return tuple(sorted(str(entry["path"]) for entry in deps))
