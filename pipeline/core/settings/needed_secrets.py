"""Which secret is needed by which job, and which of them is missing. Values are never seen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.core.settings.plan import Item, Mark
from pipeline.repository_config import RepositoryConfig, SecretWish
from pipeline.repository_settings import SecretNames

GIVEN = frozenset({"GITHUB_TOKEN"})  # made by GitHub for each job
_USE = re.compile(r"\b(secrets|vars)\.([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, order=True)
class Use:
    """A job that reads a secret or a variable; `environment` is the one that it runs in, if any."""

    name: str
    workflow: str
    job: str
    environment: str | None = None
    is_secret: bool = True


def uses_of(workflows: Mapping[str, Any]) -> tuple[Use, ...]:
    """Every use in `workflows` (file name -> parsed YAML), sorted."""
    found = set()
    for workflow, body in workflows.items():
        jobs = body.get("jobs") if isinstance(body, dict) else None
        for job, content in (jobs if isinstance(jobs, dict) else {}).items():
            environment = content.get("environment") if isinstance(content, dict) else None
            if isinstance(environment, dict):
                environment = environment.get("name")
            for kind, name in _USE.findall(f"{content}{body.get('env')}"):
                found.add(Use(name.upper(), workflow, job, environment, kind == "secrets"))
    return tuple(sorted(found, key=lambda use: (use.name, use.workflow, use.job)))


def secret_items(
    config: RepositoryConfig, uses: tuple[Use, ...], names: SecretNames
) -> tuple[Item, ...]:
    """One item a secret: there, missing, or not described in configs/repository.yaml."""
    if names.unseen is not None:
        return (Item(Mark.UNSEEN, f"secrets: {names.unseen}"),)
    used = {use.name for use in uses if use.is_secret} - GIVEN
    described = {name.upper(): wish for name, wish in config.secrets.items()}
    strange = [
        Item(Mark.BY_HAND, f"secret {name}: a workflow reads it", (_DESCRIBE,))
        for name in sorted(used - set(described))
    ]
    has_app = config.app_id is not None
    wished = [_item(name, wish, uses, names, has_app) for name, wish in described.items()]
    return (*wished, *strange)


_DESCRIBE = "nobody says why: add it below `secrets` in configs/repository.yaml"


def _item(
    name: str, wish: SecretWish, uses: tuple[Use, ...], names: SecretNames, has_app: bool
) -> Item:
    jobs = [use for use in uses if use.name == name and use.is_secret]
    without = [use for use in jobs if not _sees(use, names)]
    what = f"secret {name}"
    if not without:
        return Item(Mark.SAME, f"{what}: {'set' if jobs else 'read by no workflow'}")
    names_of_jobs = sorted({f"{use.workflow.removesuffix('.yml')}.{use.job}" for use in without})
    told = (f"for {', '.join(names_of_jobs)}: {wish.why}",)
    if wish.required == "always" or (wish.required == "app" and has_app):
        return Item(Mark.BY_HAND, f"{what}: not set", (*told, *_commands(name, without)))
    return Item(Mark.SAME, f"{what}: not set, and need not be", told)


def _commands(name: str, without: list[Use]) -> list[str]:
    """How to set it: where all its jobs have environments, for those alone."""
    places = {use.environment for use in without}
    if not places or None in places:
        return [f"gh secret set {name}"]
    return [f"gh secret set {name} --env {place}" for place in sorted(filter(None, places))]


def _sees(use: Use, names: SecretNames) -> bool:
    own = names.of_environment.get(use.environment or "", frozenset())
    return use.name in names.everywhere | own
