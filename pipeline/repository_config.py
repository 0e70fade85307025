"""configs/repository.yaml: what the GitHub repository must be set to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pipeline.config import Section, load_section

MAX_REVIEWERS = 6  # of an environment, on GitHub
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[!-~]+( [!-~]+)*$")]
Role = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
VariableName = Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]{0,99}$")]
Event = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,62}$")]
OneLine = Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


class RulesetWish(Section):
    """The ruleset of the default branch; `checks_from` is the id of the App that must set them."""

    name: Name
    approvals: Annotated[int, Field(ge=1, le=10)]
    code_owners: bool
    dismiss_stale: bool
    last_push_approval: bool
    merge_methods: Annotated[tuple[Literal["merge", "squash", "rebase"], ...], Field(min_length=1)]
    checks: tuple[Name, ...]
    checks_from: Annotated[int, Field(ge=1)] | None


class EnvironmentWish(Section):
    """An environment: `reviewers` are roles of configs/approvers.yaml."""

    reviewers: tuple[Role, ...]
    branches: tuple[Name, ...]


class LabelWish(Section):
    """A label."""

    color: Annotated[str, Field(pattern=r"^[0-9a-f]{6}$")]
    description: OneLine


class ActionsWish(Section):
    """What GITHUB_TOKEN may do where a job does not say."""

    default_permissions: Literal["read", "write"]
    may_open_pull_requests: bool


class PolicyWish(Section):
    """An Actions policy: the `events` that may start the `workflows`, given as paths."""

    workflows: Annotated[tuple[Name, ...], Field(min_length=1)]
    events: Annotated[tuple[Event, ...], Field(min_length=1)]


class SecretWish(Section):
    """A secret by its name: when it must be there, and why."""

    required: Literal["always", "app", "never"]
    why: OneLine


class RepositoryConfig(Section):
    """Everything that set_up_repository.py manages; all else of a repository is left alone."""

    app_id: Annotated[int, Field(ge=1)] | None
    plan: Literal["free", "pro", "team", "enterprise"] | None
    ruleset: RulesetWish
    environments: dict[Name, EnvironmentWish]
    labels: dict[Annotated[Name, Field(max_length=50)], LabelWish]
    actions: ActionsWish
    policies: dict[Name, PolicyWish]
    pages: Literal["always", "when_public", "never"]
    variables: dict[VariableName, OneLine]
    secrets: dict[VariableName, SecretWish]


def load_repository_config(root: Path) -> RepositoryConfig:
    """configs/repository.yaml of the repository at `root`. Raises ConfigurationError."""
    return load_section(RepositoryConfig, root / "configs" / "repository.yaml")
