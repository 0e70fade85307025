"""The trigger ledger where it is kept: read as a value, changed by pure steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pipeline.adapters.git.ledger_branch import LedgerBranch
from pipeline.core.triggers.ledger import Ledger
from pipeline.core.triggers.ledger_json import ledger_to_json, parse_ledger

T = TypeVar("T")


class LedgerStore:
    """The ledger on its branch of origin, or of the repository at `root` alone if `is_local`."""

    def __init__(self, root: Path, *, is_local: bool = False) -> None:
        self._branch = LedgerBranch(root, None if is_local else "origin")

    def read(self) -> Ledger:
        """The ledger as it is; an empty one where there is none yet. Raises OutsideError."""
        return self._parse(self._branch.read())

    def update(self, step: Callable[[Ledger], tuple[Ledger, T]], message: str) -> T:
        """Take `step` on the newest ledger and save it; what `step` says beside is returned.

        `step` is taken again where another writer came first. A ledger that `step` leaves as it
        is makes no commit. Raises OutsideError.
        """

        def change(value: Any) -> tuple[Any, T]:
            before = self._parse(value)
            after, said = step(before)
            return (value if after == before else ledger_to_json(after)), said

        return self._branch.update(change, message)

    def _parse(self, value: Any) -> Ledger:
        return Ledger() if value is None else parse_ledger(value, self._branch.where)
