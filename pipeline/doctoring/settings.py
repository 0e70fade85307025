"""The plan for a GitHub repository's settings, from this checkout's files and what GitHub says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.adapters.github.settings import GitHubSettings
from pipeline.approvers import load_approvers
from pipeline.config import load_all, load_usecase
from pipeline.core.settings.limits import lacking_of, limit_items
from pipeline.core.settings.needed_secrets import Use, secret_items, uses_of
from pipeline.core.settings.owned import owner_items
from pipeline.core.settings.plan import Item, Mark, SettingsPlan, plan_settings
from pipeline.core.settings.wish import wished_settings
from pipeline.proposing.people import load_codeowners
from pipeline.repository_config import RepositoryConfig, load_repository_config
from pipeline.strict_yaml import load_yaml

WORKFLOWS = Path(".github", "workflows")


@dataclass(frozen=True)
class Wishes:
    """What this checkout asks of its repository: `roles` are logins by role.

    `guarded` are the paths that code owners are wished for, `codeowners` the file that names them.
    """

    config: RepositoryConfig
    roles: dict[str, tuple[str, ...]]
    uses: tuple[Use, ...]
    codeowners: str
    guarded: tuple[str, ...]


def load_wishes(root: Path) -> Wishes:
    """Read the files. Raises one ConfigurationError with the faults of all of them."""
    config, approvers, usecase = load_all(
        root, load_repository_config, load_approvers, load_usecase
    )
    return Wishes(
        config,
        dict(approvers.roles),
        uses_of(load_workflows(root)),
        load_codeowners(root),
        guarded_paths(root, usecase.model),
    )


def guarded_paths(root: Path, model: str) -> tuple[str, ...]:
    """Every file of .github/ and configs/, and the two that say what serves, there or not yet."""
    files = (path for name in (".github", "configs") for path in (root / name).rglob("*"))
    found = sorted(path.relative_to(root).as_posix() for path in files if path.is_file())
    return (*found, *(f"rollouts/{model}/{name}.yaml" for name in ("rollout", "champion")))


def load_workflows(root: Path) -> dict[str, Any]:
    """The workflows by their file names. Raises ConfigurationError for one that is no YAML."""
    return {path.name: load_yaml(path) for path in sorted((root / WORKFLOWS).glob("*.yml"))}


def look_at_settings(github: GitHubSettings, wishes: Wishes) -> SettingsPlan:
    """Compare. Raises OutsideError where GitHub does not answer."""
    account = github.account()
    account = replace(account, plan=account.plan or wishes.config.plan)
    every = wished_settings(wishes.config, wishes.roles, account)
    found = github.find(account, every)
    lacking = lacking_of(found)
    wished = wished_settings(wishes.config, wishes.roles, account, set(lacking))
    names = github.secrets(wishes.config.environments)
    items = (
        *plan_settings(wished, found),
        *limit_items(wishes.config, found),
        *_nobody_items(wishes),
        *owner_items(wishes.config, lacking, wishes.codeowners, wishes.guarded),
        *secret_items(wishes.config, wishes.uses, names),
    )
    return SettingsPlan(items)


def _nobody_items(wishes: Wishes) -> tuple[Item, ...]:
    """Roles that approve something and have nobody: what they guard stays refused."""
    asked = {role for wish in wishes.config.environments.values() for role in wish.reviewers}
    empty = sorted(role for role in asked if not wishes.roles.get(role))
    notes = ("manual retrains stay refused: name people in configs/approvers.yaml",)
    return tuple(Item(Mark.BY_HAND, f"nobody has the role {role}", notes) for role in empty)
