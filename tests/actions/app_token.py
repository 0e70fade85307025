"""actions/create-github-app-token: an identity of its own, for as long as the job lasts."""

from __future__ import annotations

from tests.actions.uses import Call, Failed
from tests.servers.github_standin.people import APP_BOT, SCOPES

_INPUTS = ("client-id", "app-id", "private-key", "skip-token-revoke", "permission-*")


def app_token(call: Call) -> dict[str, str]:
    """A token of the App, with the permissions asked for or all that it has.

    Raises Failed for an App that is not installed, or another key than its own.
    """
    call.only(*_INPUTS)
    who = call.given.get("client-id") or call.given.get("app-id")
    key = call.given.get("private-key")
    if not who or not key:
        raise Failed("Input required and not supplied: client-id and private-key")
    if call.settings.apps.get(who) != key:
        raise Failed("A JSON web token could not be decoded (401)")
    asked = {
        name.removeprefix("permission-").replace("-", "_"): level
        for name, level in call.given.items()
        if name.startswith("permission-")
    }
    token = call.world.people.mint(APP_BOT, asked or dict.fromkeys(SCOPES, "write"))
    call.machine.secrets.add(token)
    if not call.flag("skip-token-revoke", default=False):
        call.machine.afterwards.append(lambda: call.world.people.revoked.add(token))
    slug = APP_BOT.removesuffix("[bot]")
    return {"token": token, "app-slug": slug, "installation-id": "1"}
