"""Rollouts on real git: a bare remote, a clone of the people, one of each reconciler, and a clock.

The traffic layer is a JSON file where no test looks at requests, and a real Envoy elsewhere; the
model servers' health is asked over HTTP; metrics are recorded samples.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from pipeline.adapters.traffic import Backend, Weights
from pipeline.champion import Champion, champion_path, render_champion
from pipeline.config import parse_section
from pipeline.errors import OutsideError
from pipeline.manifest import RolloutSpec, render_rollout, rollout_path, version_of
from pipeline.rolling.effects import Hands
from pipeline.rolling.latch import Latch
from pipeline.rolling.model_state import ModelState, load_model
from pipeline.rolling.observe import Eyes
from pipeline.rolling.reconciler import Reconciler
from pipeline.rolling.repository import RolloutRepository
from pipeline.rolling.settings import Equipment
from pipeline.rollout_commands import Command, render_command
from pipeline.rollout_status import RolloutStatus
from pipeline.serving_config import ServingConfig
from tests.proposals import write
from tests.repository import commit, git
from tests.rollouts import GOOD, MINUTE, MODEL, START, champion_of, commands_path, spec_of

FILE_METRICS = {"provider": "file"}
ZERO = {"error_rate": 0.0, "latency_p95": 0.0, "accuracy": 0.0}


@dataclass(frozen=True)
class FileTraffic:
    """A traffic layer that is one file: who gets what, and nothing else."""

    path: Path

    def apply(self, wanted: Weights) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".tmp")
        beside.write_text(json.dumps(asdict(wanted)))
        beside.replace(self.path)
        with self.path.with_suffix(".log").open("a") as log:
            log.write(f"{wanted.challenger_basis_points}\n")

    def observe(self) -> Weights:
        try:
            found = json.loads(self.path.read_text())
        except FileNotFoundError as error:
            raise OutsideError(f"{self.path}: nothing serves") from error
        challenger = Backend(**found.pop("challenger")) if found["challenger"] else None
        found.pop("challenger", None)
        return Weights(Backend(**found.pop("champion")), challenger, **found)


class Health:
    """Model servers that say which digest they serve, each at a port of its own.

    To users they answer it as x-model-version.
    """

    def __init__(self) -> None:
        self.servers: dict[str, ThreadingHTTPServer] = {}

    def start(self, digest: str, port: int = 0) -> int:
        body = json.dumps({"digest": digest}).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("x-model-version", digest)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.servers[digest] = server
        return int(server.server_address[1])

    def stop(self, digest: str) -> None:
        server = self.servers.pop(digest)
        server.shutdown()
        server.server_close()


class Registry:
    """The alias of MLflow's REST API, as far as it is asked: one model, a version a digest."""

    def __init__(self, *digests: str) -> None:
        self.digests = list(digests)
        self.alias = 1
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = parse_qs(urlsplit(self.path).query)
                if "filter" in asked:
                    digest = asked["filter"][0].rpartition(" = ")[2].strip("'")
                    found = [
                        registry.version(n + 1)
                        for n, d in enumerate(registry.digests)
                        if d == digest
                    ]
                    return self.answer({"model_versions": found})
                return self.answer({"model_version": registry.version(registry.alias)})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                registry.alias = int(body["version"])
                return self.answer({})

            def answer(self, value: object) -> None:
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def version(self, number: int) -> dict[str, object]:
        tags = [{"key": "model_digest", "value": self.digests[number - 1]}]
        return {"version": str(number), "tags": tags}

    @property
    def champion(self) -> str:
        return self.digests[self.alias - 1]


@dataclass
class Rolled:
    """The world of one test; `now` is moved by the test."""

    folder: Path
    health: Health
    now: datetime = START
    said: list[str] = field(default_factory=list)
    model: str = MODEL
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def people(self) -> Path:
        return self.folder / "people"

    @property
    def serving(self) -> Path:
        return self.folder / "serving"

    @property
    def traffic(self) -> FileTraffic:
        return FileTraffic(self.serving / "weights.json")

    # ------------------------------------------------------------ what people do

    def push(self, subject: str) -> str:
        commit(self.people, subject)
        git(self.people, "pull", "--quiet", "--rebase", "origin", "main")
        git(self.people, "push", "--quiet", "origin", "HEAD:main")
        return self.tip()

    def merge(
        self, spec: RolloutSpec, *, is_served: bool = True, beside: Mapping[str, str] | None = None
    ) -> str:
        """A pull request with `spec`, and files `beside` it, is merged; its server is started."""
        self.pull()
        git(self.people, "checkout", "--quiet", "-b", f"proposal-{spec.version}")
        path = rollout_path(self.people, self.model)
        path.write_text(render_rollout(spec))
        reference = self.people / spec.evidence.path / "artifacts/reference.json"
        reference.parent.mkdir(parents=True, exist_ok=True)
        reference.write_text('{"until": "2013-07-01T00:00:00Z", "metrics": {}, "columns": {}}\n')
        write(self.people, dict(beside or {}))
        commit(self.people, f"Propose {spec.version}")
        git(self.people, "checkout", "--quiet", "main")
        merge = ("merge", "--quiet", "--no-ff", f"--message=Merge {spec.version}")
        git(self.people, *merge, f"proposal-{spec.version}")
        git(self.people, "branch", "--quiet", "-D", f"proposal-{spec.version}")
        git(self.people, "push", "--quiet", "origin", "main")
        if is_served:
            self.serve(spec.challenger.digest, spec.version)
        return self.tip()

    def pull(self) -> None:
        git(self.people, "pull", "--quiet", "--ff-only", "origin", "main")

    def revert(self, sha: str) -> str:
        """`git revert`, which must not be a conflict, pushed."""
        self.pull()
        parents = git(self.people, "rev-list", "--parents", "-n", "1", sha).split()
        mainline = ["--mainline=1"] if len(parents) > 2 else []
        git(self.people, "revert", "--no-edit", *mainline, sha)
        git(self.people, "push", "--quiet", "origin", "main")
        return self.tip()

    def tell(self, command: Command) -> str:
        self.pull()
        folder = commands_path(self.people, self.model)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / command.name).write_text(render_command(command))
        return self.push(f"Say {command.verb}")

    # ------------------------------------------------------------ what is outside

    def serve(self, digest: str, version: str) -> None:
        """Start a server of `digest`, and write its address down."""
        port = self.health.start(digest)
        path = self.serving / "addresses.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as addresses:
            addresses.write(f"{version}: 127.0.0.1:{port}\n")

    def record(self, spec: RolloutSpec, challenger=GOOD, champion=GOOD, n=2_000, **changes) -> None:
        """Metrics as of now: nothing before them is there any more."""
        lines = [
            {
                "name": name,
                "version": version,
                "sampled_at": self.now.isoformat(),
                "value": value,
                "n": n,
                **changes,
            }
            for version, values in (
                (spec.version, challenger),
                (spec.champion_version, champion),
            )
            for name, value in values.items()
        ]
        path = self.serving / "samples.jsonl"
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    def fork(self, name: str) -> Rolled:
        """The same world in a folder of its own: what happens there stays there."""
        folder = self.folder.with_name(f"{self.folder.name}-{name}")
        folder.mkdir()
        shutil.copytree(self.folder / "remote.git", folder / "remote.git")
        shutil.copytree(self.serving, folder / "serving")
        git(folder, "clone", "--quiet", "remote.git", "people")
        return Rolled(folder, self.health, self.now, environment=self.environment)

    # ------------------------------------------------------------ the reconciler

    def clone(self, name: str) -> Path:
        path = self.folder / name
        if not path.exists():
            git(self.folder, "clone", "--quiet", str(self.folder / "remote.git"), name)
        return path

    def repository(self, name: str = "runner") -> RolloutRepository:
        return RolloutRepository(self.clone(name))

    def equipment(self, repository: RolloutRepository, **changes) -> Equipment:
        values = {
            "root": self.folder,
            "repository": repository,
            "serving": serving_config(self.serving),
            "environment": self.environment,
            "tell": self.said.append,
            "clock": lambda: self.now,
            "provider": lambda _name, _serving, _folder: self.traffic,
        }
        return Equipment(**{**values, **changes})

    def reconcile(
        self,
        name: str = "runner",
        wrap: Callable[[Hands], Hands] | None = None,
        **changes,
    ):
        """One run of the script, but for its command line."""
        repository = self.repository(name)
        equipment = self.equipment(repository, **changes)

        def equip(state: ModelState) -> tuple[Eyes, Hands]:
            eyes, hands = equipment.equip(state)
            return eyes, wrap(hands) if wrap else hands

        reconciler = Reconciler(
            repository,
            equip,
            equipment.clock,
            self.said.append,
            is_applied=True,
            stopped=equipment.stops,
        )
        return reconciler.run()

    def reconcile_and_be_killed(self, at: int, *, after: bool, **changes) -> bool:
        """A run in a process of its own, that SIGKILL ends before or after its effect number `at`.

        Returns whether it was killed: with fewer effects than that it ends by itself.
        """
        count = iter(range(100))

        def dies(do: Callable[..., object]) -> Callable[..., object]:
            def effect(*arguments: object) -> object:
                is_it = next(count) == at
                if is_it and not after:
                    os.kill(os.getpid(), signal.SIGKILL)
                done = do(*arguments)
                if is_it:
                    os.kill(os.getpid(), signal.SIGKILL)
                return done

            return effect

        def wrap(hands: Hands) -> Hands:
            return Hands(*(dies(getattr(hands, f.name)) for f in fields(hands)))

        self.clone("runner")
        child = os.fork()
        if child == 0:
            try:
                self.reconcile(wrap=wrap, **changes)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status)

    # ------------------------------------------------------------ what is true now

    def tip(self) -> str:
        return git(self.folder / "remote.git", "rev-parse", "main").strip()

    def commits(self) -> int:
        return int(git(self.folder / "remote.git", "rev-list", "--count", "main"))

    def state(self) -> ModelState:
        snapshot = self.repository("reader").snapshot()
        return load_model(snapshot, snapshot.models[self.model])

    @property
    def status(self) -> RolloutStatus:
        return self.state().status

    def kinds(self) -> list[str]:
        return [record.name[5:-5] for record in self.status.records]

    def share(self) -> float:
        weights = self.traffic.observe()
        return weights.challenger_basis_points / 100

    def served(self) -> str:
        """The version that the champion's share goes to."""
        return self.traffic.observe().champion.name

    def champion(self) -> Champion:
        champion = self.state().champion
        assert champion is not None
        return champion

    def latch(self):
        return Latch(self.serving).load().stop


def serving_config(folder: Path) -> ServingConfig:
    values = {
        "default": {
            "backends": {"file": str(folder / "addresses.yaml")},
            "traffic": {"folder": str(folder)},
            "metrics": {"file": str(folder / "samples.jsonl")},
        }
    }
    return parse_section(ServingConfig, values, "serving.yaml")


@contextmanager
def rolled(folder: Path) -> Iterator[Rolled]:
    """A remote whose champion `a` serves everyone."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    git(folder, "clone", "--quiet", "remote.git", "people")
    world = Rolled(folder, Health())
    git(world.people, "checkout", "--quiet", "-B", "main")
    first = champion_of("a")
    path = champion_path(world.people, MODEL)
    path.parent.mkdir(parents=True)
    path.write_text(f"# how we began\n{render_champion(first)}")
    (path.parent / "reference.json").write_text('{"champion": "that of a"}\n')
    commit(world.people, "The first champion")
    git(world.people, "push", "--quiet", "origin", "main")
    version = version_of(first.digest, first.as_of)
    world.serve(first.digest, version)
    world.traffic.apply(Weights(Backend(version, "127.0.0.1", address_of(world, version))))
    try:
        yield world
    finally:
        for digest in list(world.health.servers):
            world.health.stop(digest)


def address_of(world: Rolled, version: str) -> int:
    lines = (world.serving / "addresses.yaml").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(version)).rpartition(":")[2])


def file_spec(challenger: str = "c", champion: str = "a", **changes) -> RolloutSpec:
    """`spec_of`, with metrics from a file and evidence in a folder of its own."""
    spec = spec_of(challenger, champion, metrics=FILE_METRICS, **changes)
    evidence = spec.evidence.model_copy(update={"path": f"evidence/{spec.version}"})
    return spec.model_copy(update={"evidence": evidence})


def roll(world: Rolled, spec: RolloutSpec, until: str, every: timedelta = 30 * MINUTE, **found):
    """Reconcile as time goes by, with good metrics, until a record of that kind was written."""
    for _ in range(60):
        world.record(spec, **found)
        world.reconcile()
        if until in world.kinds():
            return
        world.now += every
    raise AssertionError(f"never {until}: {world.kinds()} {world.said[-5:]}")
