"""A checkout after a pipeline run that passed: a champion, a package, every artifact, a ledger.

The figures are made up, git is real, and so are the digests that hold it together.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.adapters.package_files import folder_md5
from pipeline.champion import Champion, champion_path, render_champion
from pipeline.core.quality.facts import COMPARISON, METRICS, REGISTRATION, REHEARSAL
from pipeline.core.triggers.ledger import Ledger
from pipeline.dvc_objects import file_md5
from pipeline.jsonio import save_json
from pipeline.ml.package import PARTS, About, build_package
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.paths import PACKAGE
from tests.core import quality_runs as runs
from tests.core import reports
from tests.folders import folder_of_this_process
from tests.repository import ROOT, commit, git

NEEDED = (  # of this checkout: what the scripts read beside the artifacts
    ".dvc/.gitignore",
    ".dvc/config",
    ".gitignore",
    "configs/*.yaml",
    "dvc.yaml",
    "params.yaml",
    "pipeline/core/abtest/*.py",
    "pipeline/core/rollout/*.py",
    "pipeline/paths.py",
    "scripts/retrain.py",
)
PNG = b"\x89PNG\r\n\x1a\n\x00made up\xff"
REPORT = """# ✅ PASS: the challenger is better

**Data:** 112,479 rows collected.<br>
**Cost:** 29.8 s on 2 cores, peak memory 341 MB.

<details>
<summary>Plots</summary>

<img src="plots/roc.png" alt="ROC curve" width="400">

</details>

<details>
<summary>Cost and time</summary>

| Stage | Seconds |
| --- | ---: |
| train | 148.6 |

</details>

<details>
<summary>How to reproduce</summary>

</details>
"""
LOCK = """schema: '2.0'
stages:
  train:
    cmd: python -m pipeline.stages train
    deps:
    - {{path: artifacts/split/train.parquet, md5: {some}}}
    - {{path: pipeline/ml/search.py, md5: {some}}}
    outs: []
  compare:
    cmd: python -m pipeline.stages compare
    outs:
    - {{path: artifacts/compare/comparison.json, md5: {comparison}}}
  package:
    cmd: python -m pipeline.stages package
    outs:
    - {{path: artifacts/package, md5: {package}}}
"""


def finished_run(target: Path) -> Path:
    """A copy of one that is made once a session."""
    shutil.copytree(_made(), target)
    return target


def challenger_of(root: Path) -> str:
    """The digest of the challenger's package."""
    raw = (root / PACKAGE / "manifest.json").read_bytes()
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def document(root: Path, path: str) -> Any:
    """A JSON file of the checkout."""
    return json.loads((root / path).read_text())


def change(root: Path, path: str, **values: Any) -> None:
    """Replace keys of a JSON file of the checkout."""
    save_json(root / path, {**document(root, path), **values})


def lock(root: Path) -> None:
    """Write dvc.lock as DVC would have after this run."""
    text = LOCK.format(
        some="ab" * 16,
        comparison=file_md5(root / COMPARISON),
        package=folder_md5(root / PACKAGE),
    )
    (root / "dvc.lock").write_text(text)


def store_package(root: Path, place: str, files: dict[str, bytes]) -> str:
    """Keep a folder of `files` as DVC would below .dvc/`place`, and give its name."""
    home = root / ".dvc" / place / "files" / "md5"

    def keep(raw: bytes, suffix: str = "") -> str:
        name = hashlib.md5(raw).hexdigest() + suffix  # noqa: S324 (DVC's name)
        path = home / name[:2] / name[2:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
        return name

    listed = [{"md5": keep(raw), "relpath": path} for path, raw in sorted(files.items())]
    return keep(json.dumps(listed, sort_keys=True).encode(), ".dir")


@cache
def _made() -> Path:
    root = folder_of_this_process("finished") / "flights"
    for name in sorted({path for pattern in NEEDED for path in ROOT.glob(pattern)}):
        target = root / name.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(name, target)
    policy = (root / "configs/gates.yaml").read_text().partition("quality_gates:")[2]
    (root / "configs/gates.yaml").write_text(f"{reports.GATES}\nquality_gates:{policy}")
    git(root, "init", "--quiet", "--initial-branch=main")
    champion = Champion(
        schema=1,
        model=runs.MODEL,
        digest=runs.CHAMPION,
        package_md5=store_package(root, "cache", {"manifest.json": b"{}", "model.skops": b"m"}),
        as_of=datetime(2013, 4, 2, tzinfo=UTC),
        approved_by="a person",
        reason="first model",
    )
    champion_path(root, runs.MODEL).parent.mkdir(parents=True)
    champion_path(root, runs.MODEL).write_text(render_champion(champion))
    commit(root, "Approve the champion")
    ledger = Ledger((runs.event(),), (runs.retrain(),))
    LedgerStore(root, is_local=True).update(lambda _: (ledger, None), "Plan a retrain")
    _write_artifacts(root)
    return root


def _write_artifacts(root: Path) -> None:
    documents = runs.documents()
    del documents[REHEARSAL]
    parts: dict[str, Path | str | bytes] = {
        **dict.fromkeys(PARTS, "{}\n"),
        "model.skops": b"\x80not text\xff",
        "metrics.json": json.dumps(documents[METRICS]),
    }
    about = About(
        model=runs.MODEL,
        format="skops",
        threshold=0.5,
        as_of=runs.AT,
        train_rows=100_139,
        data_digest="sha256:" + "c0de" * 16,
    )
    documents[REGISTRATION]["digest"] = build_package(root / PACKAGE, parts, about)
    for path, value in documents.items():
        save_json(root / path, value)
    (root / "artifacts/report/plots").mkdir(parents=True)
    (root / "artifacts/report/plots/roc.png").write_bytes(PNG)
    (root / "artifacts/report/report.md").write_text(REPORT)
    lock(root)
