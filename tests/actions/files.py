"""The files by which a step speaks to its runner, and the words that it prints to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_COMMANDS = (
    re.compile(r"\s*::(?P<verb>[\w-]+)(?P<about>[^:]*)::(?P<value>.*)"),
    re.compile(r".*?##\[(?P<verb>[\w-]+)(?P<about>[^]]*)\](?P<value>.*)"),
)
_OWN = re.compile(r"(GITHUB|RUNNER)_\w+|NODE_OPTIONS")
MOST_SUMMARY_BYTES = 1024 * 1024


class Garbled(Exception):
    """A file that the runner cannot read: GitHub fails the step."""


def read_pairs(path: Path) -> dict[str, str]:
    """GITHUB_OUTPUT and GITHUB_ENV: `name=value`, or `name<<WORD` and lines until WORD.

    Raises Garbled.
    """
    pairs = {}
    lines = iter(path.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if not line:
            continue
        at, heredoc = line.find("="), line.find("<<")
        if heredoc >= 0 and (at < 0 or heredoc < at):
            name, end = line[:heredoc], line[heredoc + 2 :]
            pairs[name] = "\n".join(_until(end, lines))
        elif at > 0:
            pairs[line[:at]] = line[at + 1 :]
        else:
            raise Garbled(f"Invalid format '{line}'")
    return pairs


def read_environment(path: Path) -> dict[str, str]:
    """GITHUB_ENV: what GitHub itself sets cannot be set so. Raises Garbled."""
    pairs = read_pairs(path)
    return {name: value for name, value in pairs.items() if not _OWN.fullmatch(name)}


def read_summary(path: Path) -> str:
    """GITHUB_STEP_SUMMARY. Raises Garbled for one above GitHub's 1 MiB."""
    if path.stat().st_size > MOST_SUMMARY_BYTES:
        raise Garbled(f"$GITHUB_STEP_SUMMARY upload aborted, supports content up to 1024k: {path}")
    return path.read_text(encoding="utf-8")


def masks_in(printed: str) -> list[str]:
    """The values that a step asks to be masked, by `::add-mask::value` or `##[add-mask]value`.

    Between `::stop-commands::word` and `::word::` nothing is asked.
    """
    values, word = [], ""
    for verb, value in _commands_in(printed):
        if word:
            word = "" if verb == word else word
        elif verb == "stop-commands":
            word = value
        elif verb == "add-mask":
            values.append(value)
    return values


def _commands_in(printed: str) -> Iterator[tuple[str, str]]:
    """Each command with what it is told, as the runner reads lines."""
    for line in printed.splitlines():
        found = next((m for one in _COMMANDS if (m := one.fullmatch(line))), None)
        if found:
            yield found["verb"], found["value"].strip()


def masked(text: str, secrets: set[str]) -> str:
    """`text` without its secrets, line by line of each, the longest first."""
    lines = {line for secret in secrets for line in secret.splitlines() if line.strip()}
    for line in sorted(lines, key=len, reverse=True):
        text = text.replace(line, "***")
    return text


def _until(end: str, lines: Iterator[str]) -> list[str]:
    found: list[str] = []
    for line in lines:
        if line == end:
            return found
        found.append(line)
    raise Garbled(f"Matching delimiter not found '{end}'")
