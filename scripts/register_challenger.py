"""Register the packaged challenger in the MLflow registry, under the alias `challenger`.

One that lost (verdict FAIL or ERROR) is logged as a run, with no version and no alias. Prints its
plan; --apply does it, and writes artifacts/register/registration.json: what was registered where.
MLFLOW_TRACKING_URI says where; without it, mlflow.db in this folder. Safe to repeat and to be
killed: one package becomes one run and at most one version.

Exit codes: 0 done, 2 bad configuration, 3 the registry failed or the package is damaged.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.adapters.store import tracked_md5
from pipeline.adapters.tracking import (
    LOST,
    Challenger,
    Dataset,
    Evidence,
    Trigger,
    log_lost,
    register,
    shown_uri,
)
from pipeline.domain import Verdict
from pipeline.errors import OutsideError, exit_code_of
from pipeline.jsonio import load_json, save_json
from pipeline.ml.model_io import TRUSTED_TYPES
from pipeline.ml.package import Manifest, load_packaged_model, model_digest, verify_package
from pipeline.options import new_parser
from pipeline.paths import PACKAGE
from pipeline.trigger_config import PRIORITIES, TRIGGER_NAMES

EVALUATION = Path("artifacts/evaluate")
COMPARISON = Path("artifacts/compare/comparison.json")
REPORT_PLOTS = Path("artifacts/report/plots")
REGISTRATION = Path("artifacts/register/registration.json")
TRAINING_ROWS = "artifacts/split/train.parquet"


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and register."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--package", default=PACKAGE, help=f"the package folder ({PACKAGE})")
    parser.add_argument(
        "--trigger-type",
        default="manual_retrain",
        choices=TRIGGER_NAMES,
        help="why this retrain ran",
    )
    parser.add_argument(
        "--trigger-priority", default="medium", choices=PRIORITIES, help="how urgent that was"
    )
    parser.add_argument("--apply", action="store_true", help="register it")
    arguments = parser.parse_args(argv)
    trigger = Trigger(arguments.trigger_type, arguments.trigger_priority)
    return exit_code_of(
        lambda: register_challenger(
            Path.cwd(), arguments.package, trigger, is_applied=arguments.apply
        )
    )


def register_challenger(root: Path, package: str, trigger: Trigger, *, is_applied: bool) -> int:
    """Print what would be registered or logged and, if `is_applied`, do it. Returns 0."""
    folder = root / package
    manifest = verify_package(folder)
    digest = model_digest(folder)
    evidence = Evidence(
        params=params_of(folder, manifest),
        metrics=load_json(folder / "metrics.json"),
        tags=tags_of(root, package, manifest),
        plots=plots_of(root, folder),
        dataset=dataset_of(manifest),
        trigger=trigger,
        verdict=verdict_of(root, folder),
    )
    print(plan(digest, manifest, evidence), flush=True)
    if not is_applied:
        print("Nothing was registered. --apply does it.")
    elif evidence.verdict in LOST:
        lost = log_lost(digest, model_name=manifest.model, evidence=evidence)
        print(f"{'Logged' if lost.is_new else 'Found logged already'}: run {lost.run_id}")
        save_registration(root, manifest.model, digest, lost.run_id, None)
    else:
        made = register(
            challenger_of(folder, manifest, digest), model_name=manifest.model, evidence=evidence
        )
        print(
            f"{'Registered' if made.is_new else 'Found registered already'}: {made.model_name} "
            f"version {made.version}, run {made.run_id}"
        )
        save_registration(root, manifest.model, digest, made.run_id, made.version)
    return 0


def save_registration(
    root: Path, model: str, digest: str, run_id: str, version: int | None
) -> None:
    """Write what the quality gates look at; `version` is None for a challenger that lost."""
    record = {
        "schema": 1,
        "model": model,
        "version": version,
        "run_id": run_id,
        "uri": shown_uri(),
        "digest": digest,
    }
    save_json(root / REGISTRATION, record)


def plan(digest: str, manifest: Manifest, evidence: Evidence) -> str:
    """What would happen, for people to read."""
    entry = manifest.files[manifest.model_file]
    counts = ", ".join(
        f"{name} {len(found)}"
        for name, found in (
            ("params", evidence.params),
            ("metrics", evidence.metrics),
            ("plots", evidence.plots),
        )
    )
    is_lost = evidence.verdict in LOST
    return (
        f"MLflow registry {shown_uri()}:\n"
        f"  {'run' if is_lost else 'version'} of {manifest.model}, {digest}\n"
        f"  {manifest.model_file}, {entry.size:,} bytes, trained on {manifest.train_rows:,} rows "
        f"as of {manifest.as_of:%Y-%m-%d %H:%M} UTC\n"
        f"  {counts}; trigger {evidence.trigger.type} ({evidence.trigger.priority})\n"
        f"  verdict {evidence.verdict or 'unknown'}\n"
        f"  {'no version and no alias' if is_lost else 'alias challenger'}"
    )


def challenger_of(folder: Path, manifest: Manifest, digest: str) -> Challenger:
    """The package with its model loaded, after every digest matched."""
    pins = (folder / "environment.txt").read_text(encoding="utf-8").splitlines()
    return Challenger(
        package=folder,
        digest=digest,
        model_file=manifest.model_file,
        model_format=manifest.format,
        estimator=load_packaged_model(folder, digest),
        trusted_types=TRUSTED_TYPES,
        requirements=[pin for pin in pins if not pin.startswith("#")],
    )


def params_of(folder: Path, manifest: Manifest) -> dict[str, Any]:
    """The hyperparameters, and what else a reader of the registry compares runs by."""
    return {
        **load_json(folder / "params.json"),
        "as_of": f"{manifest.as_of:%Y-%m-%dT%H:%M:%SZ}",
        "decision_threshold": manifest.threshold,
        "train_rows": manifest.train_rows,
    }


def dataset_of(manifest: Manifest) -> Dataset:
    """The rows that the model was trained on."""
    return Dataset(
        name=f"{manifest.model}-training",
        digest=manifest.data_digest,
        source=TRAINING_ROWS,
        rows=manifest.train_rows,
    )


def tags_of(root: Path, package: str, manifest: Manifest) -> dict[str, str]:
    """The commit and DVC's name of the package, where they are known."""
    tags = {"as_of": f"{manifest.as_of:%Y-%m-%dT%H:%M:%SZ}"}
    commit = _git_commit(root)
    if commit:
        tags["mlflow.source.git.commit"] = commit  # the name that MLflow's pages show
    with suppress(OutsideError):  # a package from elsewhere is no output of this repository
        tags["package_md5"] = tracked_md5(root, package)
    return tags


def verdict_of(root: Path, folder: Path) -> Verdict | None:
    """What the comparison said of this package; None where it was about another, or never ran."""
    comparison = root / COMPARISON
    if not comparison.is_file() or not is_evaluated(root, folder):
        return None
    return Verdict(load_json(comparison)["verdict"])


def plots_of(root: Path, folder: Path) -> list[Path]:
    """The curves and pictures of this package's evaluation; none where it is another model's."""
    if not is_evaluated(root, folder):
        return []
    pictures = (root / REPORT_PLOTS).glob("*.png")
    return [*sorted((root / EVALUATION).glob("*.csv")), *sorted(pictures)]


def is_evaluated(root: Path, folder: Path) -> bool:
    """Whether artifacts/ holds the evaluation of this package, and not of another model."""
    metrics = root / EVALUATION / "metrics.json"
    return metrics.is_file() and metrics.read_bytes() == (folder / "metrics.json").read_bytes()


def _git_commit(root: Path) -> str | None:
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() if found.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
