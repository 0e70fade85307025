"""A rollout from its trigger to its promotion, in a real repository, as the scripts leave it.

Nothing is trained: the files of the retrain are small, and every digest in them is a real one.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from pipeline.champion import Champion, render_champion
from pipeline.core.evidence import MANIFEST, Subject, build_evidence, digest_of
from pipeline.core.proposal.evidence import evidence_digest
from pipeline.core.triggers.ledger import Event, Ledger, Retrain, RetrainState
from pipeline.manifest import EvidenceRef, ModelIdentity, RolloutSpec, render_rollout, version_of
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.rollout_status import Phase, Record, render_record
from tests.rollouts import DAY, HOUR, MODEL, START, champion_of, plan, run_until, world_of
from tests.scripts.finished_run import store_package

RETRAIN = f"{MODEL}-0004"
AS_OF = START - DAY
FOLDER = f"rollouts/{MODEL}"
COLLECT, SPLIT = "artifacts/collect/summary.json", "artifacts/split/summary.json"
DATA, HOLDOUT = f"sha256:{'d' * 64}", f"sha256:{'f' * 64}"
ROWS = b"every row that was collected\n"
MIRROR = {
    "mirror": {"duration": "1h", "success_criteria": {"error_rate_max": 0.02}},
    "traffic_provider": "envoy",
}
APPROVERS = "roles:\n  ml_lead: [ada]\n  product_owner: [linus]\n"


@dataclass(frozen=True)
class Traced:
    """The repository, and what was rolled out in it."""

    root: Path
    spec: RolloutSpec
    records: tuple[Record, ...]

    @property
    def evidence(self) -> str:
        """The folder of the evidence."""
        return self.spec.evidence.path

    def moment(self, stage: int) -> str:
        """A moment while the challenger was in `stage`."""
        record = next(r for r in self.records if r.stage == stage and r.weight_percent < 100)
        return (record.at + timedelta(minutes=1)).isoformat()


def traced(
    root: Path,
    merge: Callable[[Path, str], None] | None = None,
    *,
    mirror: bool = False,
    start: Mapping[str, str] | None = None,
    proposal: Mapping[str, str] | None = None,
) -> Traced:
    """Trigger, retrain, pull request, merge, three stages, promotion: each a commit.

    `merge` brings a branch to main; without one, git does, as GitHub would for pull request 7.
    With `mirror` the first of the stages sends copies alone. `start` and `proposal` are more files
    of main and of the proposal.
    """
    root.mkdir(parents=True)
    git(root, "init", "--quiet", "--initial-branch=main")
    write(
        root,
        {
            f"{FOLDER}/champion.yaml": render_champion(champion_of("a")),
            "configs/usecase.yaml": real("configs/usecase.yaml"),
            "configs/gates.yaml": real("configs/gates.yaml"),
            "configs/approvers.yaml": APPROVERS,
            ".gitignore": "/.dvc/cache/\n/blocked.py\n",
            "pipeline/stages/train.py": "fit()\n",
            "params.yaml": "collect: {}\n",
            **(start or {}),
        },
    )
    commit(root, "Start", START - 3 * DAY)
    spec = _propose(root, proposal or {}, **(MIRROR if mirror else {}))
    _remember(root)
    write(root, {"README.md": "main moves on\n"})
    commit(root, "Say more", START - 2 * HOUR)
    (merge or _merge)(root, f"perennial/retrain/{RETRAIN}")
    return Traced(root, spec, _roll(root, spec))


def _merge(root: Path, branch: str) -> None:
    subject = f"Merge pull request #7 from octo/{branch}"
    git(root, "merge", "--quiet", "--no-ff", f"--message={subject}", branch, at=START - HOUR)


def _propose(root: Path, more: Mapping[str, str], **changes: object) -> RolloutSpec:
    """The branch of a finished retrain, with its evidence, its lock and its manifest."""
    code = git(root, "rev-parse", "HEAD").strip()
    git(root, "switch", "--quiet", "--create", f"perennial/retrain/{RETRAIN}")
    files = {"model.skops": b"a model", "params.json": b"{}\n"}
    about = {
        "as_of": AS_OF.isoformat(),
        "data_digest": DATA,
        "files": {
            name: {"sha256": digest_of(raw), "size": len(raw)} for name, raw in files.items()
        },
    }
    manifest = json.dumps(about).encode()
    package_md5 = store_package(root, "cache", {**files, "manifest.json": manifest})
    keep(root, ROWS)
    digest = digest_of(manifest)
    version = version_of(digest, AS_OF)
    write(
        root,
        {
            COLLECT: json.dumps({"as_of": AS_OF.isoformat(), "data_digest": DATA}),
            SPLIT: json.dumps({"holdout": {"digest": HOLDOUT}}),
            "params.yaml": f"collect: {{as_of: '{AS_OF.isoformat()}'}}\ntrain: {{seed: 13}}\n",
            **more,
        },
    )
    write(root, {"dvc.lock": lock(root, package_md5)})
    folder = f"evidence/protocol-24-retraining/{MODEL}/{version}"
    champion = champion_of("a")
    package = build_evidence(
        Subject(
            model=MODEL,
            version=version,
            digest=digest,
            champion=champion.digest,
            commit=code,
            changed=(),
            data_digest=DATA,
            holdout_digest=HOLDOUT,
        ),
        {
            "artifacts/model-manifest.json": manifest,
            "reports/model-comparison.md": b"# It is better\n",
            "reports/rollout-summary.md": b"Not started.\n",
        },
        {},
    )
    for path, raw in package.items():
        (root / folder / path).parent.mkdir(parents=True, exist_ok=True)
        (root / folder / path).write_bytes(raw)
    spec = RolloutSpec(
        model=MODEL,
        version=version,
        retrain=RETRAIN,
        challenger=ModelIdentity(digest=digest, package_md5=package_md5, as_of=AS_OF),
        champion=champion,
        evidence=EvidenceRef(path=folder, digest=digest_of(package[MANIFEST])),
        plan=plan(**changes),
    )
    write(root, {f"{FOLDER}/rollout.yaml": render_rollout(spec)})
    found = {path: (root / path).read_bytes() for path in (COLLECT, SPLIT, "params.yaml")}
    commit(root, f"Propose\n\nPerennial-Evidence: {evidence_digest(found)}", START - 3 * HOUR)
    git(root, "switch", "--quiet", "main")
    return spec


def lock(root: Path, package_md5: str) -> str:
    """dvc.lock of a retrain: code and a summary in git, rows and the package in the store."""
    train = {
        "cmd": "python -m pipeline.stages train",
        "deps": [{"path": "pipeline/stages/train.py", "md5": md5(b"fit()\n")}],
        "params": {"params.yaml": {"collect": {"as_of": AS_OF.isoformat()}, "train": {"seed": 13}}},
        "outs": [
            {"path": "artifacts/collect/rows.parquet", "md5": md5(ROWS)},
            {"path": COLLECT, "md5": md5((root / COLLECT).read_bytes())},
            {"path": "artifacts/package", "md5": package_md5},
        ],
    }
    return yaml.safe_dump({"schema": "2.0", "stages": {"train": train}})


def _remember(root: Path) -> None:
    """The trigger ledger, where the retrain's cause is."""
    champion = champion_of("a").digest
    at = START - 5 * HOUR
    event = Event(
        MODEL, champion, "data_drift", "2013-06-25", "high", "PSI 0.31 of dep_hour", at, RETRAIN
    )
    retrain = Retrain(RETRAIN, MODEL, champion, RetrainState.WON, at, at)
    LedgerStore(root, is_local=True).update(
        lambda _: (Ledger((event,), (retrain,)), None), "A trigger fired"
    )


def _roll(root: Path, spec: RolloutSpec) -> tuple[Record, ...]:
    """The records of a rollout that went well, each in a commit of its own."""
    world = world_of(spec)
    run_until(world, Phase.PROMOTED, START)
    before = champion_of("a")
    for done in world.commits:
        record = done.record
        write(root, {f"{FOLDER}/status/{record.name}": render_record(record)})
        if done.champion_after != done.champion_before:
            model = spec.challenger
            champion = Champion(
                model=MODEL,
                digest=model.digest,
                package_md5=model.package_md5,
                as_of=model.as_of,
                approved_by="Linus",
                reason="a rollout",
                previous=before.digest,
            )
            write(root, {f"{FOLDER}/champion.yaml": render_champion(champion)})
        commit(root, done.message, record.at)
    return tuple(done.record for done in world.commits)


# ---------------------------------------------------------------- small things


def git(root: Path, *arguments: str, at: datetime | None = None) -> str:
    """Run git as Linus, at a time of ours."""
    when = (at or datetime(2013, 7, 10, tzinfo=UTC)).isoformat()
    who = {f"GIT_{role}_NAME": "Linus" for role in ("AUTHOR", "COMMITTER")}
    mail = {f"GIT_{role}_EMAIL": "linus@localhost" for role in ("AUTHOR", "COMMITTER")}
    dates = {f"GIT_{role}_DATE": when for role in ("AUTHOR", "COMMITTER")}
    done = subprocess.run(
        ["git", *arguments],
        cwd=root,
        env={**os.environ, **who, **mail, **dates},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def commit(root: Path, message: str, at: datetime | None = None) -> None:
    """Commit everything that is not ignored."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", f"--message={message}", at=at)


def write(root: Path, files: dict[str, str]) -> None:
    """Write texts by their paths."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def keep(root: Path, content: bytes) -> Path:
    """Put an object into the DVC cache."""
    name = md5(content)
    path = root / ".dvc/cache/files/md5" / name[:2] / name[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def md5(content: bytes) -> str:
    """DVC's name of a content."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def real(path: str) -> str:
    """A file of this repository."""
    return (Path(__file__).parents[2] / path).read_text()
