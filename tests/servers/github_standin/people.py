"""Who asks: people, bots, their tokens, and what these may do."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.servers.github_standin.answers import forbidden

ACTIONS_BOT = "github-actions[bot]"
APP_BOT = "perennial[bot]"
ROLES = ("none", "read", "triage", "write", "maintain", "admin")
SCOPES = ("actions", "checks", "contents", "issues", "pull_requests", "statuses")
_LEVELS = ("none", "read", "write")


@dataclass(frozen=True)
class Account:
    """A person or a bot. `role` is what a person may do in the repository."""

    id: int
    login: str
    role: str

    @property
    def is_bot(self) -> bool:
        return self.login.endswith("[bot]")

    def is_at_least(self, role: str) -> bool:
        """Whether the role includes `role`."""
        return ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True)
class Viewer:
    """An account as one of its tokens lets it act; a person's token has all of their role."""

    account: Account
    grants: dict[str, str] | None = None

    @property
    def login(self) -> str:
        return self.account.login

    def may(self, scope: str, level: str) -> bool:
        """Whether the token is granted `level` (read or write) of `scope`."""
        if self.grants is None or scope == "metadata":
            return True
        return _LEVELS.index(self.grants.get(scope, "none")) >= _LEVELS.index(level)

    def must(self, scope: str, level: str) -> None:
        """Raises Refusal (403) where the grant is missing."""
        if not self.may(scope, level):
            raise forbidden()


@dataclass
class People:
    """All accounts and tokens, and the teams as sets of logins. Logins ignore case."""

    accounts: dict[str, Account] = field(default_factory=dict)
    teams: dict[str, set[str]] = field(default_factory=dict)
    tokens: dict[str, Viewer] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)

    def add(self, login: str, role: str) -> Account:
        """Add an account, or change its role."""
        known = self.accounts.get(login.lower())
        account = Account(known.id if known else 1000 + len(self.accounts), login, role)
        self.accounts[login.lower()] = account
        for token, viewer in self.tokens.items():
            if viewer.account.id == account.id:
                self.tokens[token] = Viewer(account, viewer.grants)
        return account

    def find(self, login: str) -> Account | None:
        return self.accounts.get(login.lower())

    def token(self, login: str, grants: dict[str, str] | None) -> str:
        """A token for an account; one with the same grants is the same token."""
        account = self.find(login) or self.add(login, "write")
        viewer = Viewer(account, grants)
        for token, known in self.tokens.items():
            if known == viewer:
                return token
        return self._new_token(viewer)

    def mint(self, login: str, grants: dict[str, str] | None) -> str:
        """A token of its own for a bot, as a job gets it; None grants everything, {} nothing."""
        return self._new_token(Viewer(self.find(login) or self.add(login, "write"), grants))

    def viewer(self, authorization: str) -> Viewer | None:
        """Who the header `Authorization` stands for, None for an unknown or revoked token."""
        token = authorization.partition(" ")[2]
        return None if token in self.revoked else self.owner(authorization)

    def owner(self, authorization: str) -> Viewer | None:
        """As `viewer`, but a token that was revoked since still tells whose it was."""
        scheme, _, token = authorization.partition(" ")
        return self.tokens.get(token) if scheme.lower() in ("token", "bearer") else None

    def _new_token(self, viewer: Viewer) -> str:
        kind = "ghs" if viewer.account.is_bot else "ghp"
        token = f"{kind}_standin{len(self.tokens):04}of{viewer.account.id:04}"
        self.tokens[token] = viewer
        return token

    def has_write(self, login: str) -> bool:
        account = self.find(login)
        return account is not None and account.is_at_least("write")
