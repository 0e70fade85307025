"""The settings of a GitHub repository, read and set one kind at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from pydantic import BaseModel

from pipeline.adapters.github import settings_small as small
from pipeline.adapters.github.connection import Connection, Patience
from pipeline.adapters.github.repository import API_URL
from pipeline.adapters.github.settings_classic import read_protection
from pipeline.adapters.github.settings_environment import read_environments, set_environment
from pipeline.adapters.github.settings_looks import NotSeen, PlanLacks, look, look_through
from pipeline.adapters.github.settings_policy import read_policies, set_policy
from pipeline.adapters.github.settings_ruleset import (
    HeldRule,
    apps_past,
    read_rulesets,
    rules_on,
    ruleset_numbers,
    set_ruleset,
)
from pipeline.adapters.github.shapes import parse
from pipeline.errors import OutsideError
from pipeline.repository_settings import Account, Fields, Found, Key, Kind, SecretNames

Reader = Callable[[Connection, Collection[str]], dict[str, Fields]]
Setter = Callable[[Connection, str, Fields], None]
_KINDS: dict[Kind, tuple[Reader, Setter]] = {
    Kind.ACTIONS: (small.read_actions, small.set_actions),
    Kind.TOKEN: (small.read_token, small.set_token),
    Kind.POLICY: (read_policies, set_policy),
    Kind.VARIABLE: (small.read_variables, small.set_variable),
    Kind.LABEL: (small.read_labels, small.set_label),
    Kind.ENVIRONMENT: (read_environments, set_environment),
    Kind.PAGES: (small.read_pages, small.set_pages),
    Kind.RULESET: (read_rulesets, set_ruleset),
}


class _Owner(BaseModel):
    login: str
    type: str = ""


class _Repository(BaseModel):
    private: bool
    owner: _Owner
    default_branch: str


class GitHubSettings:
    """The repository `owner/name` as an administrator's token may see and change it."""

    def __init__(
        self,
        repository: str,
        token: str,
        api_url: str = API_URL,
        *,
        patience: Patience | None = None,
    ) -> None:
        """Connects to nothing yet. Raises ConfigurationError for arguments that cannot be right."""
        self._connection = Connection(repository, token, api_url, patience or Patience())

    def account(self) -> Account:
        """What limits the settings. Raises OutsideError, also where there is no such repository."""
        found = look(self._connection, "")
        if not isinstance(found, dict):
            raise OutsideError(
                f"GitHub: no repository {self._connection.repository} for this token. Check its "
                "name, and that the token may see it."
            )
        shape = parse(_Repository, found, "the repository")
        return Account(shape.private, self._plan(shape.owner), shape.default_branch)

    def find(self, account: Account, keys: Iterable[Key]) -> Found:
        """The settings of `keys` as they are. Raises OutsideError where GitHub does not answer."""
        names: dict[Kind, list[str]] = {}
        for key in keys:
            names.setdefault(key.kind, []).append(key.name)
        settings: dict[Key, Fields] = {}
        lacking: dict[str, str] = {}
        unseen: dict[str, str] = {}
        for kind, wanted in names.items():
            try:
                found = _KINDS[kind][0](self._connection, wanted)
            except PlanLacks as error:
                lacking[kind] = str(error)
            except NotSeen as error:
                unseen[kind] = str(error)
            else:
                settings |= {Key(kind, name): fields for name, fields in found.items()}
        return Found(account, settings, lacking, unseen)

    def set(self, key: Key, fields: Fields) -> None:
        """Make one setting as wished; safe to repeat. Raises PlanLacks, NotSeen, OutsideError."""
        _KINDS[key.kind][1](self._connection, key.name, fields)

    def secrets(self, environments: Iterable[str]) -> SecretNames:
        """The names of the secrets, of the organisation's too; GitHub never tells a value."""
        try:
            everywhere = self._names("/actions/secrets")
            own = {
                name: self._names(f"/environments/{quote(name, safe='')}/secrets")
                for name in environments
            }
        except (NotSeen, PlanLacks) as error:
            return SecretNames(unseen=str(error))
        return SecretNames(everywhere | self._shared(), own)

    def permission_of(self, login: str) -> str | None:
        """What somebody may (none, read, write, admin); None where there is no such account."""
        path = f"/collaborators/{quote(login, safe='')}/permission"
        found = look(self._connection, path)
        return None if found is None else str(found["permission"])

    def server_time(self) -> datetime:
        """GitHub's clock, to the second. Raises OutsideError where an answer has no date."""
        answer = self._connection.request("GET", "")
        try:
            return parsedate_to_datetime(str(answer.headers.get("date")))
        except (TypeError, ValueError) as error:
            raise OutsideError("GitHub: an answer without a date. Run again.") from error

    def workflow_states(self) -> dict[str, str]:
        """GitHub's word (active, disabled_inactivity, ...) by the file name of the workflow."""
        items = look_through(self._connection, "/actions/workflows", "workflows")
        return {str(item["path"]).rpartition("/")[2]: str(item["state"]) for item in items}

    def rules_of_others(self, branch: str, ours: str) -> tuple[HeldRule, ...]:
        """The rules that hold for `branch` by other rulesets than `ours`."""
        try:
            number = ruleset_numbers(self._connection).get(ours)
            rules = rules_on(self._connection, branch)
        except PlanLacks:
            return ()  # what the plan lacks holds nothing
        strange = {rule for rule in rules if number is None or rule.ruleset != number}
        return tuple(sorted(strange, key=str))

    def apps_past(self, ruleset: int | None) -> frozenset[int] | None:
        """The Apps that a ruleset lets push past it; None where this token may not see that."""
        try:
            return None if ruleset is None else apps_past(self._connection, ruleset)
        except (NotSeen, PlanLacks):
            return None

    def protection_of(self, branch: str) -> dict[str, frozenset[int]]:
        """What of a classic protection keeps a push from `branch`, and the Apps that it lets in.

        Raises NotSeen where the token is no administrator's.
        """
        try:
            return read_protection(self._connection, branch)
        except PlanLacks:
            return {}

    def _plan(self, owner: _Owner) -> str | None:
        """An organisation tells its plan to its owners, a person theirs to themselves."""
        is_person = owner.type == "User"
        try:
            found = look(self._connection, "/user" if is_person else f"/orgs/{owner.login}")
        except (NotSeen, PlanLacks):
            return None
        if not isinstance(found, dict) or (is_person and found.get("login") != owner.login):
            return None
        plan = found.get("plan") or {}
        return str(plan["name"]).lower() if plan.get("name") else None

    def _names(self, path: str) -> frozenset[str]:
        items = look_through(self._connection, path, "secrets")
        return frozenset(str(item["name"]).upper() for item in items)

    def _shared(self) -> frozenset[str]:
        try:
            return self._names("/actions/organization-secrets")
        except (NotSeen, PlanLacks):
            return frozenset()
