"""What happens at the stand-in that may start workflows, in GitHub's own payloads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.servers.github_standin.objects import repository, user
from tests.servers.github_standin.pull_objects import pull_object, review_object
from tests.servers.github_standin.push_payload import changed_paths, message_of, push_payload
from tests.servers.github_standin.world import Issue, Push, Review, World


@dataclass(frozen=True)
class Event:
    """One event. `ref` and `sha` are what a run of it works on, `head_sha` what it is shown at."""

    world: World
    name: str
    actor: str
    ref: str
    sha: str
    head_sha: str
    make_payload: Callable[[], dict[str, Any]] = field(repr=False)

    @cached_property
    def payload(self) -> dict[str, Any]:
        """As in the file GITHUB_EVENT_PATH: who sent it, and about which repository, included."""
        common = {"repository": repository(self.world), "sender": user(self.world, self.actor)}
        return {**self.make_payload(), **common}

    @cached_property
    def paths(self) -> list[str]:
        """The files that a push, or a pull request as a whole, changes."""
        if self.name == "push":
            return changed_paths(self.world, self.payload["before"], self.payload["after"])
        pull = self.payload["pull_request"]
        ends = pull["base"]["sha"], pull["head"]["sha"]
        return [change.path for change in self.world.git.changes_between(*ends)]

    @property
    def message(self) -> str:
        """The newest commit's message."""
        return message_of(self.world, self.head_sha)


def note_pushes(world: World, refs: dict[str, str], actor: str) -> None:
    """Find out which branches and tags moved since the last look; `actor` moved them."""
    now = {ref: sha for ref, sha in refs.items() if ref.startswith(("refs/heads/", "refs/tags/"))}
    before, world.seen_refs = world.seen_refs, now
    for ref in sorted(before.keys() | now.keys()):
        old, new = before.get(ref), now.get(ref)
        if old != new:
            at = world.now()
            world.pushes.append(Push(next(world.ids), ref, old, new, actor, at))
            _tell_push(world, ref, old, new, actor)


def note_dispatch(world: World, actor: str, kind: str, client_payload: Any) -> None:
    """A repository_dispatch, which is about the default branch."""
    body = {
        "action": kind,
        "branch": world.default_branch,
        "client_payload": client_payload,
    }
    note_on_default(world, "repository_dispatch", actor, body)


def note_on_default(world: World, name: str, actor: str, body: dict[str, Any]) -> None:
    """An event that is about the default branch as it is now."""
    if world.listeners:
        ref = f"refs/heads/{world.default_branch}"
        _note(world, name, actor, (ref, world.git.refs()[ref]), lambda: body)


def note_workflow_dispatch(
    world: World, actor: str, file: str, ref: str, inputs: dict[str, str]
) -> None:
    """A workflow of the ref `ref` is to run, told `inputs`."""
    body = {"ref": ref, "inputs": inputs, "workflow": f".github/workflows/{file}"}
    _note(world, "workflow_dispatch", actor, (ref, world.git.refs()[ref]), lambda: body)


def note_pull(world: World, action: str, issue: Issue, actor: str, **more: Any) -> None:
    """Something happened to a pull request: its own workflows, and those of its target."""
    if not world.listeners or issue.pull is None:
        return
    pull = issue.pull
    about = pull_object(world, issue, pull)
    body = {"action": action, "number": issue.number, "pull_request": about, **more}
    main = f"refs/heads/{world.default_branch}"
    if pull.test_merge is not None:
        merge = f"refs/pull/{issue.number}/merge", pull.test_merge
        _note(world, "pull_request", actor, merge, lambda: body, head_sha=pull.head)
    target = main, world.git.refs()[main]
    _note(world, "pull_request_target", actor, target, lambda: body, head_sha=pull.head)


def note_review(world: World, action: str, issue: Issue, review: Review, actor: str) -> None:
    """A review was submitted or dismissed. It runs on what a merge would make of main."""
    if not world.listeners or issue.pull is None:
        return
    pull = issue.pull
    body = {
        "action": action,
        "pull_request": pull_object(world, issue, pull),
        "review": {**review_object(world, issue, review), "state": review.state.lower()},
    }
    on = f"refs/pull/{issue.number}/merge", pull.test_merge or pull.head
    _note(world, "pull_request_review", actor, on, lambda: body, head_sha=pull.head)


def _tell_push(world: World, ref: str, old: str | None, new: str | None, actor: str) -> None:
    if world.listeners:
        on = ref, new or old or ""
        _note(world, "push", actor, on, lambda: push_payload(world, ref, old, new, actor))


def _note(
    world: World,
    name: str,
    actor: str,
    on: tuple[str, str],
    make_payload: Callable[[], dict[str, Any]],
    *,
    head_sha: str = "",
) -> None:
    event = Event(world, name, actor, *on, head_sha or on[1], make_payload)
    for listen in world.listeners:
        listen(event)
