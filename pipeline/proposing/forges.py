"""The forge that a script was asked to speak to."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.forge import Forge
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
        from pipeline.adapters.git.branches import GitBranches  # noqa: PLC0415
        from pipeline.adapters.local_forge import LocalForge  # noqa: PLC0415

        return LocalForge(root / arguments.forge_folder, GitBranches(root))
    from pipeline.adapters.github import GitHubForge  # noqa: PLC0415 (slow to import)

    found = forge_of()
    return GitHubForge(found.repository, found.token, found.api_url)
