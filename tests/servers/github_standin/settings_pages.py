"""Pages, and the organisation that the repository may be of."""

from __future__ import annotations

from tests.servers.github_api import sample
from tests.servers.github_recorder import Answer
from tests.servers.github_standin.answers import Refusal, not_found
from tests.servers.github_standin.routes import Call, Route


def get_organization(call: Call) -> Answer:
    """Its plan is told to its owners alone."""
    world = call.world
    if not world.settings.is_organization or call.part("org").lower() != world.owner.lower():
        raise not_found()
    plan = world.settings.told_plan() if call.viewer.login == world.owner else {}
    return Answer(200, sample("organization-full", login=world.owner, **plan))


def get_pages(call: Call) -> Answer:
    source = call.world.settings.pages
    if source is None:
        raise not_found()
    return Answer(200, sample("page", build_type=source, public=True))


def make_pages(call: Call) -> Answer:
    _must_have(call)
    if call.world.settings.pages is not None:
        raise Refusal(409, "GitHub Pages is already enabled.")
    call.world.settings.pages = call.body.get("build_type", "legacy")
    return Answer(201, sample("page", build_type=call.world.settings.pages, public=True))


def change_pages(call: Call) -> Answer:
    _must_have(call)
    if call.world.settings.pages is None:
        raise not_found()
    call.world.settings.pages = call.body.get("build_type", call.world.settings.pages)
    return Answer(204)


def _must_have(call: Call) -> None:
    if call.world.settings.lacks("pages", is_private=call.world.is_private):
        raise Refusal(422, "Your current plan does not support GitHub Pages for this repository.")


_SET = ("administration:write", "admin")
ROUTES = (
    Route("GET", "/orgs/{org}", get_organization),
    Route("GET", "/pages", get_pages, "pages:read"),
    Route("POST", "/pages", make_pages, *_SET),
    Route("PUT", "/pages", change_pages, *_SET),
)
