"""Commit statuses and check runs: what other systems say about a commit."""

from __future__ import annotations

from typing import Any

from tests.servers.github_api import sample
from tests.servers.github_recorder import Answer
from tests.servers.github_standin.answers import Refusal, invalid
from tests.servers.github_standin.objects import app, repository, stamp, user
from tests.servers.github_standin.routes import Call, Route, listed
from tests.servers.github_standin.world import Status, World


def set_status(call: Call) -> Answer:
    world, body, sha = call.world, call.body, call.part("sha")
    commit = world.git.commit_of(sha) if len(sha) == 40 else None
    if commit is None:
        raise Refusal(422, f"No commit found for SHA: {sha}")
    text = body.get("description")
    if text is not None and len(text) > 140:
        words = "description is too long (maximum is 140 characters)"
        raise invalid("Status", "description", "custom", words)
    context = body.get("context", "default")
    status = Status(
        next(world.ids),
        commit,
        context,
        body["state"],
        text,
        body.get("target_url"),
        call.viewer.login,
        world.now(),
    )
    world.statuses.append(status)
    return Answer(201, _status(world, status))


def list_statuses(call: Call) -> Answer:
    """Every one of them, newest first."""
    return listed(call, [_status(call.world, s) for s in reversed(_of(call, is_check=False))])


def combined(call: Call) -> Answer:
    """The newest of each context: failure before pending before success; pending if none is set."""
    commit = _commit(call)
    newest = list({s.context: s for s in _of(call, is_check=False)}.values())
    states = {status.state for status in newest}
    state = "success" if states == {"success"} else "pending"
    whole = sample(
        "combined-commit-status",
        state="failure" if states & {"failure", "error"} else state,
        sha=commit,
        total_count=len(newest),
        repository=repository(call.world, "minimal-repository"),
        statuses=[_status(call.world, status, "simple-commit-status") for status in newest],
    )
    return Answer(200, whole)


def add_check(call: Call) -> Answer:
    """Only Apps have checks: a person's token gets 403."""
    world, body = call.world, call.body
    if not call.viewer.account.is_bot:
        raise Refusal(403, "You must authenticate via a GitHub App.")
    commit = world.git.commit_of(str(body["head_sha"]))
    if commit is None:
        raise Refusal(422, f"No commit found for SHA: {body['head_sha']}")
    conclusion = body.get("conclusion")
    check = Status(
        next(world.ids),
        commit,
        body["name"],
        "completed" if conclusion else body.get("status", "queued"),
        None,
        body.get("details_url"),
        call.viewer.login,
        world.now(),
        is_check=True,
        conclusion=conclusion,
    )
    world.statuses.append(check)
    return Answer(201, _check(check))


def list_checks(call: Call) -> Answer:
    """The newest of each name, unless `filter` is all."""
    checks = _of(call, is_check=True)
    if call.query.get("filter") != "all":
        checks = list({check.context: check for check in checks}.values())
    name = call.query.get("check_name")
    shown = [_check(check) for check in checks if name in (None, check.context)]
    return listed(call, shown, wrap="check_runs")


def _of(call: Call, *, is_check: bool) -> list[Status]:
    commit = _commit(call)
    return [s for s in call.world.statuses if s.commit == commit and s.is_check == is_check]


def _commit(call: Call) -> str:
    commit = call.world.git.commit_of(call.part("ref"))
    if commit is None:
        raise Refusal(422, f"No commit found for SHA: {call.part('ref')}")
    return commit


def _status(world: World, status: Status, schema: str = "status") -> dict[str, Any]:
    creator = {"creator": user(world, status.creator)} if schema == "status" else {}
    return sample(
        schema,
        **creator,
        id=status.id,
        state=status.state,
        context=status.context,
        description=status.description,
        target_url=status.url,
        created_at=stamp(status.created_at),
        updated_at=stamp(status.created_at),
        url=f"{world.api}/statuses/{status.commit}",
    )


def _check(check: Status) -> dict[str, Any]:
    is_done = check.state == "completed"
    return sample(
        "check-run",
        id=check.id,
        name=check.context,
        head_sha=check.commit,
        status=check.state,
        conclusion=check.conclusion,
        details_url=check.url,
        started_at=stamp(check.created_at),
        completed_at=stamp(check.created_at) if is_done else None,
        app=app(),
    )


ROUTES = (
    Route("POST", "/statuses/{sha}", set_status, "statuses:write", "write"),
    Route("GET", "/commits/{ref}/statuses", list_statuses, "statuses:read"),
    Route("GET", "/commits/{ref}/status", combined, "statuses:read"),
    Route("POST", "/check-runs", add_check, "checks:write", "write"),
    Route("GET", "/commits/{ref}/check-runs", list_checks, "checks:read"),
)
