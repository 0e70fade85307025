"""Work the figures of a retrain out again: main's code and policy, the retrain's rows and model.

A copy of main in a folder of its own gets what the retrain committed (never code) and the outputs
that its dvc.lock names, each checked against its digest. Then the stages around the training run
again, and what they write is compared with what was claimed; the package too, since it is what a
merge rolls out. The training itself is not repeated: it costs the most, and its result is judged
on rows that it never saw.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.adapters.git.trees import Tree
from pipeline.adapters.store import fetch_files, fetch_package
from pipeline.config import load_params, load_usecase, parse_utc
from pipeline.core.review.recomputed import Recomputed, differences_of
from pipeline.dvc_objects import file_md5
from pipeline.dvclock import Lock, parse_lock
from pipeline.errors import DataIncident, GateRefused, OutsideError
from pipeline.jsonio import load_json, render_json
from pipeline.manifest import RolloutSpec, parse_rollout
from pipeline.ml.digest import row_hashes
from pipeline.ml.model_io import SKOPS_START
from pipeline.ml.tables import load_table
from pipeline.params_file import set_as_of
from pipeline.paths import PACKAGE
from pipeline.reviewing.package import (
    as_of_faults,
    evidence_faults,
    package_faults,
    parameter_faults,
)
from pipeline.stages.champion import champion_package, seen_by
from pipeline.stages.collect import windows
from pipeline.stages.outputs import TIMINGS

# Stage, and the outputs whose bytes must come out the same; figures are compared as numbers.
STAGES: dict[str, tuple[str, ...]] = {
    "validate": (),
    "featurize": ("artifacts/featurize/features.parquet",),
    "split": (
        "artifacts/split/holdout.parquet",
        "artifacts/split/seen_ids.parquet",
        "artifacts/split/train.parquet",
    ),
    "evaluate": (),
    "compare": (),
    "package": (),
}
FIGURES = (
    "artifacts/validate/report.json",
    "artifacts/split/summary.json",
    "artifacts/evaluate/metrics.json",
    "artifacts/evaluate/details.json",
    "artifacts/compare/comparison.json",
)
MODEL = "artifacts/train/model"
FETCHED = ("artifacts/collect/rows.parquet", MODEL)
CLAIMED = ("artifacts/split/holdout.parquet", "artifacts/split/train.parquet")
COLLECTED = "artifacts/collect/summary.json"


def recompute(root: Path, head: str, into: Path, *, reads_warehouse: bool) -> Recomputed:
    """What comes out for the commit `head`, worked out in the new folder `into`.

    With `reads_warehouse` the rows are also read again, as of then, and must be the same. Raises
    OutsideError where the data cannot be fetched, or where an outside system fails a stage.
    """
    tree = Tree(root, head)
    lock = parse_lock(_required(tree, "dvc.lock"), "dvc.lock")
    manifest = f"rollouts/{load_usecase(root).model}/rollout.yaml"
    spec = parse_rollout(_required(tree, manifest), manifest)
    lay_out(root, tree, into)
    fetch_files(root, {path: _digest(lock, path) for path in FETCHED}, into)
    refuse_pickles(into)
    fetch_files(root, {path: _digest(lock, path) for path in CLAIMED}, into / "claimed")
    fetch_package(root, spec.challenger.package_md5, into / "claimed" / PACKAGE)
    champion = champion_package(root)
    if champion is not None:  # at hand for the stages, so that none of them asks the remote
        shutil.copytree(champion, into / champion.relative_to(root))
    rows, seen = seen_in_training(into / "claimed", champion)
    claimed = {path: load_json(into / path) for path in (*FIGURES, COLLECTED)}
    faults = list(_run_again(into, lock, claimed[COLLECTED], reads_warehouse=reads_warehouse))
    faults += _package_faults(into, tree, spec) if not faults else ()
    differences = [
        f"{Path(path).stem} {line}"
        for path in FIGURES
        for line in differences_of(claimed[path], load_json(into / path))
    ]
    main = Tree(root, "HEAD").commit
    return Recomputed(tree.commit, main, rows, seen, tuple(differences), tuple(faults))


def lay_out(root: Path, tree: Tree, into: Path) -> None:
    """Make `into` a copy of main with the retrain's figures over it, as of the retrain's time."""
    command = ["git", "clone", "--quiet", "--shared", str(root), str(into)]
    subprocess.run(command, check=True)
    shutil.rmtree(into / "artifacts", ignore_errors=True)
    for path, content in tree.files_below("artifacts/").items():
        target = into / "artifacts" / path
        if ".." in target.parts:  # git itself makes no such tree, and takes one that somebody made
            raise OutsideError(f"artifacts/{path}: leads out of the repository. Nothing was read.")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    collected = load_json(into / COLLECTED)
    as_of = collected.get("as_of") if isinstance(collected, dict) else None
    set_as_of(into / "params.yaml", parse_utc(str(as_of), COLLECTED))


def refuse_pickles(into: Path) -> None:
    """Raise OutsideError for a model that is not of main's format.

    A digest of the pull request's own choice makes a pickle no safer, and loading one runs it.
    """
    wanted = load_params(into).package.format
    with (into / MODEL).open("rb") as file:
        is_archive = file.read(len(SKOPS_START)) == SKOPS_START  # what load_model goes by
    if wanted == "skops" and not is_archive:
        raise OutsideError(f"{MODEL}: no skops file, which params.yaml on main asks for.")


def seen_in_training(folder: Path, champion: Path | None) -> tuple[int, int]:
    """How many rows the claimed holdout has, and how many of them a model has trained on."""
    holdout, train = (load_table(folder / path)["id"] for path in CLAIMED)
    seen = np.union1d(row_hashes(train), seen_by(champion))
    return len(holdout), int(np.isin(row_hashes(holdout), seen).sum())


def window_faults(into: Path, collected: dict[str, Any]) -> Iterator[str]:
    """Each window that the run says it read and that is not the one of the parameters in `into`.

    `collected` is the summary of the stage collect. The reference takes its end from there.
    """
    for name, window in json.loads(render_json(windows(load_params(into).collect))).items():
        claimed = collected["windows"][name]
        if any(claimed[edge] != window[edge] for edge in window):
            yield f"{COLLECTED} has another {name} window than its as_of gives"


def _run_again(
    into: Path, lock: Lock, collected: dict[str, Any], *, reads_warehouse: bool
) -> Iterator[str]:
    """Run the stages, up to the first that stops, and yield what came out otherwise."""
    if reads_warehouse:
        _run_stages(into, ["collect"])
        found = load_json(into / COLLECTED)
        if found["data_digest"] != collected["data_digest"]:
            yield (
                f"the warehouse gives {found['rows']:,} rows as of then that are not the "
                f"{collected['rows']:,} of the run"
            )
    yield from window_faults(into, collected)
    ended = _run_stages(into, list(STAGES))
    for stage, outputs in STAGES.items():
        if stage not in ended:
            yield f"{stage} stopped, which it did not in the run"
            return
        for path in outputs:
            if file_md5(into / path) != lock.outs.get(path):
                yield f"{path} came out otherwise"


def _package_faults(into: Path, tree: Tree, spec: RolloutSpec) -> Iterator[str]:
    """What of the package, and of what a promotion takes from it, is not what was judged."""
    package = into / "claimed" / PACKAGE
    yield from package_faults(package, into / PACKAGE, spec.challenger.digest)
    yield from as_of_faults(spec, package)
    yield from evidence_faults(tree, spec, package)
    yield from parameter_faults(into)


def _run_stages(into: Path, stages: list[str]) -> dict[str, Any]:
    """Run `stages` up to the first that stops; those that ended well, each with what it cost.

    In one process: their libraries take longer to import than most of them to run.
    """
    costs = into / TIMINGS
    costs.unlink(missing_ok=True)  # what the pull request says of it
    environment = {**os.environ, "PYTHONPATH": str(into)}
    command = [sys.executable, "-m", "pipeline.stages", *stages]
    code = subprocess.run(command, cwd=into, env=environment, check=False).returncode
    ended = load_json(costs) if costs.exists() else {}
    if code not in (0, GateRefused.exit_code, DataIncident.exit_code):
        stage = next((stage for stage in stages if stage not in ended), "a stage")
        raise OutsideError(f"{stage} ended with exit code {code}; its words are above. Run again.")
    return ended


def _digest(lock: Lock, path: str) -> str:
    if path not in lock.outs:
        raise OutsideError(
            f"dvc.lock of the pull request: no output {path}. Run the retrain again."
        )
    return lock.outs[path]


def _required(tree: Tree, path: str) -> str:
    text = tree.text(path)
    if text is None:
        raise OutsideError(f"{path}: the pull request has none. Run the retrain again.")
    return text
