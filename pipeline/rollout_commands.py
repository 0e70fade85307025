"""rollouts/<model>/commands/: what a person tells a running rollout, one file for each command.

A commit that adds the file gives the command, and one that deletes it, or its revert, takes it
back. What the file holds follows from its name, so two people who give the same command, or give
and revert it in any order, never conflict. Who gave it and why is in the commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.config import Section
from pipeline.manifest import Version, parse_document, render_values

MAX_COMMANDS = 1_000


class Verb(StrEnum):
    """What to do.

    `pause` holds for as long as it is there. `resume` ends the pause with the sequence `number`.
    `promote` ends the time and the hold of the stage that record `number` entered: its metrics must
    pass all the same. `abort` ends the rollout. `retry` lets a challenger that was stopped `number`
    times start again.
    """

    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    ABORT = "abort"
    RETRY = "retry"


class CommandFile(Section):
    """What a command's file holds."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    command: Annotated[Verb, Field(strict=False)]
    version: Version
    number: Annotated[int, Field(ge=1, lt=10**9)] | None = None

    @model_validator(mode="after")
    def _has_its_number(self) -> Self:
        needs = self.command not in (Verb.PAUSE, Verb.ABORT)
        if needs != (self.number is not None):
            raise ValueError(f"{self.command} {'needs' if needs else 'has no'} number")
        return self


@dataclass(frozen=True)
class Command:
    """One command for one version; see `Verb` for what `number` counts."""

    verb: Verb
    version: str
    number: int | None = None

    @property
    def name(self) -> str:
        """The name of its file."""
        tail = "" if self.number is None else f"-{self.number}"
        return f"{self.verb}-{self.version}{tail}.yaml"


def render_command(command: Command) -> str:
    """The file of `command`: equal commands are equal bytes."""
    number = {} if command.number is None else {"number": command.number}
    values = {"schema": 1, "command": str(command.verb), "version": command.version, **number}
    return f"# Delete this file, or revert its commit, to take it back.\n{render_values(values)}"


def parse_command(text: str, where: str) -> Command:
    """The command in a YAML document. Raises ConfigurationError naming every fault."""
    found = parse_document(CommandFile, text, where)
    return Command(found.command, found.version, found.number)
