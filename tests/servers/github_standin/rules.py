"""The ruleset of the default branch, and what of it a pull request does not meet yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.servers.github_standin.codeowners import owners_of, parse_owners

if TYPE_CHECKING:
    from tests.servers.github_standin.world import Issue, Pull, Review, World

_OWNER_FILES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
_DONE_WELL = ("success", "neutral", "skipped")


@dataclass(frozen=True)
class Rules:
    """By default anything may be merged. `checks` are contexts that must have succeeded.

    Any rule about approvals makes "changes requested" block; `is_strict` wants the newest base.
    `checks_by` is the login that must have set the checks, `others` are further kinds of rules.
    """

    approvals: int = 0
    dismisses_stale: bool = False
    needs_code_owner: bool = False
    checks: tuple[str, ...] = ()
    is_strict: bool = False
    methods: tuple[str, ...] = ("merge", "squash")
    checks_by: str | None = None
    ruleset_id: int = 1
    others: tuple[str, ...] = ()

    @property
    def needs_pull(self) -> bool:
        return self.approvals > 0 or self.needs_code_owner or self.dismisses_stale

    def listed(self, source: str) -> list[dict[str, Any]]:
        """The rules as `GET /rules/branches/{branch}` lists them."""
        pull = {
            "allowed_merge_methods": list(self.methods),
            "dismiss_stale_reviews_on_push": self.dismisses_stale,
            "require_code_owner_review": self.needs_code_owner,
            "require_last_push_approval": False,
            "required_approving_review_count": self.approvals,
            "required_review_thread_resolution": False,
        }
        checks = {
            "required_status_checks": [{"context": name} for name in self.checks],
            "strict_required_status_checks_policy": self.is_strict,
        }
        found = [("pull_request", pull)] if self.needs_pull else []
        found += [("required_status_checks", checks)] if self.checks else []
        of = {
            "ruleset_source_type": "Repository",
            "ruleset_source": source,
            "ruleset_id": self.ruleset_id,
        }
        bare = [{"type": kind, **of} for kind in self.others]
        return [*bare, *({"type": kind, "parameters": values, **of} for kind, values in found)]


def rules_of(world: World, branch: str) -> Rules:
    """The rules that hold for a branch: only the default one has any."""
    return world.rules if branch == world.default_branch else Rules()


def unmet(world: World, issue: Issue, pull: Pull) -> list[str]:
    """The rules that stand between a pull request and its merge, in GitHub's words."""
    rules = rules_of(world, pull.base_ref)
    standing = _standing_reviews(world, issue, pull)
    approvers = {who for who, review in standing.items() if review.state == "APPROVED"}
    found = []
    if rules.approvals > len(approvers):
        count = f"{rules.approvals} approving review{'s are' if rules.approvals > 1 else ' is'}"
        found.append(f"At least {count} required by reviewers with write access.")
    if rules.needs_code_owner and not _is_owned(world, pull, approvers):
        found.append("Waiting on code owner review.")
    if rules.needs_pull and any(r.state == "CHANGES_REQUESTED" for r in standing.values()):
        found.append("Changes have been requested by reviewers with write access.")
    found += [
        f'Required status check "{context}" is {state}.'
        for context in rules.checks
        if (state := check_state(world, pull.head, context, rules.checks_by)) != "success"
    ]
    return found


def check_state(world: World, commit: str, context: str, by: str | None = None) -> str:
    """success, failing, pending or expected (nobody has told yet); the newest status counts."""
    for status in reversed(world.statuses):
        is_by = by is None or status.creator == by
        if status.commit == commit and status.context == context and is_by:
            if status.is_check and status.state != "completed":
                return "pending"
            result = status.conclusion if status.is_check else status.state
            if result in _DONE_WELL:
                return "success"
            return "pending" if result == "pending" else "failing"
    return "expected"


def dismiss_stale(world: World, issue: Issue, pull: Pull) -> list[Review]:
    """What a push to the head does to approvals, where the rules say so: those that it ended."""
    if not rules_of(world, pull.base_ref).dismisses_stale:
        return []
    stale = [review for review in pull.reviews if review.state == "APPROVED"]
    for review in stale:
        review.state = "DISMISSED"
    return stale


def _standing_reviews(world: World, issue: Issue, pull: Pull) -> dict[str, Review]:
    """The last review of each person that says yes or no; a plain comment changes nothing."""
    return {
        review.author: review
        for review in pull.reviews
        if review.state in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
        and review.author != issue.author
        and world.people.has_write(review.author)
    }


def _is_owned(world: World, pull: Pull, approvers: set[str]) -> bool:
    """Whether each changed file that has owners is approved by one of them."""
    text = next((t for name in _OWNER_FILES if (t := _text_at(world, pull, name)) is not None), "")
    patterns = parse_owners(text)
    for change in world.git.changes_between(pull.base_tip, pull.head):
        owners = owners_of(patterns, change.path)
        people = {login for owner in owners for login in _members(world, owner)}
        if owners and not people & {who.lower() for who in approvers}:
            return False
    return True


def _text_at(world: World, pull: Pull, name: str) -> str | None:
    """CODEOWNERS is read from the base: a pull request cannot change who owns it."""
    found = world.git.run("ls-tree", pull.base_tip, "--", name)
    return world.git.run("cat-file", "blob", f"{pull.base_tip}:{name}") if found else None


def _members(world: World, owner: str) -> set[str]:
    name = owner.lstrip("@").lower()
    return world.people.teams.get(name.partition("/")[2], set()) if "/" in name else {name}
