"""The manifest that a proposal commits, from a finished run and its evidence package."""

from __future__ import annotations

from pathlib import Path

from pipeline.champion import load_champion
from pipeline.config import load_params
from pipeline.core.evidence import MANIFEST, digest_of
from pipeline.dvclock import parse_lock
from pipeline.errors import OutsideError
from pipeline.manifest import EvidenceRef, ModelIdentity, RolloutSpec, version_of
from pipeline.paths import PACKAGE
from pipeline.proposing.quality_facts import EVIDENCE, LOCK, load_package
from pipeline.rollout_config import load_rollout_plan


def build_spec(root: Path, model: str, retrain: str) -> RolloutSpec:
    """What a merge would roll out, with the plan as it is in configs/ now.

    The package itself need not be at hand: its evidence names it. Raises OutsideError where
    something of the run is missing, ConfigurationError for configuration.
    """
    package = load_package(root, model, load_params(root).collect.as_of)
    champion = load_champion(root, model)
    if package is None or champion is None:
        what = (
            "package of the run" if package is None else "champion, which a person approves first"
        )
        raise OutsideError(f"the manifest of {model}: there is no {what}. {_ADVICE}")
    version = version_of(package.digest, package.as_of)
    return RolloutSpec(
        model=model,
        version=version,
        retrain=retrain,
        challenger=ModelIdentity(
            digest=package.digest, package_md5=_package_md5(root), as_of=package.as_of
        ),
        champion=champion,
        evidence=_evidence(root, f"{EVIDENCE}/{model}/{version}"),
        plan=load_rollout_plan(root),
    )


_ADVICE = (
    "Run python -m scripts.retrain and python -m scripts.collect_evidence --apply, then this again."
)


def _package_md5(root: Path) -> str:
    path = root / LOCK
    lock = parse_lock(path.read_text(encoding="utf-8"), str(path)) if path.is_file() else None
    if lock is None or PACKAGE not in lock.outs:
        raise OutsideError(f"{path}: does not name {PACKAGE}. {_ADVICE}")
    return lock.outs[PACKAGE]


def _evidence(root: Path, folder: str) -> EvidenceRef:
    path = root / folder / MANIFEST
    if not path.is_file():
        raise OutsideError(f"{path}: not found. {_ADVICE}")
    return EvidenceRef(path=folder, digest=digest_of(path.read_bytes()))
