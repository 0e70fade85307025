"""review.yml works a retrain's figures out once for two commits: the pull request's and main's."""

from pathlib import Path
from typing import Any

import pytest

from tests.actions.engine import engine
from tests.actions.ours import FILES, read

HEAD, MAIN, OTHER = "a" * 40, "b" * 40, "c" * 40
FIGURES = {"head": HEAD, "main": MAIN, "as_claimed": "true"}
STATUS = {"success": True, "failure": False, "cancelled": False}


def steps() -> dict[str, Any]:
    """The steps of the job, by their names or ids."""
    found = read("review.yml").jobs["recompute"]["steps"]
    return {step.get("id") or step.get("name") or step["uses"]: step for step in found}


def contexts(
    event: str,
    hit: str = "",
    figures: dict[str, str] | None = None,
    *,
    head=HEAD,
    main=MAIN,
    kept_for="",
) -> Any:
    outputs = {
        "main": {"commit": main, "ref": "main"},
        "kept": {"cache-hit": hit} if hit else {},
        "figures": figures or {},
    }
    is_asked_for = event == "workflow_dispatch"
    about = {"pull_request": {"number": 7, "title": "x", "head": {"sha": head}}}
    return {
        "github": {"event_name": event, "event": {} if is_asked_for else about},
        "inputs": {"pull_request": 7, "kept_for": kept_for} if is_asked_for else {},
        "steps": {name: {"outputs": each, "outcome": "success"} for name, each in outputs.items()},
    }


def runs(step: str, seen: Any) -> bool:
    return engine().condition(steps()[step]["if"], seen, STATUS)


def key(step: str, seen: Any) -> str:
    return engine().strings(steps()[step]["with"], seen, Path())["key"]


SAVE = "Keep them for the next review"


@pytest.mark.parametrize(
    ("event", "as_claimed", "is_looked_for", "is_kept"),
    [
        ("pull_request_target", "true", True, False),
        ("pull_request_review", "true", True, True),
        ("workflow_dispatch", "true", False, True),
        ("pull_request_review", "false", True, False),
        ("workflow_dispatch", "false", False, False),
    ],
)
def test_figures_that_came_out_as_claimed_are_kept_and_by_hand_they_are_worked_out_anew(
    event, as_claimed, is_looked_for, is_kept
):
    assert runs("kept", contexts(event)) is is_looked_for
    assert runs(SAVE, contexts(event, figures={**FIGURES, "as_claimed": as_claimed})) is is_kept


@pytest.mark.parametrize(("hit", "is_worked_out"), [("", True), ("false", True), ("true", False)])
def test_they_are_worked_out_unless_the_very_same_are_there(hit, is_worked_out):
    seen = contexts("pull_request_review", hit)
    assert runs("figures", seen) is is_worked_out
    assert runs("./.github/actions/setup", seen) is is_worked_out
    assert not runs(SAVE, seen)


def test_they_are_looked_for_by_the_commits_that_they_were_kept_under_and_no_others():
    kept_as = key(SAVE, contexts("pull_request_review", figures=FIGURES, head=OTHER, main=OTHER))
    assert kept_as == f"recomputed-{HEAD}-{MAIN}"
    assert key("kept", contexts("pull_request_review")) == kept_as
    assert runs("kept", contexts("workflow_dispatch", kept_for=HEAD))
    assert key("kept", contexts("workflow_dispatch", kept_for=HEAD)) == kept_as
    for moved in ({"head": OTHER}, {"main": OTHER}):
        assert key("kept", contexts("pull_request_review", **moved)) != kept_as


def test_only_a_job_that_may_write_nothing_takes_what_others_kept():
    users = [
        (path.stem, name, job["permissions"])
        for path in FILES
        for name, job in read(path.name).jobs.items()
        if any(step.get("uses", "").startswith("actions/cache") for step in job["steps"])
    ]
    assert users == [("review", "recompute", {"contents": "read"})]
