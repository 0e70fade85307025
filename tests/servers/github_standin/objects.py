"""GitHub's JSON of what the stand-in knows: the smallest valid objects, with what is known."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.servers.github_api import sample
from tests.servers.github_standin.people import APP_BOT
from tests.servers.github_standin.world import Comment, Issue, Label, Pull, World


def stamp(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def user(world: World, login: str, schema: str = "simple-user") -> dict[str, Any]:
    """An account that is gone is GitHub's user `ghost`."""
    account = world.people.find(login) or world.people.add("ghost", "none")
    return sample(
        schema,
        id=account.id,
        node_id=f"U_{account.id}",
        login=account.login,
        type="Bot" if account.is_bot else world.settings.type_of(login == world.owner),
        url=f"{world.url()}/users/{account.login}",
        html_url=f"https://github.com/{account.login}",
    )


def repository(world: World, schema: str = "repository", owner: str = "") -> dict[str, Any]:
    """The repository, or the fork of `owner`."""
    owner = owner or world.owner
    full_name = f"{owner}/{world.name}"
    return sample(
        schema,
        id=1 if owner == world.owner else 2 + sorted(world.forks).index(owner),
        name=world.name,
        full_name=full_name,
        owner=user(world, owner),
        private=world.is_private,
        fork=owner != world.owner,
        default_branch=world.default_branch,
        url=f"{world.url()}/repos/{full_name}",
        html_url=f"https://github.com/{full_name}",
    )


def label(world: World, name: str) -> dict[str, Any]:
    found: Label = world.labels[name.lower()]
    return sample(
        "label",
        id=found.id,
        node_id=f"LA_{found.id}",
        name=found.name,
        color=found.color,
        description=found.description,
        url=f"{world.api}/labels/{found.name}",
    )


def issue_object(world: World, issue: Issue) -> dict[str, Any]:
    """An issue, or a pull request as the issue that it also is."""
    pull = issue.pull
    links: dict[str, Any] = {}
    if pull is not None:
        links = {"pull_request": _pull_links(world, issue, pull), "draft": pull.is_draft}
    comments = sum(c.number == issue.number for c in world.comments.values())
    return sample(
        "issue",
        **shared(world, issue),
        **links,
        url=f"{world.api}/issues/{issue.number}",
        repository_url=world.api,
        html_url=page_of(world, issue),
        comments=comments,
        closed_by=user(world, issue.closed_by) if issue.closed_by else None,
        state_reason=issue.state_reason,
        performed_via_github_app=None,
    )


def comment_object(world: World, comment: Comment) -> dict[str, Any]:
    issue = world.issues[comment.number]
    return sample(
        "issue-comment",
        id=comment.id,
        body=comment.body,
        user=user(world, comment.author),
        created_at=stamp(comment.created_at),
        updated_at=stamp(comment.updated_at),
        url=f"{world.api}/issues/comments/{comment.id}",
        issue_url=f"{world.api}/issues/{comment.number}",
        html_url=f"{page_of(world, issue)}#issuecomment-{comment.id}",
        performed_via_github_app=None,
    )


def team(world: World, slug: str) -> dict[str, Any]:
    number = sorted(world.people.teams).index(slug) + 1
    return sample("team", id=number, name=slug, slug=slug)


def app() -> dict[str, Any]:
    """The App behind check runs."""
    return sample("nullable-integration", slug=APP_BOT.removesuffix("[bot]"))


def page_of(world: World, issue: Issue) -> str:
    """The address for people."""
    return f"{world.page}/{'pull' if issue.pull else 'issues'}/{issue.number}"


def shared(world: World, issue: Issue) -> dict[str, Any]:
    """The fields that issues and pull requests have in common."""
    assignees = [user(world, login) for login in issue.assignees]
    return {
        "id": issue.id,
        "node_id": f"I_{issue.id}",
        "number": issue.number,
        "title": issue.title,
        "body": issue.body,
        "state": "open" if issue.is_open else "closed",
        "user": user(world, issue.author),
        "labels": [label(world, name) for name in issue.labels],
        "assignees": assignees,
        "assignee": assignees[0] if assignees else None,
        "created_at": stamp(issue.created_at),
        "updated_at": stamp(issue.updated_at),
        "closed_at": stamp(issue.closed_at),
    }


def _pull_links(world: World, issue: Issue, pull: Pull) -> dict[str, Any]:
    html = page_of(world, issue)
    return {
        "url": f"{world.api}/pulls/{issue.number}",
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "merged_at": stamp(pull.merged_at),
    }
