"""Rollouts with real parts alone: git, model servers, an Envoy before them, Prometheus, processes.

What runs is what a machine would run: scripts/reconcile_rollouts.py again and again on the
repository itself, and scripts/watch_rollout.py beside Envoy, which pulls from it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.adapters.package_files import read_manifest
from pipeline.adapters.traffic import Backend, Weights
from pipeline.adapters.traffic.envoy import Envoy
from pipeline.champion import Champion, champion_path, load_champion, render_champion
from pipeline.manifest import EvidenceRef, ModelIdentity, RolloutSpec, render_rollout, rollout_path
from pipeline.rolling.latch import Latch
from pipeline.rolling.model_state import load_model
from pipeline.rolling.repository import RolloutRepository
from pipeline.rollout_config import RolloutPlan
from pipeline.rollout_status import Record
from tests.repository import ROOT, commit, git
from tests.rollouts import MODEL
from tests.servers import envoy, model_server, prometheus
from tests.servers.binaries import wait_for
from tests.servers.model_server import ModelServer


def outside() -> dict[str, str]:
    """This environment without what a job of GitHub's would find in it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "MLFLOW_"))}
    return {**kept, "PYTHONPATH": str(ROOT)}


def run_script(where: Path, script: str, *arguments: str, **environment: str):
    """A script of ours in the repository at `where`, to its end."""
    return subprocess.run(
        [sys.executable, "-m", f"scripts.{script}", *arguments],
        cwd=where,
        env={**outside(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@dataclass
class Watching:
    """A running scripts/watch_rollout.py and what it has printed."""

    process: subprocess.Popen[bytes]
    log: Path

    def told(self) -> str:
        return self.log.read_text()

    def terminate(self) -> int:
        """SIGTERM; returns the exit code once it has ended."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def watching(where: Path, *arguments: str, **environment: str) -> Iterator[Watching]:
    """The watchdog in the repository at `where`, for as long as the block lasts."""
    log = where.with_name(f"{where.name}-watchdog.log")
    command = [sys.executable, "-m", "scripts.watch_rollout", "--every=0.3", "--pull-every=0.5"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=where,
            env={**outside(), **environment},
            stdout=output,
            stderr=output,
        )
    found = Watching(process, log)
    try:
        wait_for(lambda: "watching" in found.told() or process.poll() is not None, 60, found.told)
        yield found
    finally:
        if process.poll() is None:
            found.terminate()


@dataclass
class Live:
    """One model with its servers; `home` is the repository, and `watcher` the watchdog's clone."""

    folder: Path
    servers: list[ModelServer]
    packages: list[Path]
    traffic: Envoy
    prometheus: str

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def watcher(self) -> Path:
        return self.folder / "watcher"

    def identity(self, number: int) -> ModelIdentity:
        as_of = read_manifest(self.packages[number] / "manifest.json").as_of
        digest = self.servers[number].digest
        return ModelIdentity(digest=digest, package_md5=f"{number:032x}.dir", as_of=as_of)

    def begin(self) -> None:
        """A repository whose champion is the first server's, and a clone of it."""
        git(self.folder, "init", "--quiet", "--initial-branch=main", "home")
        first = self.identity(0).model_dump()
        champion = Champion(model=MODEL, approved_by="Ada", reason="the first", **first)
        path = champion_path(self.home, MODEL)
        path.parent.mkdir(parents=True)
        path.write_text(render_champion(champion))
        (self.home / "configs").mkdir()
        (self.home / "configs/serving.yaml").write_text(json.dumps(self._serving()))
        addresses = (f"{s.version}: 127.0.0.1:{s.port}\n" for s in self.servers)
        (self.folder / "addresses.yaml").write_text("".join(addresses))
        commit(self.home, "The first champion")
        git(self.folder, "clone", "--quiet", "home", "watcher")

    def _serving(self) -> dict[str, object]:
        traffic = {
            "folder": str(self.traffic.folder),
            "port": self.traffic.port,
            "metrics_port": self.traffic.metrics_port,
        }
        backends = {"file": str(self.folder / "addresses.yaml")}
        health = {"timeout": "30s"}  # a busy machine is slow, and not dead
        default = {"backends": backends, "traffic": traffic, "health": health}
        return {"serving": {"default": default}}

    def merge(self, number: int, plan: RolloutPlan) -> RolloutSpec:
        """A pull request for the model of server `number` is merged."""
        challenger, champion = self.identity(number), load_champion(self.home, MODEL)
        assert champion is not None
        spec = RolloutSpec(
            model=MODEL,
            version=challenger.version,
            retrain=f"{MODEL}-{number:04}",
            challenger=challenger,
            champion=champion,
            evidence=EvidenceRef(path=f"evidence/{number}/manifest.json", digest=champion.digest),
            plan=plan,
        )
        git(self.home, "checkout", "--quiet", "-b", "proposal")
        rollout_path(self.home, MODEL).write_text(render_rollout(spec))
        commit(self.home, f"Propose {spec.version}")
        git(self.home, "checkout", "--quiet", "main")
        git(self.home, "merge", "--quiet", "--no-ff", f"--message=Merge {spec.version}", "proposal")
        git(self.home, "branch", "--quiet", "-D", "proposal")
        return spec

    def reconcile(self) -> None:
        """One run of the script, which must succeed."""
        script = ("reconcile_rollouts", "--local", "--apply")
        done = run_script(self.home, *script, PROMETHEUS_URL=self.prometheus)
        assert done.returncode == 0, done.stdout + done.stderr

    def reconcile_until(self, kind: str) -> Record:
        """Run after run, until the newest record is of that kind."""

        def is_so() -> bool:
            self.reconcile()
            return self.newest is not None and self.newest.name[5:-5] == kind

        wait_for(is_so, 120, lambda: [self.newest, self.traffic.observe()])
        assert self.newest is not None
        return self.newest

    @property
    def newest(self) -> Record | None:
        snapshot = RolloutRepository(self.home, None).snapshot()
        records = load_model(snapshot, snapshot.models[MODEL]).status.records
        return records[-1] if records else None

    def is_pulled(self) -> bool:
        """Whether the watchdog knows the newest commit."""
        seen = git(self.watcher, "for-each-ref", "--format=%(objectname)", "refs/perennial/seen")
        return seen.strip() == git(self.home, "rev-parse", "main").strip()

    @contextmanager
    def without_git(self) -> Iterator[None]:
        """Nobody can pull, push or commit for as long as the block lasts."""
        away = self.folder / "git-is-away"
        (self.home / ".git").rename(away)
        try:
            yield
        finally:
            away.rename(self.home / ".git")

    def latch(self):
        return Latch(self.traffic.folder).load().stop


@contextmanager
def live(folder: Path, servers: int) -> Iterator[Live]:
    """So many model servers; the first is the champion, and each can be told to misbehave."""
    packages = [folder / f"package-{number}" for number in range(servers)]
    digests = [model_server.build_tiny_package(p, seed=n) for n, p in enumerate(packages)]
    with ExitStack() as stack:
        starting = [
            model_server.running(folder, package, digest, faulty=True)
            for package, digest in zip(packages, digests, strict=True)
        ]
        with ThreadPoolExecutor() as pool:  # each takes seconds to import what it serves with
            running = list(pool.map(stack.enter_context, starting))
        first = Weights(Backend(running[0].version, "127.0.0.1", running[0].port))
        proxy = stack.enter_context(envoy.running(folder / "traffic", first)).provider
        targets = [f"127.0.0.1:{port}" for port in (*(s.port for s in running), proxy.metrics_port)]
        url = stack.enter_context(prometheus.running(folder / "prometheus", targets=targets))
        found = Live(folder, running, packages, proxy, url)
        found.begin()
        yield found
