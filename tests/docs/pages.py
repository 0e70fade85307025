"""The pages of this repository as their readers get them: commands, links, headings, tables."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.repository import ROOT

PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
SHELL = {"sh", "console"}
PROGRAMS = ("python -m ", "make ", "dvc ", "git ", "gh ", "pip ", "curl ", "export ", "source ")


@dataclass(frozen=True)
class Command:
    """One line that a page asks its reader to type."""

    text: str
    page: Path

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.text}"


def tokens(page: Path) -> list[Token]:
    """The page as GitHub reads it."""
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def inline(page: Path) -> Iterator[Token]:
    """What is inside paragraphs, headings and cells."""
    return (child for token in tokens(page) for child in token.children or ())


def fences(page: Path, languages: set[str]) -> list[str]:
    """Its blocks of code in these languages."""
    return [t.content for t in tokens(page) if t.type == "fence" and t.info in languages]


def commands(page: Path) -> list[Command]:
    """Every line of its shell blocks, and every `command` in its text; comments are cut."""
    found = [line for block in fences(page, SHELL) for line in _lines(block)]
    code = (token.content for token in inline(page) if token.type == "code_inline")
    found += [" ".join(text.split()) for text in code if text.startswith(PROGRAMS)]
    return [Command(text, page) for text in dict.fromkeys(found)]


def every_text() -> list[str]:
    """Each command that any page has, once."""
    return sorted({command.text for page in PAGES for command in commands(page)})


def _lines(block: str) -> Iterator[str]:
    for line in block.replace("\\\n", " ").splitlines():
        cut = re.sub(r"(^|\s)#.*", "", line.removeprefix("$ ")).strip()
        if cut:
            yield " ".join(cut.split())


def words(command: str) -> list[str]:
    """As a shell would part it."""
    return shlex.split(command, comments=True)


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives its headings, a number after those that come again."""
    found: list[str] = []
    parts = tokens(page)
    for opened, title in itertools.pairwise(parts):
        if opened.type == "heading_open":
            plain = "".join(child.content for child in title.children or ())
            found.append(re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-"))
    return {f"{name}-{n}" if (n := found[:i].count(name)) else name for i, name in enumerate(found)}


def links(page: Path) -> list[str]:
    """Where its links lead, and what its pictures are."""
    attributes = (token.attrs.get("href") or token.attrs.get("src") for token in inline(page))
    return [str(target) for target in attributes if target]
