"""Each command of docs/runbook.md, run as it is written, in the situation that its row tells of."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from pipeline.adapters.traffic.envoy import Envoy
from pipeline.manifest import RolloutSpec
from pipeline.rollout_commands import Command, Verb
from pipeline.rollout_status import Phase
from tests.called import call_script
from tests.repository import ROOT, git
from tests.rolling.rolled import Rolled, file_spec, roll, rolled
from tests.rollouts import BAD, HOUR, MINUTE, MODEL
from tests.servers import envoy

RUNBOOK = (ROOT / "docs/runbook.md").read_text()
STAGES = [
    {"traffic_percentage": w, "duration": "1h", "success_criteria": {"error_rate_max": 0.02}}
    for w in (5, 50, 100)
]
NUMBERS = count(1)
Placeholders = dict[str, str]
ADA = {
    **os.environ,
    **{f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "ada@localhost" for who in ("AUTHOR", "COMMITTER")},
}


def rows() -> dict[str, list[str]]:
    """What one sees -> the commands of that row."""
    table = re.findall(r"^\| (.+?) \| (.+) \| .+ \|$", RUNBOOK, re.MULTILINE)
    return {seen: re.findall(r"`([^`]+)`", cell) for seen, cell in table if "`" in cell}


def asked_in(section: str) -> list[str]:
    """The commands of the section under that headline, in their order."""
    text = RUNBOOK.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"`((?:python|git|cat) [^`]+)`", text)


@dataclass
class Night:
    """A rollout on the traffic machine: its clone at `machine`, and the Envoy beside it."""

    world: Rolled
    spec: RolloutSpec
    traffic: Envoy

    @property
    def machine(self) -> Path:
        return self.world.clone("machine")

    @property
    def percent(self) -> float:
        return self.traffic.observe().challenger_basis_points / 100

    @property
    def phase(self) -> Phase:
        return self.world.status.records[-1].phase

    def reconcile(self, **samples) -> None:
        """What the rollout workflow does after a push, with metrics of that moment."""
        self.world.record(self.spec, **samples)
        self.world.reconcile(provider=lambda *_: self.traffic)

    def now(self) -> None:
        """From here on the commands' own clock, which is the real one, is the world's too."""
        self.world.now = datetime.now(UTC)
        self.world.record(self.spec)
        git(self.machine, "pull", "--quiet", "--ff-only", "origin", "main")

    def commit_that_says(self, words: str) -> str:
        found = git(self.world.folder / "remote.git", "log", "--format=%H %s", "main").splitlines()
        return next(line.split()[0] for line in found if words in line)

    def run(self, written: str, values: Placeholders) -> int:
        """A line of the runbook. Returns the exit code of the first part that fails, or 0."""
        for name, value in {"…": "users complain", **values}.items():
            written = written.replace(name, value)
        assert "<" not in written, f"nothing to put in: {written}"
        for part in map(shlex.split, written.split(" && ")):
            if part[:2] == ["python", "-m"]:
                called = call_script(self.machine, part[2].removeprefix("scripts."), *part[3:])
                print(called.stdout, called.stderr)
                code = called.returncode
            else:
                assert part[0] in ("git", "cat")
                code = subprocess.run(part, cwd=self.machine, env=ADA, check=False).returncode
            if code != 0:
                return code
        return 0


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rolled, RolloutSpec]]:
    """Four hours ago a challenger was merged; it has half of the users."""
    with rolled(tmp_path_factory.mktemp("r") / "w") as world:
        spec = file_spec(canary_stages=STAGES)
        world.now = datetime.now(UTC) - 4 * HOUR
        world.merge(spec)
        roll(world, spec, "stage-2")
        yield world, spec


@pytest.fixture
def night(begun: tuple[Rolled, RolloutSpec]) -> Iterator[Night]:
    base, spec = begun
    world = base.fork(str(next(NUMBERS)))
    with envoy.running(world.serving, world.traffic.observe()) as server:
        found = Night(world, spec, server.provider)
        default = {
            "backends": {"file": str(world.serving / "addresses.yaml")},
            "traffic": {
                "folder": str(world.serving),
                "port": server.provider.port,
                "metrics_port": server.provider.metrics_port,
            },
            "metrics": {"file": str(world.serving / "samples.jsonl")},
        }
        (found.machine / "configs").mkdir()
        settings = json.dumps({"serving": {"default": default}})  # JSON is YAML
        (found.machine / "configs/serving.yaml").write_text(settings)
        yield found


# ------------------------------------------------- how each situation comes about, and ends


def hurts(night: Night) -> Iterator[Placeholders]:
    night.now()
    yield {}
    is_rolled_back(night)


def is_rolled_back(night: Night) -> None:
    assert night.phase is Phase.ROLLED_BACK
    assert night.percent == 0
    assert night.traffic.observe().champion.name == night.spec.champion_version


def github_is_down(night: Night) -> Iterator[Placeholders]:
    night.now()
    git(
        night.machine, "reset", "--quiet", "--hard", "HEAD~2"
    )  # nobody pulls there but the watchdog
    out_of_reach_of_jobs(night.machine / "configs/serving.yaml")
    watch = "python -m scripts.watch_rollout --once --apply"
    assert night.run(watch, {}) == 0
    remote = night.world.folder / "remote.git"
    away = remote.rename(night.world.folder / "away.git")
    yield {}
    assert night.percent == 0
    assert night.run(watch, {}) == 3  # it goes on from what GitHub said last
    assert night.percent == 0
    away.rename(remote)  # and nothing is pushed: the latch tells it
    night.reconcile()
    is_rolled_back(night)


def out_of_reach_of_jobs(path: Path) -> None:
    settings = json.loads(path.read_text())
    settings["serving"]["default"]["traffic"]["reach"] = "git"
    path.write_text(json.dumps(settings))


def must_end(night: Night) -> Iterator[Placeholders]:
    night.now()
    yield {}
    night.reconcile()
    assert (night.phase, night.percent) == (Phase.ABORTED, 0)


def stays(night: Night) -> Iterator[Placeholders]:
    night.now()
    yield {}
    night.reconcile()
    assert (night.phase, night.percent) == (Phase.PAUSED, 50)
    night.reconcile(challenger=BAD)
    is_rolled_back(night)


def goes_on(night: Night) -> Iterator[Placeholders]:
    night.world.tell(Command(Verb.PAUSE, night.spec.version))
    night.reconcile()
    assert night.phase is Phase.PAUSED
    night.now()
    yield {}
    night.reconcile()
    assert (night.phase, night.percent) == (Phase.PROGRESSING, 50)


def one_stage_back(night: Night) -> Iterator[Placeholders]:
    night.now()
    yield {"<commit of the stage>": night.commit_that_says("50 % to")}
    night.reconcile()
    assert (night.phase, night.percent) == (Phase.PAUSED, 5)


def bad_champion(night: Night) -> Iterator[Placeholders]:
    while night.world.kinds()[-1] != "promoted":
        night.world.now += 65 * MINUTE
        night.reconcile()
    assert night.traffic.observe().champion.name == night.spec.version
    night.now()
    yield {}
    is_rolled_back(night)
    assert night.world.champion().digest == night.spec.champion.digest


def bad_champion_of_before(night: Night) -> Iterator[Placeholders]:
    while night.world.kinds()[-1] != "settled":
        night.world.now += HOUR
        night.reconcile()
    night.world.merge(file_spec("d", "e"))
    night.reconcile()
    assert night.phase is Phase.REFUSED
    night.now()
    yield {"<the one that serves>": night.spec.version}
    is_rolled_back(night)
    assert night.world.champion().digest == night.spec.champion.digest


def both_fail(night: Night) -> Iterator[Placeholders]:
    night.reconcile(challenger=BAD, champion=BAD)
    assert night.world.kinds()[-1] == "held"
    assert any("needs a person" in line for line in night.world.said)
    night.now()
    yield {}
    is_rolled_back(night)


def blind(night: Night) -> Iterator[Placeholders]:
    night.reconcile(value=None)
    night.world.now += 10 * MINUTE
    night.reconcile(value=None)
    assert "Blind for" in night.world.status.records[-1].reason
    yield from is_tried_again(night)


def false_alarm(night: Night) -> Iterator[Placeholders]:
    night.reconcile(challenger=BAD)
    yield from is_tried_again(night)


def is_tried_again(night: Night) -> Iterator[Placeholders]:
    is_rolled_back(night)
    night.now()
    yield {}
    night.reconcile()
    assert (night.phase, night.percent) == (Phase.PROGRESSING, 5)
    assert night.world.status.records[-1].attempt == 2


def other_traffic(night: Night) -> Iterator[Placeholders]:
    weights = night.traffic.observe()
    night.traffic.apply(type(weights)(weights.champion))
    night.now()
    yield {}
    assert night.percent == 50


def broken_manifest(night: Night) -> Iterator[Placeholders]:
    night.now()
    night.world.pull()
    (night.world.people / f"rollouts/{MODEL}/rollout.yaml").write_text("model: [")
    sha = night.world.push("Break it")
    git(night.machine, "pull", "--quiet", "--ff-only", "origin", "main")
    reconcile = f"python -m scripts.reconcile_rollouts --model {MODEL}"
    assert night.run(reconcile, {}) == 2
    yield {"<its commit>": sha}
    assert night.run(reconcile, {}) == 0
    assert (night.phase, night.percent) == (Phase.PROGRESSING, 50)


def honest(night: Night) -> Iterator[Placeholders]:
    yield {}


SCENARIOS: dict[str, Callable[[Night], Iterator[Placeholders]]] = {
    "The challenger hurts, whatever the metrics say": hurts,
    "The new champion is bad, after its promotion": bad_champion,
    "The champion is bad, and another was merged after it": bad_champion_of_before,
    "GitHub is down as well": github_is_down,
    "You want it to stay as it is": stays,
    "Go on after a pause or a reverted stage": goes_on,
    "It must end, whatever `rollout.yaml` says": must_end,
    "One stage back": one_stage_back,
    '"holds, and needs a person": the champion fails as well': both_fail,
    '"Blind for …" and it was rolled back': blind,
    "It was a false alarm": false_alarm,
    "Traffic is not what git says": other_traffic,
    '"refused": a manifest is broken': broken_manifest,
    "Is the history honest?": honest,
}


def test_every_row_of_the_runbook_has_a_scenario_and_a_command() -> None:
    assert list(rows()) == list(SCENARIOS)
    assert all(rows().values())


@pytest.mark.parametrize("seen", rows())
def test_the_commands_of_a_row_do_what_it_says(night: Night, seen: str) -> None:
    course = SCENARIOS[seen](night)
    values = next(course)
    for command in rows()[seen]:
        assert night.run(command, values) == 0, command
    assert next(course, None) is None
    assert night.run("python -m scripts.replay_rollout", {}) == 0


def test_how_to_see_that_it_worked_shows_it(
    night: Night, capfd: pytest.CaptureFixture[str]
) -> None:
    night.now()
    assert night.run(rows()["The challenger hurts, whatever the metrics say"][0], {}) == 0
    shown = ("roll back 2013-07-03-cccccccccccc", night.spec.champion.digest, "nothing to do")
    for command, words in zip(asked_in("How to see that it worked"), shown, strict=True):
        capfd.readouterr()
        assert night.run(command, {}) == 0
        assert words in capfd.readouterr().out, command


def test_where_it_stands_is_said(night: Night, capfd: pytest.CaptureFixture[str]) -> None:
    night.now()
    reconcile, doctor, log = asked_in("Where does it stand?")
    said = []
    for command in (reconcile, log):
        assert night.run(command, {}) == 0
        said.append(capfd.readouterr().out)
    assert "Stage 2 passed every criterion" in said[0]
    assert night.commit_that_says("50 % to")[:7] in said[1]
    assert doctor == "python -m scripts.doctor"  # tests/doctoring has what it says of a rollout
