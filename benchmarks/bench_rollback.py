"""Seconds from the first bad answer of a challenger until nobody is sent to it any more.

    python -m benchmarks.bench_rollback [--lanes 10] [--rounds 2] [--rates 0.2 0.05]

Real parts alone: a HAProxy for each of several models side by side (lanes), model servers, one
Prometheus that scrapes every 5 s, users in an open loop, scripts/watch_rollout.py with a look every
5 s, and git. Each lane has 7.5 requests a second, of which a challenger at 40 % gets 3; both models
fail in 1 % of requests. Once five minutes of that are in the window, the challenger
fails in more of them: lanes take turns with the rates. Limits and statistics are the shipped ones.

Nobody reconciles meanwhile, as if the queue of Actions were frozen. Needs about 14 minutes a round.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.adapters.package_files import read_manifest
from pipeline.adapters.traffic import Backend, Weights
from pipeline.adapters.traffic.haproxy import HAProxy
from pipeline.champion import Champion, champion_path, render_champion
from pipeline.config import parse_section
from pipeline.manifest import EvidenceRef, ModelIdentity, RolloutSpec, render_rollout, rollout_path
from pipeline.rollout_config import RolloutPlan
from tests.repository import commit, git
from tests.rolling.live import run_script, watching
from tests.servers import haproxy, load, model_server, prometheus
from tests.servers.model_server import BODY, ModelServer

HEALTHY_RATE = 0.01
WARM_SECONDS, MOST_SECONDS, POLL_SECONDS = 305, 600, 0.1
PER_SECOND, USERS = 7.5, [f"passenger-{number}" for number in range(1_000)]
PLAN = {
    "type": "canary",
    "canary_stages": [
        {"traffic_percentage": w, "duration": "4h", "success_criteria": {"error_rate_max": "2%"}}
        for w in (40, 100)
    ],
    "rollback_conditions": {"error_rate_spike": 0.01},
    "traffic_provider": "haproxy",
}


@dataclass(frozen=True)
class Lane:
    """One model: its traffic, and its challenger."""

    model: str
    rate: float
    challenger: ModelServer
    proxy: HAProxy
    users: load.Load


@dataclass(frozen=True)
class Stopped:
    """One rollback: `seconds` from the first bad answer, `since_change` from the order to fail."""

    seconds: float
    since_change: float
    bad_answers: int


def main() -> int:
    """Run all rounds and print. Returns 1 where a challenger was not stopped."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lanes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.2, 0.05])
    arguments = parser.parse_args()
    found: dict[float, list[Stopped | None]] = {rate: [] for rate in arguments.rates}
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        world(Path(folder), arguments.lanes, arguments.rates) as w,
    ):
        lanes, home, url = w
        for number in range(arguments.rounds):
            for lane, run in run_round(lanes, home, url, is_first=number == 0):
                found[lane.rate].append(run)
            for rate, runs in found.items():
                print(render(rate, runs), flush=True)
    return 0 if all(one is not None for runs in found.values() for one in runs) else 1


def run_round(
    lanes: list[Lane], home: Path, url: str, *, is_first: bool
) -> list[tuple[Lane, Stopped | None]]:
    """All lanes from their weight to 0; the healthy minutes come first.

    After a round everybody waits until what was bad in it has left the window.
    """
    for lane in lanes:
        lane.challenger.misbehave(error_rate=HEALTHY_RATE)
    if not is_first:
        reconcile(home, url)  # records what was stopped
        time.sleep(WARM_SECONDS)
        for lane in lanes:
            said = ("--model", lane.model, "--reason", "once more", "--local", "--apply")
            run_script(home, "control_rollout", "retry", *said)
    reconcile(home, url)
    time.sleep(WARM_SECONDS)
    early = [lane.model for lane in lanes if is_stopped(lane)]
    print(f"stopped while it was healthy: {early or 'none'}", flush=True)
    changed = time.monotonic()
    for lane in lanes:
        lane.challenger.misbehave(error_rate=lane.rate)
    return wait_for_stops([lane for lane in lanes if lane.model not in early], changed)


def wait_for_stops(lanes: list[Lane], changed: float) -> list[tuple[Lane, Stopped | None]]:
    """When each lane was stopped; None for one that was not."""
    stops: dict[str, float] = {}
    while len(stops) < len(lanes) and time.monotonic() < changed + MOST_SECONDS:
        time.sleep(POLL_SECONDS)
        for lane in lanes:
            if lane.model not in stops and is_stopped(lane):
                stops[lane.model] = time.monotonic()
    return [(lane, measured(lane, changed, stops.get(lane.model))) for lane in lanes]


def measured(lane: Lane, changed: float, stopped: float | None) -> Stopped | None:
    """What users of a lane met between the change and the stop."""
    if stopped is None:
        return None
    bad = [a.end for a in lane.users.since(changed) if a.status != 200 and a.start < stopped]
    first = min(bad, default=changed)
    return Stopped(stopped - first, stopped - changed, len(bad))


def is_stopped(lane: Lane) -> bool:
    """Whether HAProxy itself says that the challenger gets nothing."""
    return lane.proxy.observe().challenger_basis_points == 0


def reconcile(home: Path, url: str) -> None:
    """One run of the script on the repository itself."""
    done = run_script(home, "reconcile_rollouts", "--local", "--apply", PROMETHEUS_URL=url)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def render(rate: float, runs: list[Stopped | None]) -> str:
    """Median and most of the seconds, with the load of this machine."""
    done = [run for run in runs if run is not None]
    shown = ""
    for name in ("seconds", "since_change"):
        times = sorted(getattr(run, name) for run in done)
        if times:
            shown += f", {name} median {statistics.median(times):.1f} most {times[-1]:.1f}"
    bad = [run.bad_answers for run in done]
    loads = "/".join(f"{one:.1f}" for one in os.getloadavg())
    return f"1 % -> {rate:.0%}: {len(done)} of {len(runs)} stopped{shown}, bad {bad}, load {loads}"


@contextmanager
def world(folder: Path, lanes: int, rates: list[float]) -> Iterator[tuple[list[Lane], Path, str]]:
    """Servers, traffic, users, repository and watchdog, for as long as the block lasts."""
    packages = [folder / f"package-{number}" for number in range(lanes + 1)]
    digests = [model_server.build_tiny_package(p, seed=n) for n, p in enumerate(packages)]
    home = folder / "home"
    with ExitStack() as stack:
        servers = [
            stack.enter_context(model_server.running(folder, package, digest, faulty=True))
            for package, digest in zip(packages, digests, strict=True)
        ]
        champion, *challengers = servers
        champion.misbehave(error_rate=HEALTHY_RATE)
        first = Weights(Backend(champion.version, "127.0.0.1", champion.port))
        targets = [f"127.0.0.1:{server.port}" for server in servers]
        metrics = folder / "prometheus"
        running = prometheus.running(metrics, targets=targets, interval="5s")
        url = stack.enter_context(running)
        begin(home, servers, packages)
        made = []
        for number, challenger in enumerate(challengers):
            model = f"lane-{number}"
            proxy = stack.enter_context(haproxy.running(folder / "traffic" / model, first)).provider
            options = {"workers": 3, "per_second": PER_SECOND, "body": BODY}
            users = stack.enter_context(load.running(proxy.port, USERS, **options))
            made.append(Lane(model, rates[number % len(rates)], challenger, proxy, users))
        every = ("--every=5", "--pull-every=5", "--apply", "--local")
        stack.enter_context(watching(home, *every, PROMETHEUS_URL=url))
        yield made, home, url


def begin(home: Path, servers: list[ModelServer], packages: list[Path]) -> None:
    """A repository in which every lane has a champion and a manifest that was just merged."""
    git(home.parent, "init", "--quiet", "--initial-branch=main", home.name)
    identities = [
        identity(server, package) for server, package in zip(servers, packages, strict=True)
    ]
    plan = parse_section(RolloutPlan, PLAN, "plan")
    for number, challenger in enumerate(identities[1:]):
        model = f"lane-{number}"
        known = {"model": model, "approved_by": "Ada", "reason": "the first"}
        champion = Champion(**known, **identities[0].model_dump())
        spec = RolloutSpec(
            model=model,
            version=challenger.version,
            retrain=f"{model}-0001",
            challenger=challenger,
            champion=champion,
            evidence=EvidenceRef(path="evidence/x/manifest.json", digest=champion.digest),
            plan=plan,
        )
        champion_path(home, model).parent.mkdir(parents=True)
        champion_path(home, model).write_text(render_champion(champion))
        rollout_path(home, model).write_text(render_rollout(spec))
    lines = "".join(f"{server.version}: 127.0.0.1:{server.port}\n" for server in servers)
    (home.parent / "addresses.yaml").write_text(lines)
    backends = {"file": str(home.parent / "addresses.yaml")}
    traffic = {"folder": str(home.parent / "traffic" / "{model}")}
    serving = {"serving": {"default": {"backends": backends, "traffic": traffic}}}
    (home / "configs").mkdir()
    (home / "configs/serving.yaml").write_text(json.dumps(serving))
    commit(home, "Every lane is merged")


def identity(server: ModelServer, package: Path) -> ModelIdentity:
    """The model of a server, as a manifest names it."""
    as_of = read_manifest(package / "manifest.json").as_of
    return ModelIdentity(digest=server.digest, package_md5=f"{'b' * 32}.dir", as_of=as_of)


if __name__ == "__main__":
    sys.exit(main())
