"""A push over HTTP as somebody: with their token, as a job's own git pushes."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

from tests.servers.github_standin import GitHubStandIn


def push(github: GitHubStandIn, folder: Path, login: str, *arguments: str) -> tuple[int, str]:
    """Push from the clone in `folder` as `login`. Returns git's exit code and its words."""
    pair = f"x-access-token:{github.token_for(login)}"
    header = f"AUTHORIZATION: basic {base64.b64encode(pair.encode()).decode()}"
    address = f"{github.url}/{github.world.full_name}"
    done = subprocess.run(
        ["git", "-c", f"http.extraheader={header}", "push", address, *arguments],
        cwd=folder,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr
