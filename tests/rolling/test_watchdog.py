"""The watchdog stops first and git records next; what it stopped is never given traffic again."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from pipeline.adapters.traffic import Backend, Weights
from pipeline.core.rollout.effects import SetWeights
from pipeline.core.rollout.observation import Routing, Stop
from pipeline.errors import Bug, OutsideError
from pipeline.manifest import RolloutSpec
from pipeline.rolling.effects import Hands, decided_from
from pipeline.rolling.latch import LOCK_SECONDS, Latch
from pipeline.rolling.reports import CHECK, STOPPED, stops_in
from pipeline.rolling.reverting import latching
from pipeline.rolling.snapshot import Snapshot
from pipeline.rolling.watchdog import Watchdog
from pipeline.rollout_commands import Command, Verb
from pipeline.rollout_status import Phase
from scripts.watch_rollout import Loop
from tests.rolling.rolled import Rolled, address_of, file_spec, roll
from tests.rollouts import BAD, DAY, HOUR, MINUTE, PLAN, START
from tests.servers.ports import free_port


class Watching:
    """A watchdog beside the world's traffic layer, and what it reported."""

    def __init__(self, world: Rolled) -> None:
        self.world = world
        self.repository = world.repository("watcher")
        self.reports: dict[str, tuple[str, dict]] = {}
        self.snapshot: Snapshot = self.repository.snapshot()
        self.restart()

    def restart(self) -> None:
        equipment = self.world.equipment(self.repository)
        self.dog = Watchdog(equipment, self.report, is_applied=True)

    def report(self, event_id: str, event: str, payload: dict) -> None:
        self.reports.setdefault(event_id, (event, payload))

    def pull(self) -> None:
        self.snapshot = self.repository.snapshot()

    def look(self) -> list:
        return self.dog.look(self.snapshot)

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.reports.values()]


@pytest.fixture
def running(world: Rolled):
    """A rollout in its second stage, watched."""
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-2")
    return spec, Watching(world)


def test_a_failing_challenger_goes_to_zero_while_git_is_down_and_git_records_it(
    world: Rolled, running
) -> None:
    spec, watching = running
    before = world.commits()
    kept = world.folder / "away.git"
    shutil.move(world.folder / "remote.git", kept)
    world.record(spec, challenger=BAD)
    assert watching.look() == []
    assert world.share() == 0
    stop = world.latch()
    assert stop is not None
    assert "error rate" in stop.reason
    assert watching.events == [STOPPED]

    shutil.move(kept, world.folder / "remote.git")
    assert world.commits() == before
    world.record(spec)  # it looks well now: it was stopped all the same
    world.reconcile()
    record = world.status.records[-1]
    assert record.phase is Phase.ROLLED_BACK
    assert record.reason.startswith("Stopped at the traffic layer: error rate")
    world.now += HOUR
    world.record(spec)
    world.reconcile()
    watching.pull()
    watching.look()
    assert world.share() == 0
    assert world.commits() == before + 1


def test_a_reconciler_that_had_decided_to_advance_cannot_give_traffic_back(
    world: Rolled, running
) -> None:
    spec, watching = running
    world.now += HOUR
    world.record(spec)

    def stop_it_first(hands: Hands) -> Hands:
        def set_weights(*arguments) -> None:
            if arguments[0].stop is None:
                world.record(spec, challenger=BAD)
                watching.look()
            hands.set_weights(*arguments)

        return replace(hands, set_weights=set_weights)

    (result,) = world.reconcile(wrap=stop_it_first)
    assert world.kinds()[-1] == "stage-3"  # that commit was on its way already
    assert "gets no traffic" in str(result.failures[0])
    assert world.share() == 0
    world.reconcile()
    assert world.kinds()[-1] == "ended"
    assert world.share() == 0


def test_blind_for_the_budget_it_rolls_back_across_a_restart_without_git(
    world: Rolled, running
) -> None:
    _, watching = running
    (world.serving / "samples.jsonl").unlink()  # nobody answers any more
    watching.look()
    assert world.share() == 50
    world.now += 5 * MINUTE
    watching.restart()
    watching.look()
    assert world.share() == 50
    world.now += 5 * MINUTE
    watching.look()
    assert world.share() == 0
    stop = world.latch()
    assert stop is not None
    assert "Blind for 10 min" in stop.reason


def test_trouble_that_is_over_does_not_count_the_next_time(world: Rolled, running) -> None:
    spec, watching = running
    (world.serving / "samples.jsonl").unlink()
    watching.look()
    world.now += 5 * MINUTE
    world.record(spec)
    watching.look()
    world.now += 20 * MINUTE
    (world.serving / "samples.jsonl").unlink()
    watching.look()
    assert world.share() == 50


def test_a_reverted_merge_takes_the_traffic_without_a_metric_or_a_report_of_harm(
    world: Rolled, running
) -> None:
    _, watching = running
    (world.serving / "samples.jsonl").unlink()
    merge = next(
        touch.commit
        for touch in watching.snapshot.models[world.model].history.touches
        if "rollout.yaml" in touch.blobs
    )
    world.revert(merge)
    watching.pull()
    watching.look()
    assert world.share() == 0
    assert world.latch() is None
    assert watching.events == [CHECK]
    world.reconcile()
    assert world.status.records[-1].phase is Phase.ROLLED_BACK


def test_it_never_gives_more_by_itself_but_asks_for_a_look(world: Rolled, running) -> None:
    spec, watching = running
    world.now += HOUR
    world.record(spec)
    before = world.commits()
    watching.look()
    watching.look()
    assert world.share() == 50
    assert world.commits() == before
    assert watching.events == [CHECK]
    ((_, payload),) = watching.reports.values()
    assert stops_in({"action": CHECK, "client_payload": payload}) == {}


@pytest.mark.parametrize("how", ["weights that were set by hand", "a layer that started anew"])
def test_traffic_becomes_again_what_git_says(world: Rolled, running, how: str) -> None:
    spec, watching = running
    world.record(spec)
    points = 9_000 if "hand" in how else 0
    weights = world.traffic.observe()
    world.traffic.apply(replace(weights, challenger_basis_points=points))
    watching.look()
    assert world.share() == 50


def test_a_manifest_that_is_refused_leaves_the_running_one_watched(world: Rolled, running) -> None:
    spec, watching = running
    world.record(spec)
    watching.look()
    world.pull()
    (world.people / f"rollouts/{world.model}/rollout.yaml").write_text("schema: 1\nmodel: [")
    world.push("Break it")
    watching.pull()
    world.record(spec, challenger=BAD)
    watching.look()
    assert world.share() == 0


@pytest.fixture
def settled(world: Rolled, monkeypatch: pytest.MonkeyPatch):
    """A champion that settled two days ago by git's clock, watched; no reconciler looks at it."""
    (*_, last) = PLAN["canary_stages"]
    spec = file_spec(canary_stages=[last])
    world.merge(spec)
    monkeypatch.setenv("GIT_COMMITTER_DATE", START.isoformat())
    roll(world, spec, "settled")
    monkeypatch.delenv("GIT_COMMITTER_DATE")
    world.now = START + 2 * DAY
    assert world.reconcile() == ()
    return spec, Watching(world)


def take_back_here(world: Rolled, spec: RolloutSpec) -> None:
    """What `roll_back --local` leaves: the champion of before has all, with a latch."""
    port = address_of(world, spec.champion_version)
    world.traffic.apply(Weights(Backend(spec.champion_version, "127.0.0.1", port)))
    stop = Stop(spec.version, 1, "rolled back here: users complain", world.now)
    latch = Latch(world.serving)
    latch.save(replace(latch.load(), stop=stop))


def test_a_rollback_that_only_this_machine_knows_is_reported_however_old_the_promotion(
    world: Rolled, settled
) -> None:
    spec, watching = settled
    before = world.commits()
    assert watching.look() == []
    take_back_here(world, spec)
    world.now += 4 * MINUTE
    watching.look()
    assert watching.events == []
    for minutes in (1, 5, 5, 5):  # and again, until git has recorded it
        world.now += minutes * MINUTE
        assert watching.look() == []
    assert watching.events == [STOPPED] * 2
    assert (world.served(), world.commits()) == (spec.champion_version, before)

    _, payload = next(iter(watching.reports.values()))
    stops = stops_in({"action": STOPPED, "client_payload": payload})
    assert world.reconcile(serving=git_reach(world)) == ()  # nobody told this job
    nobody = {"another": stops[world.model]}
    assert world.reconcile(serving=git_reach(world), stops=nobody) == ()
    world.reconcile(serving=git_reach(world), stops=stops)
    assert world.champion() == spec.champion
    assert world.status.records[-1].reason.endswith("rolled back here: users complain")
    watching.pull()
    watching.reports.clear()
    world.now += DAY
    watching.look()
    assert (watching.events, world.served()) == ([], spec.champion_version)


@pytest.mark.parametrize("became", ["refused", "stage-1"])
def test_a_rollback_that_only_this_machine_knows_outlasts_what_was_merged_meanwhile(
    world: Rolled, settled, became: str
) -> None:
    spec, watching = settled
    take_back_here(world, spec)
    elsewhere = git_reach(world)
    later = file_spec("d")
    if became != "refused":
        later = later.model_copy(update={"champion": world.champion()})
    world.merge(later)
    world.record(later)
    world.reconcile(serving=elsewhere)  # where nobody knows of it either
    assert world.status.records[-1].version == later.version
    watching.pull()
    assert watching.look() == []
    assert (world.served(), world.share()) == (spec.champion_version, 0)
    assert watching.events == [STOPPED]

    _, payload = next(iter(watching.reports.values()))
    stops = stops_in({"action": STOPPED, "client_payload": payload})
    assert stops[world.model].version == spec.version
    world.reconcile(serving=elsewhere, stops=stops)
    assert world.champion() == spec.champion
    watching.pull()
    watching.reports.clear()
    watching.look()
    assert (watching.events, world.served()) == ([], spec.champion_version)
    tip = world.tip()
    world.reconcile()
    assert (world.tip(), world.served()) == (tip, spec.champion_version)


def test_a_rollback_that_only_this_machine_knows_is_reported_though_a_later_one_ended_long_ago(
    world: Rolled, settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, watching = settled
    world.merge(file_spec("d"))
    monkeypatch.setenv("GIT_COMMITTER_DATE", world.now.isoformat())
    world.reconcile(serving=git_reach(world))
    assert world.status.records[-1].phase is Phase.REFUSED
    take_back_here(world, spec)
    world.now += 2 * DAY
    assert world.reconcile() == ()  # it is idle
    watching.pull()
    watching.look()
    assert (watching.events, world.served()) == ([STOPPED], spec.champion_version)


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_machine_that_was_cut_off_for_days_does_what_git_recorded_meanwhile(
    world: Rolled, running, monkeypatch: pytest.MonkeyPatch, is_restarted: bool
) -> None:
    spec, watching = running
    world.record(spec)
    watching.look()
    world.tell(Command(Verb.ABORT, spec.version))
    monkeypatch.setenv("GIT_COMMITTER_DATE", world.now.isoformat())
    world.reconcile(serving=git_reach(world))
    assert (world.status.records[-1].phase, world.share()) == (Phase.ABORTED, 50)
    world.now += 2 * DAY
    assert world.reconcile() == ()  # it is idle
    if is_restarted:
        watching.restart()
    watching.pull()
    shutil.move(world.serving / "weights.json", world.serving / "away.json")  # it starts later
    watching.look()
    shutil.move(world.serving / "away.json", world.serving / "weights.json")
    world.now += 5 * MINUTE
    watching.look()
    assert (world.share(), watching.events) == (0, [])


def test_a_rollback_here_latches_whom_it_stops_and_else_the_newest_challenger(
    world: Rolled, running
) -> None:
    spec, _ = running
    done: list[SetWeights] = []
    nothing = Hands(lambda effect, _: done.append(effect), print, print, lambda *_: True)
    hands = latching(nothing, world.state(), "users complain", world.now)
    decided = decided_from(world.status, None)
    champion = Routing(spec.champion.digest)
    stopped = Stop("2013-01-01-bbbbbbbbbbbb", 3, "The promotion was reverted.", START)
    for effect in (SetWeights(champion, stopped), SetWeights(champion)):
        hands.set_weights(effect, decided)
    hands.set_weights(SetWeights(Routing(spec.champion.digest, spec.challenger.digest, 5)), decided)
    told = "rolled back here: users complain"
    assert [effect.stop for effect in done] == [
        Stop(stopped.version, 3, told, world.now),
        Stop(spec.version, 1, told, world.now),
        None,
    ]


def test_a_model_that_is_idle_is_not_looked_at_and_makes_no_job_and_no_commit(
    world: Rolled, settled
) -> None:
    _, watching = settled
    before = world.commits()
    watching.look()  # once: nobody knows what was done while no watchdog ran
    (world.serving / "weights.json").unlink()  # whoever asked would find it silent
    for _ in range(4):
        world.now += 5 * MINUTE
        assert watching.look() == []
    assert (world.said[-1:], watching.events) == (["1 model, and nothing rolls out."], [])
    assert world.commits() == before


def test_a_latch_of_an_idle_model_that_cannot_be_read_is_told_and_hinders_no_other(
    world: Rolled, settled
) -> None:
    _, watching = settled
    (world.serving / "perennial.yaml").unlink()
    (world.serving / "perennial.yaml").mkdir()
    before = len(world.said)
    for _ in range(3):
        world.now += 5 * MINUTE
        assert watching.look() == []
    (line,) = [said for said in world.said[before:] if "perennial.yaml" in said]
    assert line.startswith(f"{world.model}: ")
    assert "cannot be read (Is a directory)" in line


def test_a_report_is_believed_only_of_the_attempt_that_runs(world: Rolled, running) -> None:
    spec, watching = running
    world.record(spec, challenger=BAD)
    watching.look()
    ((event, payload),) = watching.reports.values()
    stops = stops_in({"action": event, "client_payload": payload})
    assert stops[world.model].version == spec.version
    Latch(world.serving).save(replace(Latch(world.serving).load(), stop=None))
    elsewhere = git_reach(world)
    world.record(spec)
    old = {world.model: replace(stops[world.model], attempt=7)}
    world.reconcile(serving=elsewhere, stops=old)
    assert world.kinds()[-1] == "stage-2"
    world.reconcile(serving=elsewhere, stops=stops)
    assert world.kinds()[-1] == "ended"


def git_reach(world: Rolled):
    """The settings of a job that cannot reach the traffic layer."""
    serving = world.equipment(world.repository()).serving
    one = serving.default
    traffic = one.traffic.model_copy(update={"reach": "git"})
    return serving.model_copy(update={"default": one.model_copy(update={"traffic": traffic})})


def test_users_follow_the_champion_also_where_the_challenger_is_nowhere_to_be_found(
    world: Rolled, running
) -> None:
    spec, watching = running
    world.health.stop(spec.champion.digest)
    moved = world.health.start(spec.champion.digest)
    (world.serving / "addresses.yaml").write_text(
        f"{spec.champion_version}: 127.0.0.1:{moved}\n{spec.version}: 127.0.0.1:{free_port()}\n"
    )
    served = world.traffic.observe()
    watching.dog.is_applied = False
    watching.look()
    assert world.traffic.observe() == served
    watching.restart()
    watching.look()
    assert world.traffic.observe().champion.port == moved
    assert any("does not answer yet; addresses: " in line for line in world.said)


def test_metrics_that_nobody_can_ask_keep_nobody_from_ending_a_rollout(
    world: Rolled, running
) -> None:
    spec, _ = running
    serving = world.equipment(world.repository()).serving
    metrics = serving.default.metrics.model_copy(update={"file": None})
    default = serving.default.model_copy(update={"metrics": metrics})
    blind = serving.model_copy(update={"default": default})
    world.tell(Command(Verb.ABORT, spec.version))
    world.reconcile(serving=blind)
    assert world.share() == 0
    assert world.status.records[-1].phase is Phase.ABORTED


def test_a_stage_that_it_has_not_pulled_yet_is_not_undone(world: Rolled, running) -> None:
    spec, watching = running
    world.now += HOUR
    world.record(spec)
    world.reconcile()
    assert world.kinds()[-1] == "stage-3"
    (failure,) = watching.look()
    assert "weights of record 0003 are set, and 0002 is the newest that was known" in str(failure)
    assert world.share() == 100
    watching.pull()
    assert watching.look() == []
    world.record(spec, challenger=BAD)  # and what fails is stopped, whatever is known
    watching.look()
    assert world.share() == 0


def test_what_is_still_due_is_told_once(world: Rolled, running) -> None:
    spec, watching = running
    told = []
    watching.dog.equipment = replace(watching.dog.equipment, tell=told.append)
    for _ in range(3):
        world.now += HOUR
        world.record(spec)
        watching.look()
    assert [line for line in told if "status: 0003-stage-3.yaml" in line] == told[:1]
    assert len(told) == 1


def test_a_bug_in_telling_takes_no_traffic_back_and_does_not_end_the_watch(
    world: Rolled, running
) -> None:
    spec, watching = running
    told = []
    watching.dog.equipment = replace(watching.dog.equipment, tell=told.append)
    watching.dog.report = {}.__getitem__  # called with three arguments: a TypeError
    world.record(spec, challenger=BAD)
    first, second = watching.look(), watching.look()
    assert world.share() == 0
    assert [type(error) for error in first + second] == [Bug, Bug]
    assert len([line for line in told if "TypeError" in line]) == 1

    watching.dog.report = watching.report
    assert watching.look() == []
    assert watching.events == [STOPPED]


@pytest.mark.parametrize("lost", ["perennial.yaml", "addresses.yaml"])
def test_a_damaged_latch_or_lost_addresses_keep_nobody_from_stopping(
    world: Rolled, running, lost: str
) -> None:
    spec, watching = running
    world.record(spec, challenger=BAD)
    (world.serving / lost).write_text("{half of a")
    watching.look()
    assert world.share() == 0
    stop = world.latch()
    assert stop is not None
    assert stop.version == spec.version


def test_an_address_of_the_champion_that_is_none_keeps_nobody_from_stopping(
    world: Rolled, running
) -> None:
    spec, watching = running
    addresses = world.serving / "addresses.yaml"
    addresses.write_text(f"{addresses.read_text()}{spec.champion_version}: localhost\n")
    world.record(spec, challenger=BAD)
    assert watching.look() == []
    assert world.share() == 0
    assert world.served() == spec.champion_version


def test_a_damaged_latch_lets_nobody_give_traffic(world: Rolled, running) -> None:
    spec, _ = running
    before = world.share()
    (world.serving / "perennial.yaml").write_text("{half of a")
    world.now += HOUR
    world.record(spec)
    (result,) = world.reconcile()
    assert world.share() == before
    assert any("perennial.yaml" in str(error) for error in result.failures)


def test_a_traffic_layer_that_is_silent_is_told_once_with_its_reason(
    world: Rolled, running
) -> None:
    spec, watching = running
    kept = world.serving / "away.json"

    def told() -> list[str]:
        return [line for line in world.said if line.startswith("flight-delay: traffic: ")]

    for _ in range(2):
        shutil.move(world.serving / "weights.json", kept)
        world.record(spec)
        watching.look()
        watching.look()
        shutil.move(kept, world.serving / "weights.json")
        watching.look()
    silent = f"flight-delay: traffic: {world.serving / 'weights.json'}: nothing serves"
    assert told() == [silent] * 2
    shutil.move(world.serving / "weights.json", kept)
    world.reconcile()
    assert told() == [silent] * 3


def unwritable(world: Rolled, file: str) -> None:
    """Nobody can replace `file` any more, not even root: its neighbour's name is a folder's."""
    (world.serving / f".{file}.{os.getpid()}.tmp").mkdir()


def test_a_latch_that_cannot_be_written_keeps_nobody_from_stopping_telling_and_recording(
    world: Rolled, running
) -> None:
    spec, watching = running
    unwritable(world, "perennial.yaml")
    world.record(spec, challenger=BAD)
    assert "perennial.yaml: cannot be written" in str(watching.look()[0])
    assert world.share() == 0
    assert watching.events == [STOPPED]
    (result,) = world.reconcile()
    assert "perennial.yaml: cannot be written" in str(result.failures[0])
    assert world.status.records[-1].phase is Phase.ROLLED_BACK
    assert any("ALERT" in line for line in world.said)


def test_a_latch_that_cannot_be_read_keeps_nobody_from_stopping_telling_and_recording(
    world: Rolled, running
) -> None:
    spec, watching = running
    latch = world.serving / "perennial.yaml"
    latch.unlink()
    latch.mkdir()
    world.record(spec, challenger=BAD)
    watching.look()
    assert world.share() == 0
    assert watching.events == [STOPPED]
    world.reconcile()
    assert world.status.records[-1].phase is Phase.ROLLED_BACK


def test_a_lock_that_cannot_be_opened_keeps_nobody_from_stopping_telling_and_recording(
    world: Rolled, running
) -> None:
    spec, watching = running
    lock = world.serving / "perennial.lock"
    lock.unlink()
    lock.mkdir()
    world.record(spec, challenger=BAD)
    assert "perennial.lock: cannot be opened" in str(watching.look()[0])
    assert world.share() == 0
    assert watching.events == [STOPPED]
    (result,) = world.reconcile()
    assert "perennial.lock: cannot be opened" in str(result.failures[0])
    assert world.status.records[-1].phase is Phase.ROLLED_BACK


def test_a_latch_that_cannot_be_written_lets_nobody_give_traffic(world: Rolled, running) -> None:
    spec, _ = running
    unwritable(world, "perennial.yaml")
    before = world.share()
    world.now += HOUR
    world.record(spec)
    (result,) = world.reconcile()
    assert world.share() == before
    assert "perennial.yaml: cannot be written" in str(result.failures[0])


def test_trouble_that_cannot_be_remembered_is_reported_all_the_same(world: Rolled, running) -> None:
    _, watching = running
    unwritable(world, "perennial.yaml")
    (world.serving / "samples.jsonl").unlink()
    assert "perennial.yaml: cannot be written" in str(watching.look()[0])
    assert watching.events == [CHECK]


def test_a_lock_that_a_stopped_process_holds_delays_a_stop_and_gives_nothing(
    world: Rolled, running, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, watching = running
    monkeypatch.setattr(Latch.__init__, "__defaults__", (0.2,))
    hold = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, 2); print(flush=True)"
    command = [sys.executable, "-c", f"{hold}; input()", str(world.serving / "perennial.lock")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        try:
            holder.send_signal(signal.SIGSTOP)
            before = world.share()
            world.now += HOUR
            world.record(spec)
            watching.look()
            assert watching.events == [CHECK]
            assert any("perennial.lock: not to be had within" in line for line in world.said)
            assert world.share() == before
            world.record(spec, challenger=BAD)
            assert "perennial.lock: not to be had within" in str(watching.look()[0])
            assert world.share() == 0
            assert world.latch() is not None
        finally:
            holder.kill()


class Clock:
    """Time that goes by as somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("is_bad", [True, False], ids=["stops", "is blind"])
def test_a_lock_that_a_stopped_process_holds_is_waited_for_once_in_a_look(
    world: Rolled, running, monkeypatch: pytest.MonkeyPatch, is_bad: bool
) -> None:
    spec, watching = running
    clock = Clock()
    monkeypatch.setattr("pipeline.rolling.latch.time", clock)
    with (world.serving / "perennial.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_bad:
            world.record(spec, challenger=BAD)
        else:
            (world.serving / "samples.jsonl").unlink()
        for looks in (1, 2):
            watching.look()
            assert clock.now == pytest.approx(looks * LOCK_SECONDS, abs=1)
    assert world.share() == (0 if is_bad else 50)


@pytest.mark.parametrize(("percent", "is_stop"), [(100, False), (0, False), (0, True)])
def test_without_the_lock_traffic_is_changed_by_a_stop_alone(
    world: Rolled, running, percent: float, is_stop: bool
) -> None:
    """Whoever holds it may be giving or taking traffic at this very moment."""
    spec, _ = running
    state = world.state()
    eyes, _ = world.equipment(world.repository()).equip(state, Latch(world.serving, 0.05))
    stop = Stop(spec.version, 1, "errors", world.now) if is_stop else None
    routing = Routing(spec.champion.digest, spec.challenger.digest, percent)
    decided = decided_from(state.status, None)
    with (world.serving / "perennial.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(OutsideError, match=r"perennial\.lock: not to be had"):
            eyes.traffic.apply(routing, stop, decided=decided, salt=spec.version)
    assert world.share() == (percent if is_stop else 50)


def test_a_bookmark_that_cannot_be_written_keeps_nobody_from_reading_git(
    world: Rolled, running
) -> None:
    _, watching = running
    lock = world.folder / "watcher/.git/refs/perennial/seen/main.lock"
    lock.touch()  # what a git leaves that is killed there
    world.people.joinpath("note").write_text("anything")
    world.push("Anything")
    watching.pull()
    assert watching.snapshot.commit == world.tip()
    assert lock.exists()  # it may be another git's, at this very moment
    os.utime(lock, (0, 0))
    watching.pull()
    assert not lock.exists()
    known = watching.repository.last_known()
    assert known is not None
    assert known.commit == world.tip()


def test_a_git_that_cannot_be_read_is_told_again_and_for_how_long(
    world: Rolled, running, capsys: pytest.CaptureFixture[str]
) -> None:
    _, watching = running
    loop = Loop(watching.repository, watching.dog, frozenset(), repeat_seconds=0)
    patient = Loop(watching.repository, watching.dog, frozenset())
    (world.folder / "remote.git").rename(world.folder / "away")
    for number in range(3):
        assert loop.once()
        assert capsys.readouterr().out.count("Git has not been read for 0 minutes") == (number > 0)
        patient.once()
        assert ("git: " in capsys.readouterr().out) == (number == 0)
