"""What a pull request brings: its files and commits, straight from git."""

from __future__ import annotations

from typing import Any

from tests.servers.github_api import sample
from tests.servers.github_recorder import Answer
from tests.servers.github_standin.objects import user
from tests.servers.github_standin.routes import Call, Route, listed
from tests.servers.github_standin.world import World

_LETTERS = {"A": "added", "M": "modified", "D": "removed", "R": "renamed"}


def list_files(call: Call) -> Answer:
    _, pull = call.pull()
    page = call.world.page
    files = [
        sample(
            "diff-entry",
            filename=change.path,
            status=_LETTERS.get(change.status, "changed"),
            sha=change.blob,
            additions=change.additions,
            deletions=change.deletions,
            changes=change.additions + change.deletions,
            blob_url=f"{page}/blob/{pull.head}/{change.path}",
            **({"previous_filename": change.before} if change.before else {}),
        )
        for change in call.world.git.changes_between(pull.base, pull.head)
    ]
    return listed(call, files)


def list_commits(call: Call) -> Answer:
    """Oldest first, at most 250, as on GitHub."""
    _, pull = call.pull()
    commits = call.world.git.commits_between(pull.base, pull.head)[:250]
    return listed(call, [_commit(call.world, commit) for commit in commits])


def _commit(world: World, commit: str) -> dict[str, Any]:
    form = "--format=%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%P%x00%B"
    fields = world.git.run("show", "--no-patch", form, commit).split("\0")
    names = ("name", "email", "date")
    whole = sample("commit", sha=commit, url=f"{world.api}/commits/{commit}")
    whole["commit"] |= {
        "author": dict(zip(names, fields[:3], strict=True)),
        "committer": dict(zip(names, fields[3:6], strict=True)),
        "message": fields[7].rstrip("\n"),
    }
    whole["author"], whole["committer"] = (_account(world, fields[i]) for i in (1, 4))
    parents = fields[6].split()
    whole["parents"] = [{"sha": sha, "url": f"{world.api}/commits/{sha}"} for sha in parents]
    return whole


def _account(world: World, email: str) -> dict[str, Any]:
    """Whose address it is, an empty object if nobody's."""
    login = email.removesuffix("@users.noreply.github.com")
    return user(world, login) if world.people.find(login) else {}


ROUTES = (
    Route("GET", "/pulls/{pull_number}/files", list_files, "pull_requests:read"),
    Route("GET", "/pulls/{pull_number}/commits", list_commits, "pull_requests:read"),
)
