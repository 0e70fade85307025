"""The watchdog as a machine runs it: a process beside a real Envoy; git and GitHub up or down."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.adapters.traffic.envoy import Envoy
from pipeline.manifest import RolloutSpec, rollout_path
from pipeline.rolling.reports import STOPPED, stops_in
from tests.repository import git
from tests.rolling.live import run_script, watching
from tests.rolling.rolled import Rolled, file_spec, rolled
from tests.rollouts import BAD, HOUR
from tests.servers import envoy, github_recorder
from tests.servers.binaries import wait_for
from tests.servers.github_recorder import BROKEN, TOKEN, GitHubRecorder
from tests.servers.ports import free_port

STAGES = [
    {"traffic_percentage": w, "duration": "1h", "success_criteria": {"error_rate_max": 0.02}}
    for w in (50, 100)
]


@dataclass
class Watched:
    """A rollout whose challenger has half of the users; `clone` is where the watchdog runs."""

    world: Rolled
    spec: RolloutSpec
    traffic: Envoy

    @property
    def clone(self) -> Path:
        return self.world.clone("watcher")

    @property
    def percent(self) -> float:
        return self.traffic.observe().challenger_basis_points / 100

    def record(self, **values) -> None:
        """Metrics of this very moment: the clock of the process is the real one."""
        self.world.now = datetime.now(UTC)
        self.world.record(self.spec, **values)

    def look_once(self, *arguments: str, **environment: str):
        return run_script(self.clone, "watch_rollout", "--once", *arguments, **environment)

    def files(self) -> dict[Path, bytes]:
        """Everything beside the traffic layer, and whatever the watchdog could have written."""
        folders = (self.world.serving, self.clone / ".serving")
        paths = (path for folder in folders for path in folder.rglob("*.yaml"))
        return {path: path.read_bytes() for path in paths}


@pytest.fixture
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with (
        rolled(tmp_path_factory.mktemp("w")) as world,
        envoy.running(world.serving, world.traffic.observe()) as server,
    ):
        spec = file_spec(canary_stages=STAGES)
        found = Watched(world, spec, server.provider)
        world.merge(spec)
        found.record()
        world.reconcile(provider=lambda *_: server.provider)
        assert found.percent == 50
        default = {
            "backends": {"file": str(world.serving / "addresses.yaml")},
            "traffic": {
                "folder": str(world.serving),
                "port": server.provider.port,
                "metrics_port": server.provider.metrics_port,
            },
            "metrics": {"file": str(world.serving / "samples.jsonl")},
        }
        (found.clone / "configs").mkdir()
        settings = {"serving": {"default": default}}
        (found.clone / "configs/serving.yaml").write_text(json.dumps(settings))  # JSON is YAML
        yield found


def test_without_apply_it_says_what_it_would_do_and_changes_nothing(watched: Watched) -> None:
    watched.record(challenger=BAD)
    before = watched.files()
    done = watched.look_once()
    assert done.returncode == 0, done.stderr
    assert "traffic: champion 100 %, challenger 0 %, and keep it there" in done.stdout
    assert watched.percent == 50
    assert watched.files() == before
    assert not (watched.clone / ".serving").exists()


def test_it_sets_the_weights_of_its_machine_where_jobs_cannot(watched: Watched) -> None:
    out_of_reach(watched.clone)
    watched.record(challenger=BAD)
    assert watched.look_once("--apply").returncode == 0
    assert watched.percent == 0
    assert watched.world.latch() is not None


def test_without_git_it_goes_on_from_what_an_earlier_process_knew(watched: Watched) -> None:
    remote = watched.world.folder / "remote.git"
    remote.rename(watched.world.folder / "away.git")
    watched.record(challenger=BAD)
    blind = watched.look_once("--apply")  # this clone has never pulled: it knows of no rollout
    assert (blind.returncode, watched.percent) == (3, 50)
    assert "Going on from what was known." in blind.stdout

    (watched.world.folder / "away.git").rename(remote)
    watched.record()
    assert watched.look_once("--apply").returncode == 0
    remote.rename(watched.world.folder / "away.git")
    watched.record(challenger=BAD)
    assert watched.look_once("--apply").returncode == 3  # git failed, and it did its work
    assert watched.percent == 0
    stop = watched.world.latch()
    assert stop is not None
    assert stop.version == watched.spec.version


def test_a_rollback_here_of_what_settled_long_ago_is_recorded_in_git(
    watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, machine = watched.world, watched.clone
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2013-07-03T09:00:00Z")
    while "settled" not in world.kinds():
        world.now += 2 * HOUR
        world.record(watched.spec)
        world.reconcile(provider=lambda *_: watched.traffic)
    monkeypatch.delenv("GIT_COMMITTER_DATE")
    runner = world.clone("job")
    shutil.copytree(machine / "configs", runner / "configs")
    for clone in (machine, runner):
        git(clone, "pull", "--quiet", "--ff-only", "origin", "main")
    out_of_reach(runner)
    assert watched.look_once("--apply").returncode == 0
    (world.folder / "remote.git").rename(world.folder / "away.git")
    why = ("--model", world.model, "--reason", "users complain", "--local", "--apply")
    back = run_script(machine, "roll_back", *why)
    assert back.returncode == 0, back.stderr
    assert watched.traffic.observe().champion.name == watched.spec.champion_version

    (world.folder / "away.git").rename(world.folder / "remote.git")
    with github_recorder.running(GitHubRecorder()) as github:
        hub = {"GITHUB_REPOSITORY": "octo/model", "GITHUB_TOKEN": TOKEN}
        watched.look_once("--apply", **hub, GITHUB_API_URL=github.url)
    (dispatch,) = github.dispatches
    job = {"GITHUB_SHA": world.tip(), "GITHUB_RUN_ID": "1"}
    quiet = run_script(runner, "reconcile_rollouts", "--model=", "--apply", **job)
    assert quiet.stdout == "Nothing rolls out.\n"
    event = tmp_path / "event.json"
    payload = dispatch["client_payload"]
    event.write_text(json.dumps({"action": STOPPED, "client_payload": payload}))
    job |= {"GITHUB_EVENT_NAME": "repository_dispatch", "GITHUB_EVENT_PATH": str(event)}
    done = run_script(runner, "reconcile_rollouts", "--model=", "--apply", **job)
    assert done.returncode == 0, done.stdout + done.stderr
    assert world.champion() == watched.spec.champion
    assert world.status.records[-1].reason.endswith("rolled back here: users complain")
    assert watched.look_once("--apply").returncode == 0
    assert watched.traffic.observe().champion.name == watched.spec.champion_version


def out_of_reach(clone: Path) -> None:
    """Jobs of `clone` do not reach the traffic layer: they go by what git says."""
    path = clone / "configs/serving.yaml"
    settings = json.loads(path.read_text())
    settings["serving"]["default"]["traffic"]["reach"] = "git"
    path.write_text(json.dumps(settings))


def test_started_on_a_broken_manifest_it_stops_a_challenger_that_fails(watched: Watched) -> None:
    world = watched.world
    world.pull()
    rollout_path(world.people, world.model).write_text("model: [")
    broken = world.push("Break it")
    watched.record(challenger=BAD)
    done = watched.look_once("--apply")
    assert (done.returncode, watched.percent) == (0, 0)
    assert f"flight-delay: REFUSED as it is in {broken[:12]}, so what" in done.stdout


def test_it_does_not_start_for_a_model_that_nobody_knows(watched: Watched) -> None:
    with watching(watched.clone, "--model", watched.world.model, "--model", "churn") as watchdog:
        assert watchdog.process.wait(60) == 2
    assert "found 'churn', expected a model below rollouts/: flight-delay" in watchdog.told()
    assert "Traceback" not in watchdog.told()


def test_while_git_is_down_a_new_name_does_not_keep_it_from_the_others(watched: Watched) -> None:
    watched.record()
    assert watched.look_once().returncode == 0
    remote = watched.world.folder / "remote.git"
    remote.rename(watched.world.folder / "away.git")
    watched.record(challenger=BAD)
    both = ("--model", watched.world.model, "--model", "merged-since")
    assert watched.look_once("--apply", *both).returncode == 3
    assert watched.percent == 0


def test_a_report_outlives_github_and_the_process_and_is_delivered_once(watched: Watched) -> None:
    job = {"GITHUB_REPOSITORY": "octo/model", "GITHUB_TOKEN": TOKEN}
    watched.record(challenger=BAD)
    down = f"http://127.0.0.1:{free_port()}"
    first = watched.look_once("--apply", **job, GITHUB_API_URL=down)
    assert (first.returncode, watched.percent) == (3, 0)
    assert "a report waits" in first.stdout

    with github_recorder.running(GitHubRecorder()) as github:
        github.next_answers.append(BROKEN)  # it is up again, and not well yet
        watched.record()  # it looks well now: it was stopped all the same
        with watching(watched.clone, "--apply", **job, GITHUB_API_URL=github.url) as watchdog:
            wait_for(lambda: github.dispatches, 60, watchdog.told)
            assert watchdog.terminate() == 0
            assert watchdog.told().splitlines()[-1].endswith(" stopped")
    (dispatch,) = github.dispatches
    assert dispatch["event_type"] == STOPPED
    body = {"action": STOPPED, "client_payload": dispatch["client_payload"]}
    assert stops_in(body)[watched.world.model].version == watched.spec.version
    assert github.violations == []
    assert watched.percent == 0
    assert TOKEN not in first.stdout + first.stderr + watchdog.told()
