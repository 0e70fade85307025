"""Merging: what stands in its way, and a real merge commit where nothing does."""

from __future__ import annotations

from tests.servers.github_recorder import Answer
from tests.servers.github_standin.answers import Refusal, not_found
from tests.servers.github_standin.events import note_pull
from tests.servers.github_standin.routes import Call, Route
from tests.servers.github_standin.rules import check_state, rules_of, unmet
from tests.servers.github_standin.sync import sync
from tests.servers.github_standin.world import Issue, Pull, World


def mergeable_state(world: World, issue: Issue, pull: Pull) -> str:
    """GitHub's word: clean, unstable, blocked, behind, dirty, draft; unknown once it is closed."""
    if not issue.is_open:
        return "unknown"
    if pull.test_merge is None:
        return "dirty"
    if pull.is_draft:
        return "draft"
    if unmet(world, issue, pull):
        return "blocked"
    if _is_behind(world, pull):
        return "behind"
    contexts = {status.context for status in world.statuses if status.commit == pull.head}
    is_clean = all(check_state(world, pull.head, context) == "success" for context in contexts)
    return "clean" if is_clean else "unstable"


def merge(call: Call) -> Answer:
    world, body = call.world, call.body
    issue, pull = call.pull()
    _check(world, issue, pull, body.get("sha"), body.get("merge_method", "merge"))
    commit = _merge_commit(call, issue, pull)
    if not world.git.update_ref(f"refs/heads/{pull.base_ref}", commit, pull.base_tip):
        raise Refusal(405, "Base branch was modified. Review and try the merge again.")
    pull.merge_commit, pull.merged_at, pull.merged_by = commit, world.now(), call.viewer.login
    world.close(issue, call.viewer.login)
    note_pull(world, "closed", issue, call.viewer.login)
    if world.deletes_branch_on_merge and pull.head_owner == world.owner:
        world.git.delete_ref(f"refs/heads/{pull.head_ref}")
    sync(world, call.viewer.login)
    words = "Pull Request successfully merged"
    return Answer(200, {"sha": commit, "merged": True, "message": words})


def is_merged(call: Call) -> Answer:
    """204 for yes, 404 for no: GitHub's own way."""
    _, pull = call.pull()
    if pull.merged_at is None:
        raise not_found()
    return Answer(204)


def _check(world: World, issue: Issue, pull: Pull, sha: str | None, method: str) -> None:
    """Raises Refusal: 409 for another head than `sha`, 405 for all else that is in the way."""
    names = {"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}
    if not issue.is_open:
        raise Refusal(405, "Pull Request is not mergeable")
    if pull.is_draft:
        raise Refusal(405, "Pull Request is still a draft")
    if sha is not None and sha != pull.head:
        raise Refusal(409, "Head branch was modified. Review and try the merge again.")
    if method == "rebase" or method not in world.rules.methods:
        raise Refusal(405, f"{names[method]} are not allowed on this repository.")
    if pull.test_merge is None:
        raise Refusal(405, "Pull Request is not mergeable")
    if why := unmet(world, issue, pull):
        raise Refusal(405, "\n\n".join(("Repository rule violations found", *why, "")))
    if _is_behind(world, pull):
        raise Refusal(405, "Head branch is out of date. Review and try the merge again.")


def _merge_commit(call: Call, issue: Issue, pull: Pull) -> str:
    world, body = call.world, call.body
    is_squash = body.get("merge_method") == "squash"
    by_default = (
        (f"{issue.title} (#{issue.number})", issue.body or "")
        if is_squash
        else (
            f"Merge pull request #{issue.number} from {pull.head_owner}/{pull.head_ref}",
            issue.title,
        )
    )
    title, text = body.get("commit_title"), body.get("commit_message")
    words = (by_default[0] if title is None else title, by_default[1] if text is None else text)
    tree = world.git.run("rev-parse", f"{pull.test_merge}^{{tree}}")
    parents = [pull.base_tip] if is_squash else [pull.base_tip, pull.head]
    author = issue.author if is_squash else call.viewer.login
    return world.git.commit_tree(tree, parents, "\n\n".join(filter(None, words)), author)


def _is_behind(world: World, pull: Pull) -> bool:
    rules = rules_of(world, pull.base_ref)
    return rules.is_strict and not world.git.is_ancestor(pull.base_tip, pull.head)


ROUTES = (
    Route("GET", "/pulls/{pull_number}/merge", is_merged, "pull_requests:read"),
    Route("PUT", "/pulls/{pull_number}/merge", merge, "contents:write", "write"),
)
