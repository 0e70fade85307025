"""From wished and found settings to a plan: a value that prints itself and holds no policy.

Only what is wished is compared: a label, a variable or a ruleset of somebody else is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.repository_settings import Fields, Found, Key, Kind, Value


class Mark(StrEnum):
    """How a line of the plan begins."""

    SAME = "="
    ADD = "+"
    CHANGE = "~"
    BY_HAND = "!"  # only a person can do it
    LACKING = "-"  # the account's plan does not have it
    UNSEEN = "?"  # this token may not see it


DRIFTED = frozenset({Mark.ADD, Mark.CHANGE, Mark.BY_HAND})
SETTABLE = frozenset({Mark.ADD, Mark.CHANGE})


@dataclass(frozen=True)
class Item:
    """One line of the plan, with `notes` below it.

    `wished` is the whole setting, for an adapter to set. `weaker` names what would protect less
    than it does now.
    """

    mark: Mark
    what: str
    notes: tuple[str, ...] = ()
    key: Key | None = None
    wished: Fields = field(default_factory=dict)
    weaker: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"{self.mark} {self.what}", *(f"    {note}" for note in self.notes)])


@dataclass(frozen=True)
class SettingsPlan:
    """All items, in the order to apply them in."""

    items: tuple[Item, ...]

    @property
    def drifted(self) -> tuple[Item, ...]:
        """What is not as wished."""
        return tuple(item for item in self.items if item.mark in DRIFTED)

    @property
    def settable(self) -> tuple[Item, ...]:
        """What --apply sets."""
        return tuple(item for item in self.items if item.mark in SETTABLE)

    @property
    def unseen(self) -> tuple[Item, ...]:
        """What this token cannot see."""
        return tuple(item for item in self.items if item.mark is Mark.UNSEEN)

    @property
    def weaker(self) -> tuple[str, ...]:
        """What would protect less than it does now."""
        return tuple(f"{item.what}: {words}" for item in self.items for words in item.weaker)

    def __str__(self) -> str:
        counts = {mark: sum(item.mark is mark for item in self.items) for mark in Mark}
        named = {
            Mark.ADD: "to add",
            Mark.CHANGE: "to change",
            Mark.BY_HAND: "by hand",
            Mark.SAME: "as wished",
            Mark.LACKING: "not in this plan",
            Mark.UNSEEN: "not seen",
        }
        told = ", ".join(f"{counts[mark]} {words}" for mark, words in named.items() if counts[mark])
        return "\n".join([*map(str, self.items), "", told or "nothing"])


def plan_settings(wished: Mapping[Key, Fields], found: Found) -> tuple[Item, ...]:
    """An item for each wished setting that can be seen, and one for each kind that cannot."""
    items = []
    for key, fields in wished.items():
        if key.kind not in found.unseen:
            items.append(_item(key, fields, found.settings.get(key)))
    hidden = sorted(found.unseen.items())
    return (*items, *(Item(Mark.UNSEEN, f"{kind}: {words}") for kind, words in hidden))


def _item(key: Key, wished: Fields, found: Fields | None) -> Item:
    if found is None:
        notes = _notes(key, {}, wished, wished)
        return Item(Mark.ADD, str(key), notes, key, wished)
    differing = [name for name in wished if found.get(name) != wished[name]]
    if not differing:
        return Item(Mark.SAME, str(key))
    notes = _notes(key, found, wished, differing)
    return Item(Mark.CHANGE, str(key), notes, key, wished, weaker_fields(key.kind, found, wished))


def _notes(key: Key, found: Fields, wished: Fields, names: Iterable[str]) -> tuple[str, ...]:
    lines = []
    for name in names:
        now = f"{shown(found[name])} -> " if name in found else ""
        if now or wished[name] not in (None, (), ""):
            lines.append(f"{name}: {now}{shown(wished[name])}")
    return tuple(lines)


def shown(value: Value) -> str:
    """A value on one line, whatever a stranger put into it."""
    if isinstance(value, tuple):
        return ", ".join(map(shown, value)) or "none"
    words = {True: "yes", False: "no", None: "none", "": "''"}
    text = words[value] if isinstance(value, bool | None) or value == "" else str(value)
    return "".join(c if c.isprintable() else " " for c in text)[:200]


def weaker_fields(kind: Kind, found: Fields, wished: Fields) -> tuple[str, ...]:
    """The fields of a ruleset or an environment that would protect less than they do now."""
    if kind is Kind.RULESET:
        return _weaker_ruleset(found, wished)
    if kind is Kind.ENVIRONMENT:
        is_opened = bool(found.get("branches")) and not wished["branches"]
        gone = _missing(found, wished, "reviewers")
        return (*gone, *(["branches: any"] if is_opened else []))
    return ()


def _weaker_ruleset(found: Fields, wished: Fields) -> tuple[str, ...]:
    numbers = {name: _number(found, name) > _number(wished, name) for name in _STRONGER_IF_MORE}
    lists = [line for name in ("forbids", "checks") for line in _missing(found, wished, name)]
    more = [f"bypass: {who}" for who in _more(found, wished)]
    return (*(name for name, is_less in numbers.items() if is_less), *lists, *more)


_STRONGER_IF_MORE = ("approvals", "code_owners", "dismiss_stale", "last_push_approval")


def _number(fields: Fields, name: str) -> int:
    value = fields.get(name)
    return int(value) if isinstance(value, int) else 0


def _words(fields: Fields, name: str) -> tuple[str, ...]:
    value = fields.get(name)
    return value if isinstance(value, tuple) else ()


def _missing(found: Fields, wished: Fields, name: str) -> list[str]:
    return [
        f"{name}: without {word}"
        for word in _words(found, name)
        if word not in _words(wished, name)
    ]


def _more(found: Fields, wished: Fields) -> list[str]:
    return [who for who in _words(wished, "bypass") if who not in _words(found, "bypass")]
