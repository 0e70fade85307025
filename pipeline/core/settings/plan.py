"""From wished and found settings to a plan: a value that prints itself and holds no policy.

Only what is wished is compared: a label, a variable or a ruleset of somebody else is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.core.settings.weaker import weaker_fields
from pipeline.repository_settings import Fields, Found, Key, Value


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
