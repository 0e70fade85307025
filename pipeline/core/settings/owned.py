"""Whether the code owners that the ruleset asks for are there: without any the rule asks nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pipeline.core.review.codeowners import is_owned
from pipeline.core.settings.plan import Item, Mark
from pipeline.repository_config import RepositoryConfig
from pipeline.repository_settings import Kind

GUARDED = (".github/", "configs/", "rollouts/")  # who may do what, and what serves


def owner_items(
    config: RepositoryConfig, lacking: Collection[str], codeowners: str, paths: Iterable[str]
) -> tuple[Item, ...]:
    """A line for each of GUARDED that holds one of `paths` without an owner in `codeowners`.

    None where the rule is not on: without an App, or where the plan has no rulesets.
    """
    if config.app_id is None or not config.ruleset.code_owners or Kind.RULESET in lacking:
        return ()
    bare = sorted(path for path in paths if not is_owned(codeowners, path))
    found = {folder: [path for path in bare if path.startswith(folder)] for folder in GUARDED}
    return tuple(
        Item(Mark.BY_HAND, f"{folder} has no code owner ({_shown(names)})", _NOTES)
        for folder, names in found.items()
        if names
    )


_NOTES = (
    "the ruleset asks the owners of a path, and nobody where there are none",
    "name people in .github/CODEOWNERS, on the default branch",
)


def _shown(paths: list[str]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more}"
