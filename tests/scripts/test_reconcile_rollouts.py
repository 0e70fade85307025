"""The command lines of a rollout, as a job or a person runs them: reconcile, control, roll back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.manifest import rollout_path, version_of
from pipeline.rollout_commands import Command, Verb
from pipeline.rollout_status import Kind, Phase, render_record, status_path
from tests.called import Called, call_script
from tests.proposals import write
from tests.repository import ROOT, git
from tests.rolling.rolled import Rolled, file_spec, roll, rolled
from tests.rollouts import BAD
from tests.servers.ports import free_port

STAGES = [
    {"traffic_percentage": w, "duration": "1h", "success_criteria": {"error_rate_max": 0.02}}
    for w in (50, 100)
]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Rolled]:
    with rolled(tmp_path / "world") as found:
        clone = found.clone("runner")
        settings = {
            "backends": {"file": str(found.serving / "addresses.yaml")},
            "traffic": {"reach": "git"},
            "metrics": {"file": str(found.serving / "samples.jsonl")},
        }
        (clone / "configs").mkdir()
        text = json.dumps({"serving": {"default": settings}})  # JSON is YAML
        (clone / "configs/serving.yaml").write_text(text)
        yield found


def run(world: Rolled, script: str, *arguments: str, **environment: str) -> Called:
    return call_script(world.clone("runner"), script, *arguments, **environment)


def test_it_prints_the_plan_and_changes_nothing_until_apply(world: Rolled) -> None:
    spec = file_spec(canary_stages=STAGES)
    tip = world.merge(spec)
    record_now(world, spec)
    planned = run(world, "reconcile_rollouts")
    assert planned.returncode == 0, planned.stderr
    assert "status: 0001-stage-1.yaml (Progressing)" in planned.stdout
    assert "Nothing was changed. --apply does it." in planned.stdout
    assert world.tip() == tip
    assert run(world, "reconcile_rollouts", "--apply").returncode == 0
    assert world.kinds() == ["stage-1"]


def test_a_job_of_an_idle_repository_asks_no_server(world: Rolled) -> None:
    sha = git(world.clone("runner"), "rev-parse", "HEAD").strip()
    (world.folder / "remote.git").rename(world.folder / "away.git")
    done = run(world, "reconcile_rollouts", "--model=", "--apply", GITHUB_SHA=sha)
    assert (done.returncode, done.stdout) == (0, "Nothing rolls out.\n")
    assert run(world, "reconcile_rollouts", "--apply").returncode == 3  # a person's clone does ask


def test_what_a_watchdog_reported_is_recorded(world: Rolled, tmp_path: Path) -> None:
    spec = file_spec(canary_stages=STAGES)
    world.merge(spec)
    run(world, "reconcile_rollouts", "--apply")
    stop = {"version": spec.version, "attempt": 1, "reason": "errors", "at": "2026-01-01T00:00:00Z"}
    payload = {"schema": 1, "model": world.model, "stop": stop}
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"action": "rollout-stopped", "client_payload": payload}))
    job = {
        "GITHUB_EVENT_NAME": "repository_dispatch",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_RUN_ID": "1",
    }
    done = run(world, "reconcile_rollouts", "--apply", **job)
    assert done.returncode == 0, done.stderr
    assert world.status.records[-1].reason == "Stopped at the traffic layer: errors"
    event.write_text(json.dumps({"action": "rollout-stopped", "client_payload": {"model": "$(x)"}}))
    assert run(world, "reconcile_rollouts", "--apply", **job).returncode == 2


def test_no_secret_is_printed_where_chat_and_registry_are_down(world: Rolled) -> None:
    spec = file_spec(canary_stages=STAGES)
    world.merge(spec)
    run(world, "reconcile_rollouts", "--apply")
    record_now(world, spec, challenger=BAD)
    place = f"127.0.0.1:{free_port()}"
    done = run(
        world,
        "reconcile_rollouts",
        "--apply",
        ALERT_WEBHOOK_URL=f"http://{place}/services/s3cret-chat",
        MLFLOW_TRACKING_URI=f"http://ada:s3cret-registry@{place}",
    )
    assert done.returncode == 3
    assert world.status.records[-1].phase is Phase.ROLLED_BACK
    for told in ("webhook did not answer", "MLflow at"):
        assert told in done.stdout
    assert "s3cret" not in done.stdout + done.stderr


def test_commands_find_by_themselves_what_they_mean(world: Rolled) -> None:
    spec = file_spec(canary_stages=STAGES)
    world.merge(spec)
    model = ("--model", world.model, "--reason", "I want\nto look", "--by", "Ada", "--apply")
    assert run(world, "control_rollout", "pause", *model).returncode == 1  # nothing runs yet
    run(world, "reconcile_rollouts", "--apply")
    for verb, phase in (
        ("pause", Phase.PAUSED),
        ("resume", Phase.PROGRESSING),
        ("abort", Phase.ABORTED),
        ("retry", Phase.PROGRESSING),
    ):
        told = run(world, "control_rollout", verb, *model)
        assert told.returncode == 0, told.stderr
        again = run(world, "control_rollout", verb, *model)
        assert "said already" in again.stdout or again.returncode == 1
        record_now(world, spec)
        run(world, "reconcile_rollouts", "--apply")
        assert world.status.records[-1].phase is phase, verb
    assert world.status.records[-1].attempt == 2
    log = git(world.folder / "remote.git", "log", "--format=%B", "main")
    assert "Said by Ada." in log
    assert "I want\\nto look" in log


def record_now(world: Rolled, spec, **values) -> None:
    """Metrics of this very moment: the script's clock is the real one."""
    world.now = datetime.now(UTC)
    world.record(spec, **values)


def test_one_click_reverts_the_merge_and_applies_it_and_twice_is_once(world: Rolled) -> None:
    spec = file_spec(canary_stages=STAGES)
    merge = world.merge(spec)
    record_now(world, spec)
    run(world, "reconcile_rollouts", "--apply")
    arguments = ("--model", world.model, "--reason", "users complain", "--by", "Ada")
    planned = run(world, "roll_back", *arguments)
    assert "revert " + merge[:12] in planned.stdout
    assert world.kinds() == ["stage-1"]
    done = run(world, "roll_back", *arguments, "--apply")
    assert done.returncode == 0, done.stderr
    assert world.kinds() == ["stage-1", "ended"]
    assert world.state().spec is None
    assert not git(world.folder / "remote.git", "ls-tree", "-r", "main", "--", "evidence")
    tip = world.tip()
    again = run(world, "roll_back", *arguments, "--apply")
    assert (again.returncode, world.tip()) == (0, tip)
    assert run(world, "replay_rollout").returncode == 0


def test_a_rollback_comes_about_where_the_rest_of_the_merge_conflicts(world: Rolled) -> None:
    spec = file_spec(canary_stages=STAGES)
    world.merge(spec)
    run(world, "reconcile_rollouts", "--apply")
    world.pull()
    evidence = world.people / spec.evidence.path / "artifacts/reference.json"
    evidence.write_text("changed since\n")
    world.push("Change what the merge brought")
    done = run(world, "roll_back", "--model", world.model, "--reason", "users complain", "--apply")
    assert done.returncode == 0, done.stderr
    assert "The rest conflicts" in done.stdout
    assert world.status.records[-1].phase is Phase.ROLLED_BACK


def test_a_rollback_of_a_merge_that_also_changed_a_workflow_leaves_the_workflow(
    world: Rolled,
) -> None:
    """GitHub refuses the jobs' tokens an old workflow, and so would refuse the whole revert."""
    spec = file_spec(canary_stages=STAGES)
    workflow = ".github/workflows/ci.yml"
    write(world.people, {workflow: "before\n"})
    world.push("A workflow")
    world.merge(spec, beside={workflow: "now\n"})
    run(world, "reconcile_rollouts", "--apply")
    done = run(world, "roll_back", "--model", world.model, "--reason", "users complain", "--apply")
    assert done.returncode == 0, done.stderr
    assert "changes a workflow" in done.stdout
    assert world.status.records[-1].phase is Phase.ROLLED_BACK
    assert git(world.folder / "remote.git", "show", f"main:{workflow}") == "now\n"
    reverted = commit_of(world, f"{world.model}: roll back")
    changed = git(world.folder / "remote.git", "show", "--format=", "--name-only", reverted)
    assert changed.split() == [f"rollouts/{world.model}/rollout.yaml"]


def comment(manifest: str) -> str:
    return f"# seen by Ada\n{manifest}"


def other_plan(manifest: str) -> str:
    return manifest.replace("duration: 1h", "duration: 2h")


def broken(manifest: str) -> str:
    return manifest.replace("retrain:", "retrain: [")


@pytest.mark.parametrize("changed", [comment, other_plan, broken])
@pytest.mark.parametrize("is_undone", [False, True])
def test_a_manifest_that_was_edited_since_its_merge_is_rolled_back_all_the_same(
    world: Rolled, changed: Callable[[str], str], is_undone: bool
) -> None:
    spec = file_spec(canary_stages=STAGES)
    merge = world.merge(spec)
    record_now(world, spec)
    run(world, "reconcile_rollouts", "--apply")
    world.pull()
    manifest = rollout_path(world.people, world.model)
    manifest.write_text(changed(manifest.read_text()))
    edited = world.push("Edit the manifest")
    record_now(world, spec)
    run(world, "reconcile_rollouts", "--apply")
    if is_undone:
        world.revert(edited)
    done = run(world, "roll_back", "--model", world.model, "--reason", "users complain", "--apply")
    assert done.returncode == 0, done.stderr
    assert f"revert {merge[:12]}" in done.stdout
    assert world.state().spec is None
    assert world.status.records[-1].phase is Phase.ROLLED_BACK
    tip = world.tip()
    assert run(world, "roll_back", "--model", world.model, "--reason=x", "--apply").returncode == 0
    assert world.tip() == tip


def test_a_challenger_that_was_tried_again_after_its_revert_is_rolled_back_again(
    world: Rolled,
) -> None:
    spec = file_spec(canary_stages=STAGES)
    world.merge(spec)
    record_now(world, spec)
    run(world, "reconcile_rollouts", "--apply")
    arguments = ("--model", world.model, "--reason", "users complain", "--apply")
    assert run(world, "roll_back", *arguments).returncode == 0
    world.revert(commit_of(world, f"{world.model}: roll back"))
    world.tell(Command(Verb.RETRY, spec.version, 1))
    record_now(world, spec)
    run(world, "reconcile_rollouts", "--apply")
    assert world.kinds()[-1] == "stage-1"
    done = run(world, "roll_back", *arguments)
    assert done.returncode == 0, done.stderr
    assert world.status.records[-1].phase is Phase.ROLLED_BACK


def test_a_revert_whose_traffic_fails_says_that_it_is_in_git(world: Rolled) -> None:
    spec = file_spec(canary_stages=STAGES)
    world.merge(spec)
    record_now(world, spec)
    run(world, "reconcile_rollouts", "--apply")
    settings = world.clone("runner") / "configs/serving.yaml"
    settings.write_text(settings.read_text().replace("reach", "raech"))
    done = run(world, "roll_back", "--model", world.model, "--reason", "users complain", "--apply")
    assert done.returncode == 2
    assert "The merge is reverted in git" in done.stderr
    assert world.state().spec is None


def edit(world: Rolled) -> None:
    """A longer stage in the manifest that is there."""
    world.pull()
    manifest = rollout_path(world.people, world.model)
    text = manifest.read_text()
    manifest.write_text(other_plan(text))
    assert manifest.read_text() != text
    world.push("Edit the plan")


def roll_back(world: Rolled, *more: str) -> Called:
    why = ("--model", world.model, "--reason", "users complain", *more, "--apply")
    return run(world, "roll_back", *why)


@pytest.mark.parametrize("until", ["promoted", "settled"])
def test_a_promoted_model_whose_manifest_was_edited_is_rolled_back(
    world: Rolled, until: str
) -> None:
    spec = file_spec(canary_stages=STAGES)
    world.merge(spec)
    roll(world, spec, until)
    edit(world)
    world.record(spec)
    world.reconcile()
    assert world.kinds()[-1] == until
    done = roll_back(world)
    assert done.returncode == 0, done.stderr
    assert f"{spec.champion_version} serves everyone.\n" in done.stdout
    assert world.champion() == spec.champion
    tip = world.tip()
    assert (roll_back(world).returncode, world.tip()) == (0, tip)


def test_what_bakes_is_rolled_back_together_with_the_merge_that_waits_for_it(world: Rolled) -> None:
    spec, newer = file_spec(canary_stages=STAGES), file_spec("d", "a", canary_stages=STAGES)
    world.merge(spec)
    roll(world, spec, "promoted")
    promotion, merge = world.tip(), world.merge(newer)
    world.reconcile()
    done = roll_back(world)
    assert done.returncode == 0, done.stderr
    assert f"revert {merge[:12]} and {promotion[:12]}" in done.stdout
    assert (world.champion(), world.state().spec) == (spec.champion, spec)
    assert world.status.records[-1].phase is Phase.ROLLED_BACK
    tip = world.tip()
    assert (roll_back(world).returncode, world.tip()) == (0, tip)
    assert run(world, "replay_rollout").returncode == 0


def test_a_champion_whose_rollout_is_over_in_git_is_rolled_back_by_its_promotion(
    world: Rolled,
) -> None:
    """As git has it where an edit of its manifest was once taken for a rollout, and refused."""
    spec = file_spec(canary_stages=STAGES)
    world.merge(spec)
    roll(world, spec, "settled")
    edit(world)
    last, manifest = world.status.records[-1], world.state().spec
    over = {"sequence": last.sequence + 1, "kind": Kind.ENDED, "phase": Phase.REFUSED, "attempt": 2}
    none = {"spec": manifest.digest, "weight_percent": 0.0, "champion_before": None}
    refused = last.model_copy(update={**over, **none})
    path = status_path(world.people, world.model) / refused.name
    path.write_text(render_record(refused))
    world.push("Refuse it")
    done = roll_back(world)
    assert done.returncode == 0, done.stderr
    assert world.champion() == spec.champion
    tip = world.tip()
    assert (roll_back(world).returncode, world.tip()) == (0, tip)


def test_a_rollback_that_leaves_the_new_champion_serving_says_so(world: Rolled) -> None:
    """The newest merge was reverted, so one more revert would be of an older one."""
    spec, newer = file_spec(canary_stages=STAGES), file_spec("d", "c", canary_stages=STAGES)
    world.merge(spec)
    roll(world, spec, "promoted")
    promotion = world.tip()
    world.revert(world.merge(newer))
    world.record(spec)
    done = roll_back(world)
    assert done.returncode == 1
    assert f"{spec.version} serves everyone all the same" in done.stderr
    assert f"--version {spec.version} --reason" in done.stderr
    done = roll_back(world, "--version", spec.version)
    assert (done.returncode, world.champion()) == (0, spec.champion)
    assert f"revert {promotion[:12]}\n" in done.stdout


def test_a_stopped_model_that_a_person_made_champion_is_said_to_serve(world: Rolled) -> None:
    spec = file_spec(canary_stages=STAGES)
    world.merge(spec)
    run(world, "reconcile_rollouts", "--apply")
    assert roll_back(world).returncode == 0
    world.pull()
    pointer = world.people / f"rollouts/{world.model}/champion.yaml"
    pointer.write_text(pointer.read_text().replace("a" * 64, "c" * 64))
    world.push("Serve it all the same")
    done = roll_back(world)
    assert done.returncode == 1
    assert "put the one of before into champion.yaml" in done.stderr


def test_the_revert_of_a_next_challenger_leaves_the_champion_and_names_it(world: Rolled) -> None:
    spec, newer = file_spec(canary_stages=STAGES), file_spec("d", "a", canary_stages=STAGES)
    world.merge(spec)
    roll(world, spec, "settled")
    champion = world.champion()
    world.merge(newer)
    world.reconcile()
    assert world.status.records[-1].phase is Phase.REFUSED  # compared with the champion of before
    done = roll_back(world)
    assert done.returncode == 0, done.stderr
    assert f"{version_of(champion.digest, champion.as_of)} serves everyone." in done.stdout
    assert world.champion() == champion


@pytest.mark.parametrize("is_running", [False, True], ids=["was refused", "is running"])
def test_a_champion_that_is_named_is_taken_back_whatever_was_merged_after_it(
    world: Rolled, is_running: bool
) -> None:
    spec, newer = file_spec(canary_stages=STAGES), file_spec("d", "a", canary_stages=STAGES)
    world.merge(spec)
    roll(world, spec, "settled")
    if is_running:  # compared with the champion of now
        newer = newer.model_copy(update={"champion": world.champion()})
    world.merge(newer)
    world.record(newer)
    world.reconcile()
    if not is_running:
        done = roll_back(world)
        assert (done.returncode, world.served()) == (0, spec.version)
        assert f"{spec.version} serves everyone.\nIf that one is what hurts: " in done.stdout
        assert f"--version {spec.version} --reason" in done.stdout
    done = roll_back(world, "--version", spec.version)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"{spec.champion_version} serves everyone.\n")
    assert world.champion() == spec.champion
    last = world.status.records[-1]
    assert (last.version, last.phase) == (spec.version, Phase.ROLLED_BACK)
    tip = world.tip()
    world.reconcile()  # beside the traffic layer
    assert (world.served(), world.share()) == (spec.champion_version, 0)
    assert world.latch().version == spec.version
    assert (roll_back(world, "--version", spec.version).returncode, world.tip()) == (0, tip)
    assert (roll_back(world).returncode, world.tip()) == (0, tip)
    assert run(world, "replay_rollout").returncode == 0


def test_a_version_that_waits_is_taken_back_and_what_bakes_is_left(world: Rolled) -> None:
    spec, newer = file_spec(canary_stages=STAGES), file_spec("d", "a", canary_stages=STAGES)
    world.merge(spec)
    roll(world, spec, "promoted")
    merge = world.merge(newer)
    champion = world.champion()
    done = roll_back(world, "--version", newer.version)
    assert f"revert {merge[:12]}\n" in done.stdout
    assert (world.champion(), world.state().spec, world.served()) == (champion, spec, spec.version)


def test_a_version_that_nobody_knows_is_a_wrong_argument(world: Rolled) -> None:
    spec = file_spec(canary_stages=STAGES)
    world.merge(spec)
    roll(world, spec, "stage-1")
    tip = world.tip()
    done = roll_back(world, "--version", spec.version[:-1])
    assert (done.returncode, world.tip()) == (2, tip)
    assert f"did you mean {spec.version!r}?" in done.stderr


def commit_of(world: Rolled, subject: str) -> str:
    log = git(world.folder / "remote.git", "log", "--format=%H %s", "main").splitlines()
    return next(line.split()[0] for line in log if line.endswith(f" {subject}"))


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("reconcile_rollouts", ()),
        ("replay_rollout", ()),
        ("watch_rollout", ("--once", "--apply")),
        ("control_rollout", ("pause", "--reason", "to look")),
        ("roll_back", ("--reason", "users complain")),
    ],
)
def test_a_model_that_nobody_knows_is_a_wrong_argument(
    world: Rolled, script: str, arguments: tuple[str, ...]
) -> None:
    done = run(world, script, *arguments, "--model", "flight-dealy")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "did you mean 'flight-delay'?" in done.stderr


def test_in_a_new_repository_no_model_serves_yet(world: Rolled) -> None:
    world.pull()
    shipped = (ROOT / "rollouts/flight-delay/champion.yaml").read_text()
    (world.people / "rollouts/flight-delay/champion.yaml").write_text(shipped)
    world.push("Begin")
    done = run(world, "control_rollout", "pause", "--model", world.model, "--reason", "to look")
    assert done.returncode == 1, done.stderr
    said = "GateRefused: flight-delay: no model serves yet, so there is nothing to pause.\n"
    assert done.stderr == said
    assert run(world, "reconcile_rollouts", "--model", world.model).returncode == 0
