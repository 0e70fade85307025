"""What happened to branches and tags, and who did it: GitHub's record of pushes."""

from __future__ import annotations

from typing import Any

from tests.servers.github_api import sample
from tests.servers.github_recorder import Answer
from tests.servers.github_standin.objects import stamp, user
from tests.servers.github_standin.push_payload import NOTHING
from tests.servers.github_standin.routes import Call, Route
from tests.servers.github_standin.world import Push, World


def list_activities(call: Call) -> Answer:
    """Newest first, 30 or at most 100 of them. GitHub's pages are by cursor: there is none here."""
    ref, size = call.query.get("ref"), min(int(call.query.get("per_page", 30)), 100)
    found = [push for push in reversed(call.world.pushes) if ref in (None, push.ref)]
    return Answer(200, [_activity(call.world, push) for push in found[:size]])


def _activity(world: World, push: Push) -> dict[str, Any]:
    return sample(
        "activity",
        id=push.id,
        before=push.before or NOTHING,
        after=push.after or NOTHING,
        ref=push.ref,
        timestamp=stamp(push.at),
        activity_type=_kind(world, push),
        actor=user(world, push.actor),
    )


def _kind(world: World, push: Push) -> str:
    if push.before is None:
        return "branch_creation"
    if push.after is None:
        return "branch_deletion"
    return "push" if world.git.is_ancestor(push.before, push.after) else "force_push"


ROUTES = (Route("GET", "/activity", list_activities, "contents:read"),)
