"""What a change of a ruleset or an environment would protect less than what is set now."""

from __future__ import annotations

from pipeline.repository_settings import Fields, Kind, words_of

_STRONGER_IF_MORE = {
    Kind.RULESET: ("approvals", "code_owners", "dismiss_stale", "last_push_approval"),
    Kind.ENVIRONMENT: ("wait_minutes",),
}
_STRONGER_IF_LONGER = {
    Kind.RULESET: ("includes", "forbids", "checks", "other_rules"),
    Kind.ENVIRONMENT: ("reviewers",),
}


def weaker_fields(kind: Kind, found: Fields, wished: Fields) -> tuple[str, ...]:
    """What of a ruleset or an environment would protect less; nothing of any other kind."""
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
    """Who or what may come in that may not now; an environment without branches takes any."""
    if kind is Kind.ENVIRONMENT:
        is_opened = bool(found.get("branches")) and not wished["branches"]
        return ["branches: any"] if is_opened else []
    known = words_of(found, "bypass")
    return [f"bypass: {who}" for who in words_of(wished, "bypass") if who not in known]


def _number(fields: Fields, name: str) -> int:
    value = fields.get(name)
    return int(value) if isinstance(value, int) else 0


def _gone(found: Fields, wished: Fields, name: str) -> list[str]:
    kept = words_of(wished, name)
    return [f"{name}: without {word}" for word in words_of(found, name) if word not in kept]
