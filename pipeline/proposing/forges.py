"""The forge that a script was asked to speak to."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.forge import Forge
from pipeline.github_env import Forge as Repository
from pipeline.github_env import forge_of

LOCAL_FOLDER = ".forge"


def add_forge_options(parser: argparse.ArgumentParser) -> None:
    """`--forge` and `--forge-folder`, the same for every script."""
    parser.add_argument(
        "--forge",
        choices=("github", "local"),
        default="github",
        help="GitHub, or a folder and this repository's own ledger",
    )
    parser.add_argument(
        "--forge-folder", type=Path, default=Path(LOCAL_FOLDER), help="of the local forge"
    )


def chosen_forge(root: Path, arguments: argparse.Namespace) -> Forge:
    """The forge of `add_forge_options`. Raises ConfigurationError where a variable is missing."""
    if arguments.forge == "local":
        return _local_forge(root, root / arguments.forge_folder)
    return _github_forge(forge_of())


def known_forge(root: Path, *, is_local: bool) -> Forge | None:
    """The local forge, or the GitHub that the environment names; None where there is neither."""
    if is_local:
        folder = root / LOCAL_FOLDER
        return _local_forge(root, folder) if folder.is_dir() else None
    try:
        found = forge_of()
    except ConfigurationError:
        return None
    return _github_forge(found)


def _local_forge(root: Path, folder: Path) -> Forge:
    from pipeline.adapters.git.branches import GitBranches  # noqa: PLC0415 (GitHub's need none)
    from pipeline.adapters.local_forge import LocalForge  # noqa: PLC0415

    return LocalForge(folder, GitBranches(root))


def _github_forge(found: Repository) -> Forge:
    from pipeline.adapters.github import GitHubForge  # noqa: PLC0415 (slow to import)

    return GitHubForge(
        found.repository, found.token, found.api_url, review_token=found.review_token
    )
