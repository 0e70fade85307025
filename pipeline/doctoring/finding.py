"""What a check found: one line, with how to mend it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from pipeline.credentials import without_credentials


class Health(StrEnum):
    """How it is. Only a FAULT makes the doctor's exit code 1."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    SKIPPED = "not checked"


@dataclass(frozen=True)
class Finding:
    """`mend` says what to do, as a command where there is one; empty where nothing is to do."""

    health: Health
    subject: str
    text: str
    mend: str = ""

    def __str__(self) -> str:
        mend = f"  ->  {self.mend}" if self.mend else ""
        return _on_one_line(f"{self.health:<11}  {self.subject}: {self.text}{mend}")

    def without(self, secrets: list[str]) -> Finding:
        """The same, with *** for each of `secrets` and for what looks like one."""
        told = (self.subject, self.text, self.mend)
        subject, text, mend = (without_credentials(words, secrets) for words in told)
        return replace(self, subject=subject, text=text, mend=mend)


def ok(subject: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(Health.OK, subject, text)


def warning(subject: str, text: str, mend: str = "") -> Finding:
    """Works, and will not for ever or not everywhere."""
    return Finding(Health.WARNING, subject, text, mend)


def fault(subject: str, text: str, mend: str = "") -> Finding:
    """Does not work."""
    return Finding(Health.FAULT, subject, text, mend)


def skipped(subject: str, why: str) -> Finding:
    """Could not be looked at from here."""
    return Finding(Health.SKIPPED, subject, why)


def _on_one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text).strip()
