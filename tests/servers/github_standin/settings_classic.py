"""Classic branch protection, as it is read: it is for administrators alone."""

from __future__ import annotations

from tests.servers.github_api import sample
from tests.servers.github_recorder import Answer
from tests.servers.github_standin.answers import Refusal, not_found
from tests.servers.github_standin.routes import Call, Route


def get_protection(call: Call) -> Answer:
    """To a person below an administrator it is not there, and a bot's token may not see it."""
    world, viewer = call.world, call.viewer
    words = world.settings.lacks("branch protection", is_private=world.is_private)
    if words:
        raise Refusal(403, words)
    if viewer.account.is_bot:
        viewer.must("administration", "read")
    elif not viewer.account.is_at_least("admin"):
        raise not_found()
    if world.settings.protection is None:
        raise Refusal(404, "Branch not protected")
    return Answer(200, sample("branch-protection", **world.settings.protection))


ROUTES = (Route("GET", "/branches/{branch}/protection", get_protection),)
