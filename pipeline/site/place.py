"""Where the site's history is: main and the ledger's branch, as this clone has them."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.adapters.git.ledger_branch import BRANCH, FILE
from pipeline.adapters.git.objects import read_objects
from pipeline.adapters.git.plumbing import Git
from pipeline.core.triggers.ledger import Ledger
from pipeline.core.triggers.ledger_json import parse_ledger
from pipeline.errors import OutsideError

MAX_LEDGER_BYTES = 50_000_000
_LEDGERS = (f"refs/remotes/origin/{BRANCH}", f"refs/heads/{BRANCH}")


def whole_clone(root: Path) -> Git:
    """Git at `root`. Raises OutsideError where history is cut off: half of it would tell lies."""
    git = Git(root, "the site")
    if git.run("rev-parse", "--is-shallow-repository").stdout.strip() == "true":
        raise OutsideError(
            "the site: this clone is shallow, expected the whole history, since the figures count "
            "all of it. Fetch it: `git fetch --unshallow`; in a workflow, actions/checkout with "
            "`fetch-depth: 0`."
        )
    return git


def read_ledger(git: Git) -> tuple[str, Ledger | None]:
    """The commit of the ledger's branch and what it holds: that of origin, else this clone's own.

    ("", None) where neither is here; no server is asked. Raises OutsideError for a broken ledger.
    """
    for ref in _LEDGERS:
        commit = git.commit_of(ref)
        if commit is not None:
            return commit, _ledger(git, commit)
    return "", None


def _ledger(git: Git, commit: str) -> Ledger:
    name, where = f"{commit}:{FILE}", f"{FILE} on {BRANCH}"
    blob = read_objects(git, [name], MAX_LEDGER_BYTES).get(name)
    try:
        value = json.loads((blob and blob.content) or b"")
    except ValueError as error:
        raise OutsideError(f"{where}: not JSON. Restore it from the branch's history.") from error
    return parse_ledger(value, where)
