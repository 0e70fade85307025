"""A storm: six triggers, fifty repeats, two runners at once on real git, one of them killed."""

import subprocess
import sys
from pathlib import Path

from pipeline.core.triggers.ledger import causes_of
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.trigger_config import TRIGGER_NAMES
from tests.repository import ROOT

RUNNER = """
import os, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from pipeline.core.triggers.check import plan_check
from pipeline.core.triggers.decision import Status, TriggerDecision
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.trigger_config import TRIGGER_NAMES, TriggerConfig, Triggers

root, offset, dies_after = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
config = TriggerConfig(retraining_triggers=Triggers())
store = LedgerStore(root)
for repeat in range(25):
    trigger = TRIGGER_NAMES[(repeat + offset) % 6]
    window = "2013-06-02T06:00:00Z" if trigger == "scheduled_retrain" else "w1"
    fired = TriggerDecision(trigger, Status.FIRED, config.priority_of(trigger), "fired", window)
    at = datetime(2013, 6, 3, 12, tzinfo=UTC) + timedelta(seconds=repeat)

    def step(ledger):
        if repeat == dies_after:
            os.kill(os.getpid(), signal.SIGKILL)  # it has decided, and pushed nothing
        plan = plan_check(
            ledger, [fired], config, model="flights", champion="sha256:" + "a" * 64, at=at
        )
        return plan.ledger, plan

    plan = store.update(step, f"Record {trigger}")
    if plan.dispatch:
        print("dispatch", plan.dispatch.id, flush=True)
"""


def start(clone: Path, offset: int, dies_after: int = -1) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(clone), str(offset), str(dies_after)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_storm_becomes_one_retrain_that_lists_every_cause(tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", remote], check=True)
    clones = [tmp_path / name for name in ("one", "two")]
    for clone in clones:
        subprocess.run(["git", "clone", "--quiet", remote, clone], check=True, capture_output=True)
    runners = [start(clones[0], 0, dies_after=9), start(clones[1], 3)]
    said = "".join(runner.communicate()[0] for runner in runners)
    assert [runner.returncode for runner in runners] == [-9, 0]
    again = start(clones[0], 0)  # the killed one's next run
    said += again.communicate()[0]
    ledger = LedgerStore(clones[1]).read()
    assert said.splitlines() == ["dispatch flights-0001"]
    assert [retrain.id for retrain in ledger.retrains] == ["flights-0001"]
    causes = causes_of(ledger, "flights-0001")
    assert {event.trigger for event in causes} == set(TRIGGER_NAMES)
    assert len(causes) == len(ledger.events) == 6
    priorities = [event.priority for event in causes]
    assert priorities == ["critical", "critical", "high", "medium", "medium", "low"]
