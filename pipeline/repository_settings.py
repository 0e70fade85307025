"""A GitHub repository's settings as plain values: the wished and the found look the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Value = str | int | bool | tuple[str, ...] | None
Fields = Mapping[str, Value]
PROTECTED = "(protected branches)"  # of an environment: those that any rule protects
NO_BRANCH = "(no branch)"  # of an environment: also what a set-up leaves that was killed halfway

BY_APP = " by App "  # between a check and the App that must set it


def words_of(fields: Fields, name: str) -> tuple[str, ...]:
    """The words of a field that is a list; none where it is no list, or is not there."""
    value = fields.get(name)
    return value if isinstance(value, tuple) else ()


class Kind(StrEnum):
    """What a setting is of. In this order they are set: main is protected last."""

    ACTIONS = "actions"
    TOKEN = "job token"  # noqa: S105 (what it may do, where a job does not say)
    POLICY = "actions policy"
    VARIABLE = "variable"
    LABEL = "label"
    ENVIRONMENT = "environment"
    PAGES = "pages"
    RULESET = "ruleset"


@dataclass(frozen=True, order=True)
class Key:
    """A setting by its kind and its name; those that are there once are called `repository`."""

    kind: Kind
    name: str = "repository"

    def __str__(self) -> str:
        return str(self.kind) if self.name == "repository" else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Account:
    """What limits the settings.

    `plan` is GitHub's word (free, pro, team, enterprise) in small letters, None where it is not
    told.
    """

    is_private: bool
    plan: str | None
    default_branch: str


@dataclass(frozen=True)
class Found:
    """A repository as it is.

    A kind in `lacking` is not in its plan, one in `unseen` is hidden from this token, each with
    GitHub's words.
    """

    account: Account
    settings: Mapping[Key, Fields]
    lacking: Mapping[str, str] = field(default_factory=dict)
    unseen: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SecretNames:
    """The names of the secrets: those that every job sees, and those of each environment.

    `unseen` is GitHub's word where this token may not even list them.
    """

    everywhere: frozenset[str] = frozenset()
    of_environment: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unseen: str | None = None
