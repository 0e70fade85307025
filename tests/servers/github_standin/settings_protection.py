"""A ruleset as git meets it: a hook of the bare repository, which knows who pushes by their token.

Git over HTTP tells the hook whose token came with a push; over the file path nobody is named, and
meets every rule.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

_HOOK = """#!/bin/sh
case "$REMOTE_USER" in {passing}) exit 0 ;; esac
refuse() {{
  echo "error: GH013: Repository rule violations found for $ref." >&2
  echo "- $1" >&2
  exit 1
}}
while read -r old new ref; do
  [ "$ref" = "refs/heads/{branch}" ] || continue
  case "$new" in *[!0]*) ;; *) {deletion} continue ;; esac
  case "$old" in *[!0]*) git merge-base --is-ancestor "$old" "$new" || {rewriting} ;; esac
  {pulls}
done
exit 0
"""


def protect(
    repository: Path,
    branch: str,
    *,
    takes_pulls_only: bool,
    forbids: Collection[str],
    passing: Collection[str],
) -> None:
    """From now on the branch takes what the rules let in, and all that `passing` pushes."""
    hook = repository / "hooks" / "pre-receive"
    text = _HOOK.format(
        passing="|".join(f"'{login}'" for login in passing) or "'nobody at all'",
        branch=branch,
        deletion='refuse "Cannot delete this branch";' if "deletion" in forbids else "",
        rewriting='refuse "Cannot force-push to this branch"'
        if "non_fast_forward" in forbids
        else "true",
        pulls='refuse "Changes must be made through a pull request."' if takes_pulls_only else "",
    )
    hook.write_text(text, encoding="utf-8")
    hook.chmod(0o755)
