"""configs/approvers.yaml: who may speak for which role."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.config import Section, load_section

Role = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Login = Annotated[str, Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?$")]


class Approvers(Section):
    """GitHub logins by role; a login is the same in capitals."""

    roles: Annotated[dict[Role, tuple[Login, ...]], Field(min_length=1)]

    def roles_of(self, login: str) -> tuple[str, ...]:
        """The roles of `login`, in the order of the file."""
        wanted = login.casefold()
        return tuple(
            role
            for role, logins in self.roles.items()
            if wanted in {known.casefold() for known in logins}
        )


def load_approvers(root: Path) -> Approvers:
    """configs/approvers.yaml of the repository at `root`. Raises ConfigurationError."""
    return load_section(Approvers, root / "configs" / "approvers.yaml")
