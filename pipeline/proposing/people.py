"""Who is told of a proposal: the roles whose agreement it needs, and whoever owns the manifest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipeline.approvers import load_approvers
from pipeline.core.proposal.steps import People, each_once
from pipeline.core.review.codeowners import owners_of
from pipeline.gates_config import load_quality_policy
from pipeline.manifest import rollout_path

LABEL = "retrain"
CODEOWNERS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")  # the first one counts
MOST_REVIEWERS = 15  # GitHub takes no more, and ten assignees
MOST_ASSIGNEES = 10


def asked_roles(root: Path) -> dict[str, tuple[str, ...]]:
    """The logins of each role that has to agree before a merge; a role of nobody stays in it.

    Raises ConfigurationError.
    """
    wanted = load_quality_policy(root).deployment_safety.approving_roles
    known = load_approvers(root).roles
    return {role: known.get(role, ()) for role in wanted}


def people_for(root: Path, model: str, login: str) -> People:
    """Whom to ask. `login` is who proposes, and is never asked; nobody is asked twice.

    Assigned are those who answer for the plan: they decide what becomes of it.
    """
    roles = asked_roles(root)
    plan_roles = load_quality_policy(root).deployment_safety.plan_approved.roles
    manifest = rollout_path(root, model).relative_to(root).as_posix()
    everyone = [name for names in roles.values() for name in names]
    owners = owners_of(load_codeowners(root), manifest)
    deciding = [name for role in plan_roles for name in roles.get(role, ())]
    return People(
        labels=(LABEL, model),
        reviewers=_distinct([*everyone, *owners], login)[:MOST_REVIEWERS],
        assignees=_distinct(deciding, login)[:MOST_ASSIGNEES],
    )


def load_codeowners(root: Path) -> str:
    """The text of the CODEOWNERS that counts, empty where there is none."""
    files = (root / name for name in CODEOWNERS)
    path = next((file for file in files if file.is_file()), None)
    return path.read_text(encoding="utf-8", errors="replace") if path else ""


def _distinct(names: Iterable[str], login: str) -> tuple[str, ...]:
    """Each name once, without `login`."""
    return tuple(name for name in each_once(names) if name.casefold() != login.casefold())
