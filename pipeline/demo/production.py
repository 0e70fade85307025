"""Production on one machine: model servers, the Envoy before them, the registry, two watchers.

All of them are the real ones. Their addresses are in a folder of its own, which
configs/serving.yaml of the demo's repository names.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.adapters.traffic import Backend, Weights
from pipeline.adapters.traffic.envoy import Envoy
from pipeline.demo.labels import Labels
from pipeline.demo.processes import START_SECONDS, Server, free_port, running
from pipeline.errors import OutsideError
from pipeline.jsonio import save_text
from pipeline.paths import fetched_package

LOOK_SECONDS = 0.5
SERVING = """\
# Where the demo's servers are: on this machine, for as long as it runs.
serving:
  default:
    backends:
      file: {folder}/addresses.yaml
    traffic:
      folder: {folder}/traffic
      port: {port}
      metrics_port: {metrics_port}
    health:
      timeout: 10s  # training may be under way beside it
    metrics:
      file: {folder}/samples.jsonl
"""
_MLFLOW = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # no workers that nobody asked for
}


@dataclass
class Production:
    """What serves `model`. `logs` has one for each process; `stack` stops them, last one first.

    What runs goes on until the end: to start it for a second rollout does nothing.
    """

    repository: Path
    model: str
    folder: Path
    logs: Path
    stack: ExitStack
    envoy: Envoy
    labels: Labels = field(default_factory=Labels)
    registry_url: str = ""
    watchers: list[Server] = field(default_factory=list)
    _registry: Server | None = None
    _proxy: Server | None = None
    _servers: dict[str, Server] = field(default_factory=dict)

    def write_settings(self) -> None:
        """configs/serving.yaml of the demo's repository."""
        text = SERVING.format(
            folder=self.folder, port=self.envoy.port, metrics_port=self.envoy.metrics_port
        )
        save_text(self.repository / "configs/serving.yaml", text)

    def start_registry(self) -> None:
        """An MLflow server on the database that the retrains registered in."""
        if self._registry is not None:
            return
        port = free_port()
        self.registry_url = f"http://127.0.0.1:{port}"
        command = [
            *(sys.executable, "-m", "mlflow", "server"),
            *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{self.repository}/mlflow.db"),
        ]
        url = f"{self.registry_url}/health"
        self._registry = self._start("mlflow", command, url=url, **_MLFLOW)

    def start_model(self, version: str, digest: str, *, is_faulty: bool = False) -> None:
        """A model server of a package that was fetched by its digest; faults are simulated."""
        if version in self._servers:
            return
        port = free_port()
        module = "pipeline.demo.faults" if is_faulty else "scripts.serve_model"
        package = fetched_package(self.repository, digest)
        command = [
            *(sys.executable, "-m", module),
            *("--package", str(package), "--digest", digest, "--port", str(port)),
        ]
        url = f"http://127.0.0.1:{port}/healthz"
        self._servers[version] = self._start(version, command, url=url)
        self.labels.know(version, f"127.0.0.1:{port}")

    def name_servers(self) -> None:
        """Wait for all that was started, and write the addresses: only what answers is named."""
        if self._registry is not None:
            self._registry.wait_until_ready()
        lines = []
        for version, server in self._servers.items():
            server.wait_until_ready()
            lines.append(f"{version}: {self.labels.address_of(version)}\n")
        save_text(self.folder / "addresses.yaml", "".join(lines))

    def open(self, version: str) -> None:
        """Envoy, with everybody sent to `version`: where it runs, a rollout has left it so."""
        if self._proxy is not None:
            return
        host, port = self.labels.address_of(version).split(":")
        self.envoy.folder.mkdir(parents=True, exist_ok=True)
        self.envoy.prepare(Weights(Backend(version, host, int(port))))
        url = f"http://127.0.0.1:{self.envoy.metrics_port}/metrics"
        self._proxy = self._start("envoy", self.envoy.command(), url=url)
        self._proxy.wait_until_ready()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """The recorder and the watchdog run, and labels come in, for as long as the block lasts."""
        every = ("--every", str(LOOK_SECONDS), "--apply")
        watch = ("--local", "--pull-every", str(LOOK_SECONDS))
        with ExitStack() as stack:
            for name, options in (("record_metrics", ()), ("watch_rollout", watch)):
                command = [sys.executable, "-m", f"scripts.{name}", *every, *options]
                log = self.logs / f"{name}.log"
                watcher = stack.enter_context(running(command, log, cwd=self.repository))
                self.watchers.append(watcher)
            stack.callback(self.watchers.clear)
            self._wait_for_samples()
            stack.enter_context(self.labels.posting())
            yield

    def _wait_for_samples(self) -> None:
        """Until the recorder has read every server once."""
        path = self.folder / "samples.jsonl"
        deadline = time.monotonic() + START_SECONDS
        while not path.is_file() or not all(v in path.read_text() for v in self._servers):
            for watcher in self.watchers:
                watcher.check_alive()
            if time.monotonic() > deadline:
                raise OutsideError(f"{path}: not all servers are in it. See {self.logs}")
            time.sleep(0.1)

    def _start(self, name: str, command: list[str], *, url: str, **environment: str) -> Server:
        server = running(
            command,
            self.logs / f"{name}.log",
            cwd=self.repository,
            environment=environment,
            url=url,
        )
        return self.stack.enter_context(server)


@contextmanager
def production(repository: Path, model: str, logs: Path) -> Iterator[Production]:
    """Nothing runs yet; all that is started is stopped at the end of the block, come what may.

    Its folder is a short one of the system's: a socket of Envoy's is in it.
    """
    with TemporaryDirectory(prefix="perennial-") as name, ExitStack() as stack:
        folder = Path(name)
        envoy = Envoy(folder / "traffic", free_port(), free_port())
        yield Production(repository, model, folder, logs, stack, envoy)
