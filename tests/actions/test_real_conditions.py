"""Each `if` of our own workflow files says what we mean by it, as GitHub evaluates it."""

import pytest

from tests.actions.engine import engine
from tests.actions.ours import decided, dispatch, event, pull_request, push, read
from tests.servers.github_standin import APP_BOT

US, THEM = "perennial@noreply.invalid", "noreply@github.com"
US_BEFORE = "perennial@users.noreply.github.com"
ON = {"PERENNIAL_MONITOR": "on", "PERENNIAL_ROLLOUT": "on"}


@pytest.mark.parametrize(
    ("file", "job"),
    [("monitor.yml", "check"), ("dashboard.yml", "update"), ("rollout.yml", "reconcile")],
)
def test_the_clock_costs_nothing_until_a_variable_is_on_and_people_need_none(world, file, job):
    tick = event(world, "schedule")
    assert not decided(world, file, tick, job)
    assert not decided(world, file, tick, job, dict.fromkeys(ON, "off"))
    assert decided(world, file, tick, job, ON)
    assert decided(world, file, dispatch(world), job)


@pytest.mark.parametrize(
    ("is_broken", "is_cancelled", "is_run"),
    [(False, False, True), (True, False, True), (False, True, False)],
)
def test_proposals_are_judged_again_though_the_check_of_the_triggers_failed(
    is_broken, is_cancelled, is_run
):
    steps = read("monitor.yml").jobs["check"]["steps"]
    [renew] = [step for step in steps if "renew_reviews" in str(step.get("run", ""))]
    status = {
        "success": not is_broken and not is_cancelled,
        "failure": is_broken,
        "cancelled": is_cancelled,
    }
    assert engine().condition(renew["if"], {"github": {}}, status) is is_run


def test_a_site_is_only_built_where_people_want_one_and_only_published_if_it_was(world):
    tick = event(world, "schedule")
    assert not decided(world, "dashboard.yml", tick, "pages", ON)
    assert decided(world, "dashboard.yml", tick, "pages", {"PERENNIAL_PAGES": "on"})
    for built, is_published in (("success", True), ("skipped", False), ("failure", False)):
        assert decided(world, "dashboard.yml", tick, "publish", pages=built) is is_published


def test_only_a_manual_retrain_waits_for_people(world):
    assert decided(world, "retrain.yml", dispatch(world), "approve")
    for name in ("schedule", "repository_dispatch"):
        assert not decided(world, "retrain.yml", event(world, name), "approve", ON)


@pytest.mark.parametrize(
    ("name", "approve", "variables", "is_admitted"),
    [
        ("schedule", "skipped", ON, True),
        ("schedule", "skipped", {}, False),
        ("repository_dispatch", "skipped", {}, True),
        ("workflow_dispatch", "success", {}, True),
        ("workflow_dispatch", "failure", {}, False),
    ],
)
def test_a_retrain_is_admitted_unless_people_refuse_it(
    world, name, approve, variables, is_admitted
):
    started_by = event(world, name, {"inputs": {}})
    found = decided(world, "retrain.yml", started_by, "admit", variables, approve=approve)
    assert found is is_admitted


YES = ("success", {"admitted": "true"})
PROPOSED = ("success", {"outcome": "proposed"})


@pytest.mark.parametrize(
    ("admit", "train", "propose", "runs"),
    [
        (("success", {"admitted": "false"}), "skipped", "skipped", (False, False, False)),
        ("failure", "skipped", "skipped", (False, False, False)),
        (YES, PROPOSED, "success", (True, True, True)),
        (YES, PROPOSED, "failure", (True, True, True)),
        (YES, ("success", {"outcome": "lost"}), "skipped", (True, False, True)),
        (YES, "failure", "skipped", (True, False, True)),
        (YES, "cancelled", "skipped", (True, False, True)),
    ],
)
def test_what_was_admitted_is_always_settled_and_only_a_winner_is_proposed(
    world, admit, train, propose, runs
):
    given = {"approve": "skipped", "admit": admit, "train": train, "propose": propose}
    alert = event(world, "repository_dispatch")
    asked = (("train", 2), ("propose", 3), ("settle", 4))
    found = [
        decided(world, "retrain.yml", alert, job, **dict(list(given.items())[:known]))
        for job, known in asked
    ]
    assert tuple(found) == runs


@pytest.mark.parametrize(
    ("told", "propose", "outcome"),
    [
        ("proposed", "success", "proposed"),
        ("proposed", "failure", "failed"),
        ("proposed", "cancelled", "failed"),
        ("proposed", "skipped", "failed"),
        ("lost", "skipped", "lost"),
        ("incident", "skipped", "incident"),
        ("", "skipped", "failed"),
    ],
)
def test_what_was_not_proposed_is_never_settled_as_proposed(told, propose, outcome):
    jobs = read("retrain.yml").jobs
    [settle] = [step for step in jobs["settle"]["steps"] if step.get("name") == "Settle"]
    needs = {"train": {"outputs": {"outcome": told}}, "propose": {"result": propose}}
    found = engine().resolve(settle["env"]["OUTCOME"], {"needs": needs})
    assert found == outcome


@pytest.mark.parametrize(
    ("changes", "is_recomputed", "is_verified"),
    [
        ({}, True, True),
        ({"branch": "feature"}, False, True),
        ({"fork": "mallory"}, False, True),
        ({"name": "pull_request_review"}, True, True),
        ({"name": "pull_request_review", "state": "changes_requested"}, True, True),
        ({"name": "pull_request_review", "state": "commented"}, False, False),
        ({"name": "pull_request_review", "fork": "mallory"}, False, False),
    ],
)
def test_figures_are_worked_out_for_our_own_branches_and_no_fork_gets_a_review_run(
    world, changes, is_recomputed, is_verified
):
    started_by = pull_request(world, **changes)
    assert decided(world, "review.yml", started_by, "recompute") is is_recomputed
    result = "success" if is_recomputed else "skipped"
    assert decided(world, "review.yml", started_by, "verify", recompute=result) is is_verified
    failed = decided(world, "review.yml", started_by, "verify", recompute="failure")
    assert failed is is_verified


def test_only_a_stale_proposal_asks_for_another_evaluation(world):
    started_by = pull_request(world)
    for stale, is_asked in (("true", True), ("false", False), ("", False)):
        verify = ("success", {"stale": stale})
        found = decided(
            world, "review.yml", started_by, "refresh", recompute="success", verify=verify
        )
        assert found is is_asked


def test_a_rollout_follows_merges_and_people_and_not_its_own_commits(world):
    assert decided(world, "rollout.yml", push(world, THEM), "reconcile")
    assert decided(world, "rollout.yml", push(world, THEM, by=APP_BOT), "reconcile")
    for ours in (US, US_BEFORE):
        assert not decided(world, "rollout.yml", push(world, ours, by=APP_BOT), "reconcile", ON)
    # control_rollout and roll_back, typed by a person and pushed by them
    assert decided(world, "rollout.yml", push(world, US), "reconcile")
    assert decided(world, "rollout.yml", event(world, "repository_dispatch"), "reconcile")


@pytest.mark.parametrize(
    ("command", "is_told"), [("look", False), ("pause", True), ("abort", True), ("", False)]
)
def test_a_command_is_told_only_if_there_is_one(world, command, is_told):
    workflow = read("rollout.yml")
    [tell] = [s for s in workflow.jobs["reconcile"]["steps"] if s.get("name") == "Tell"]
    contexts = {"inputs": {"command": command}}
    status = {"success": True, "failure": False, "cancelled": False}
    assert engine().condition(tell["if"], contexts, status) is is_told


@pytest.mark.parametrize(
    ("propose", "variables", "is_signed"),
    [
        (("success", {"evidence_digest": "sha256:0a"}), {"PERENNIAL_ATTEST": "on"}, True),
        (("success", {"evidence_digest": "sha256:0a"}), {}, False),
        (("success", {}), {"PERENNIAL_ATTEST": "on"}, False),
        ("failure", {"PERENNIAL_ATTEST": "on"}, False),
        ("skipped", {"PERENNIAL_ATTEST": "on"}, False),
    ],
)
def test_only_what_was_proposed_is_signed_and_only_where_people_want_it(
    world, propose, variables, is_signed
):
    needs = {"approve": "skipped", "admit": YES, "train": PROPOSED, "propose": propose}
    alert = event(world, "repository_dispatch")
    assert decided(world, "retrain.yml", alert, "attest", variables, **needs) is is_signed
