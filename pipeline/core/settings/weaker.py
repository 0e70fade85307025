"""What a change of a setting would protect less than what is set now."""

from __future__ import annotations

from fnmatch import fnmatchcase

from pipeline.repository_settings import BY_APP, NO_BRANCH, Fields, Kind, words_of

_STRONGER_IF_MORE = {
    Kind.RULESET: ("approvals", "code_owners", "dismiss_stale", "last_push_approval"),
    Kind.ENVIRONMENT: ("wait_minutes",),
}
_STRONGER_IF_LONGER = {
    Kind.RULESET: ("includes", "forbids", "checks", "other_rules"),
    Kind.ENVIRONMENT: ("reviewers",),
    Kind.POLICY: ("other_rules",),
}


def weaker_fields(kind: Kind, found: Fields, wished: Fields) -> tuple[str, ...]:
    """What would protect less, of a ruleset, an environment, a policy or a job's token.

    That Actions may open pull requests is not among it: GitHub turns it off, and a set-up on.
    """
    numbers = [
        name
        for name in _STRONGER_IF_MORE.get(kind, ())
        if _number(found, name) > _number(wished, name)
    ]
    gone = [
        line for name in _STRONGER_IF_LONGER.get(kind, ()) for line in _gone(found, wished, name)
    ]
    return (*numbers, *gone, *_opened(kind, found, wished))


def _opened(kind: Kind, found: Fields, wished: Fields) -> list[str]:
    """Who or what may come in, or may write, that may not now."""
    if kind is Kind.ENVIRONMENT:
        return _opened_branches(words_of(found, "branches"), words_of(wished, "branches"))
    if kind is Kind.TOKEN:
        name = "default_permissions"
        return [f"{name}: write"] if (found.get(name), wished[name]) == ("read", "write") else []
    name = "events" if kind is Kind.POLICY else "bypass"
    known = words_of(found, name)
    return [f"{name}: {who}" for who in words_of(wished, name) if who not in known]


def _opened_branches(found: tuple[str, ...], wished: tuple[str, ...]) -> list[str]:
    """The branches that may not use the environment now; without any named, every branch may."""
    if not found:
        return []
    if not wished:
        return ["branches: any"]
    if found == (NO_BRANCH,):
        return []
    return [f"branches: {name}" for name in wished if not _takes(found, name)]


def _takes(found: tuple[str, ...], name: str) -> bool:
    """Whether `found` names this branch or has a pattern for it, whose * stops at a slash."""
    is_pattern = any(sign in name for sign in "*?[")
    return name in found or any(
        not is_pattern and fnmatchcase(name, known) and name.count("/") == known.count("/")
        for known in found
    )


def _number(fields: Fields, name: str) -> int:
    value = fields.get(name)
    return int(value) if isinstance(value, int) else 0


def _gone(found: Fields, wished: Fields, name: str) -> list[str]:
    """What is no longer asked for; a check that anybody could set may come to be of one App."""
    kept = words_of(wished, name)
    kept += tuple(word.rpartition(BY_APP)[0] for word in kept if name == "checks")
    return [f"{name}: without {word}" for word in words_of(found, name) if word not in kept]
