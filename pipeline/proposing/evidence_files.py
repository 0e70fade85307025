"""What goes into an evidence package, read from a finished run, under the protocol's names."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.adapters.package_files import PackageManifest, read_manifest
from pipeline.adapters.store import tracked_md5
from pipeline.champion import load_champion
from pipeline.config import load_usecase
from pipeline.core.abtest.results import no_results_yet
from pipeline.core.evidence import EVIDENCE_REFERENCE, MODEL_MANIFEST, Subject
from pipeline.core.quality.as_json import QUALITY_GATES, parse_assessment
from pipeline.core.quality.checklist import render_checklist
from pipeline.core.quality.facts import REHEARSAL
from pipeline.core.rollout.plan_report import render_plan
from pipeline.credentials import without_credentials
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.jsonio import load_json, render_json
from pipeline.manifest import version_of
from pipeline.paths import PACKAGE
from pipeline.rollout_config import load_rollout_plan
from pipeline.wording import counted

TEMPLATES = Path(__file__).parent.parent / "templates"
REPORT = "artifacts/report/report.md"

COPIES = {  # where in the package -> where in the repository; all of these must be there
    "configs/trigger-config.yaml": "configs/triggers.yaml",
    "configs/rollout-plan.yaml": "configs/rollout-plan.yaml",
    "configs/gates.yaml": "configs/gates.yaml",
    "scripts/retraining_pipeline.yaml": "dvc.yaml",
    "scripts/params.yaml": "params.yaml",
    "scripts/retraining_pipeline.py": "scripts/retrain.py",
    "artifacts/evaluation-metrics.json": "artifacts/evaluate/metrics.json",
    "artifacts/comparison.json": "artifacts/compare/comparison.json",
    "artifacts/quality-gates.json": QUALITY_GATES,
    EVIDENCE_REFERENCE: f"{PACKAGE}/reference.json",
    MODEL_MANIFEST: f"{PACKAGE}/manifest.json",
}
OPTIONAL = {
    "configs/ab-test.yaml": "configs/ab-test.yaml",
    "scripts/ab_testing.py": "pipeline/core/abtest/verdict.py",
    "scripts/rollout_controller.py": "pipeline/core/rollout/reconcile.py",
}
FAMILIES = {  # plots, and the other files of what the protocol writes as one
    "reports/plots": "artifacts/report/plots/*.png",
    "scripts/ab_testing": "pipeline/core/abtest/*.py",
    "scripts/rollout_controller": "pipeline/core/rollout/*.py",
}
# Times and memory differ from run to run of one retrain; the report in artifacts/ keeps them.
_COSTS = (
    re.compile(r"^\*\*Cost:\*\*.*\n", re.MULTILINE),
    re.compile(
        r"^<details>\n<summary>Cost and time</summary>\n.*?^</details>\n\n?",
        re.MULTILINE | re.DOTALL,
    ),
)
# What a retrain itself writes is no change of the code that made it.
_OWN = (":!artifacts", ":!evidence", ":!params.yaml", ":!dvc.lock", ":!rollouts")


@dataclass(frozen=True)
class Collected:
    """Everything that `build_evidence` takes."""

    subject: Subject
    files: dict[str, bytes]
    absent: dict[str, str]


def collect(root: Path) -> Collected:
    """The evidence of the run in the checkout at `root`.

    Raises OutsideError naming every file that is missing, ConfigurationError where one would show
    a credential.
    """
    missing = [source for source in COPIES.values() if not (root / source).is_file()]
    missing += [] if (root / REPORT).is_file() else [REPORT]
    if missing:
        lines = "".join(f"\n  - {name}" for name in missing)
        raise OutsideError(
            f"the evidence lacks {counted(len(missing), 'file')}:{lines}\n"
            "Run python -m scripts.retrain, then python -m scripts.assess_gates, then this again."
        )
    model = load_usecase(root).model
    manifest = read_manifest(root / PACKAGE / "manifest.json")
    version = version_of(manifest.digest, manifest.as_of)
    files = {path: (root / source).read_bytes() for path, source in COPIES.items()}
    files |= {path: text.encode() for path, text in _made(root, model, version, manifest).items()}
    absent = {}
    for path, source in OPTIONAL.items():
        if (root / source).is_file():
            files[path] = (root / source).read_bytes()
        else:
            absent[path] = f"{source} is not in this repository"
    if (root / REHEARSAL).is_file():
        files["artifacts/rollback-rehearsal.json"] = _without_seconds(root / REHEARSAL)
    else:
        absent["artifacts/rollback-rehearsal.json"] = "not rehearsed: scripts/rehearse_rollback.py"
    for folder, pattern in FAMILIES.items():
        files |= {f"{folder}/{found.name}": found.read_bytes() for found in root.glob(pattern)}
    _refuse_credentials(files)
    return Collected(_subject(root, model, version, manifest), files, absent)


def checklist_of(root: Path) -> str:
    """deployment-checklist.md of the gates as they were worked out last."""
    path = root / QUALITY_GATES
    template = (TEMPLATES / "deployment_checklist.md.j2").read_text(encoding="utf-8")
    return render_checklist(parse_assessment(load_json(path), str(path)), template)


def _without_seconds(path: Path) -> bytes:
    record = load_json(path)
    record.pop("seconds", None)
    return render_json(record).encode()


def without_costs(report: str) -> str:
    """The report with its costs left out; its plots stand beside it, as they did."""
    for pattern in _COSTS:
        report = pattern.sub("", report)
    return report


# ---------------------------------------------------------------- the files that are made


def _made(root: Path, model: str, version: str, manifest: PackageManifest) -> Mapping[str, str]:
    plan = load_rollout_plan(root)
    template = (TEMPLATES / "rollout_plan.md.j2").read_text(encoding="utf-8")
    report = (root / REPORT).read_text(encoding="utf-8")
    return {
        "reports/model-comparison.md": without_costs(report),
        "reports/ab-test-results.json": render_json(no_results_yet(plan.ab_test)),
        "reports/rollout-plan.md": render_plan(
            plan, model=model, version=version, template=template
        ),
        "reports/rollout-summary.md": f"# Rollout of {model} {version}\n\nNot started.\n",
        "artifacts/deployment-checklist.md": checklist_of(root),
        "artifacts/model.json": render_json(_model(root, model, version, manifest)),
    }


def _model(root: Path, model: str, version: str, manifest: PackageManifest) -> dict[str, Any]:
    """Where the model is and what it must be: never its bytes."""
    return {
        "schema": 1,
        "model": model,
        "version": version,
        "digest": manifest.digest,
        "package_md5": tracked_md5(root, PACKAGE),
        "as_of": manifest.as_of,
        "format": manifest.format,
        "train_rows": manifest.train_rows,
        "fetch": f"dvc pull {PACKAGE}",
    }


def _subject(root: Path, model: str, version: str, manifest: PackageManifest) -> Subject:
    champion = load_champion(root, model)
    return Subject(
        model=model,
        version=version,
        digest=manifest.digest,
        champion=champion.digest if champion else None,
        commit=_git(root, "rev-parse", "--verify", "--quiet", "HEAD") or None,
        changed=tuple(_changed(root)),
        data_digest=manifest.data_digest,
        holdout_digest=load_json(root / "artifacts/split/summary.json")["holdout"]["digest"],
    )


def _changed(root: Path) -> list[str]:
    tracked = _git(root, "diff", "--name-only", "-z", "HEAD", "--", ".", *_OWN)
    others = _git(root, "ls-files", "-z", "--others", "--exclude-standard", "--", ".", *_OWN)
    return sorted({name for name in f"{tracked}\0{others}".split("\0") if name})


def _git(root: Path, *arguments: str) -> str:
    """What git says, or nothing outside a checkout."""
    done = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    return done.stdout.strip("\n") if done.returncode == 0 else ""


def _refuse_credentials(files: Mapping[str, bytes]) -> None:
    """Code may name passwords; what configuration and results say must hold none."""
    faults = []
    for path, raw in sorted(files.items()):
        text = raw.decode(errors="replace")
        if not path.endswith((".py", ".png")) and without_credentials(text) != text:
            faults.append(f"{path}: seems to hold a credential; take it out, and change it")
    if faults:
        raise ConfigurationError("the evidence package", faults)
