"""The files of a local forge: JSON for what is looked up, Markdown beside it for bodies.

A file is replaced whole, and the JSON last, so that one which is there is complete.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from pipeline.errors import ConfigurationError, OutsideError
from pipeline.forge import PullState, ReviewState
from pipeline.jsonio import load_json, save_json, save_text

LOGIN = "local"
Kept = TypeVar("Kept", bound="Record")


class Record(BaseModel):
    """People edit these files: a word too much or of the wrong kind is an error, not a surprise."""

    model_config = ConfigDict(extra="forbid", use_enum_values=False)


class KeptPull(Record):
    """A pull request, without its body."""

    branch: str
    base: str
    title: str
    head: str
    state: PullState = PullState.OPEN
    author: str = LOGIN
    closed_by: str | None = None
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()


class KeptIssue(Record):
    """An issue, without its body."""

    title: str
    is_open: bool = True
    author: str = LOGIN
    labels: tuple[str, ...] = ()


class KeptComment(Record):
    """A comment on the issue or pull request `on`."""

    on: int
    author: str = LOGIN
    body: str


class KeptReview(Record):
    """A review, as a person writes it down."""

    author: str
    state: ReviewState
    commit: str
    submitted_at: datetime


class Folder:
    """The records below `path`, by kind and number."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def numbers(self, kind: str) -> list[int]:
        """The numbers of a kind, smallest first."""
        names = (path.stem for path in (self.path / kind).glob("*.json"))
        return sorted(int(name) for name in names if name.isdecimal())

    def place(self, kind: str, number: int, suffix: str) -> Path:
        """Where a record is kept."""
        return self.path / kind / f"{number}.{suffix}"

    def body(self, kind: str, number: int) -> str:
        """The Markdown beside a record."""
        return self.place(kind, number, "md").read_text(encoding="utf-8")

    def load(self, shape: type[Kept], kind: str, number: int) -> Kept:
        """A record. Raises OutsideError where the file says what it must not.

        Raises ConfigurationError for a number that no record has.
        """
        path = self.place(kind, number, "json")
        if not path.is_file():
            newest = ", ".join(map(str, self.numbers(kind)[-5:]))
            expected = f"expected a number such as {newest}" if newest else "and nothing is there"
            raise ConfigurationError(str(self.path), [f"found no {kind}/{number}, {expected}"])
        try:
            return shape.model_validate(load_json(path))
        except ValidationError as error:
            raise _broken(path, error) from error

    def load_reviews(self, number: int) -> list[KeptReview]:
        """The reviews of a pull request; none where nobody wrote any."""
        path = self.place("reviews", number, "json")
        if not path.is_file():
            return []
        try:
            return TypeAdapter(list[KeptReview]).validate_python(load_json(path))
        except ValidationError as error:
            raise _broken(path, error) from error

    def save(self, kind: str, number: int, kept: Record, body: str | None = None) -> None:
        """Write a record, and its body where one is given."""
        if body is not None:
            save_text(self.place(kind, number, "md"), body)
        save_json(self.place(kind, number, "json"), kept.model_dump())


def _broken(path: Path, error: ValidationError) -> OutsideError:
    faults = "; ".join(
        f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)
    )
    return OutsideError(f"{path}: {faults}. Mend the file and run again.")
