"""The settings of the repository, as an administrator may change them on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ACTIONS_APP = 15368  # GitHub Actions, as an App
APP = 424242  # the App behind perennial[bot]
_UPGRADE = "Upgrade to GitHub Pro or make this repository public to enable this feature."
_NO_RULE = (
    "Failed to create the environment protection rule. Please ensure the billing plan supports the "
    "{rule} protection rule."
)


@dataclass
class Environment:
    """`reviewers` are logins; `branches` None lets every branch in."""

    id: int
    reviewers: list[str] = field(default_factory=list)
    prevents_self_review: bool = False
    wait_minutes: int = 0
    branches: dict[str, int] | None = None
    secrets: set[str] = field(default_factory=set)


@dataclass
class Settings:
    """`plan` limits what a private repository may have: free, pro, team or enterprise.

    `tells_plan` False is an organisation whose plan the caller may not see. Of secrets there are
    names alone.
    """

    plan: str = "enterprise"
    is_organization: bool = False
    tells_plan: bool = True
    actions_enabled: bool = True
    default_permissions: str = "write"
    variables: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    shared_secrets: set[str] = field(default_factory=set)
    environments: dict[str, Environment] = field(default_factory=dict)
    rulesets: dict[int, dict[str, Any]] = field(default_factory=dict)
    policies: dict[int, dict[str, Any]] = field(default_factory=dict)
    protection: dict[str, Any] | None = None  # the classic one of the default branch
    pages: str | None = None
    workflow_states: dict[str, str] = field(default_factory=dict)

    def type_of(self, is_owner: bool) -> str:
        return "Organization" if is_owner and self.is_organization else "User"

    def told_plan(self) -> dict[str, Any]:
        """The field `plan`, where it is told."""
        plan = {"name": self.plan, "space": 1, "private_repos": 1, "collaborators": 1}
        return {"plan": plan} if self.tells_plan else {}

    def lacks(self, feature: str, *, is_private: bool) -> str | None:
        """GitHub's words where the plan has no such feature, else None."""
        if not is_private or self.plan == "enterprise":
            return None
        rules = {"reviewers": "required reviewers", "branches": "branch policy"}
        if feature in rules and (feature == "reviewers" or self.plan == "free"):
            return _NO_RULE.format(rule=rules[feature])
        return _UPGRADE if self.plan == "free" else None
