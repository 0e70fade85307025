"""Every link leads somewhere, every table is whole, every diagram names what the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.core.triggers.ledger import RetrainState
from pipeline.rollout_status import Phase
from tests.docs.pages import PAGES, anchors, fences, links, tokens
from tests.repository import ROOT

NAMED = [str(page.relative_to(ROOT)) for page in PAGES]
DIAGRAMS = [(page, text) for page in PAGES for text in fences(page, {"mermaid"})]
EDGE = re.compile(r"^(\w+|\[\*\]) --> (\w+|\[\*\])(?:: .+)?$")
ARROW = re.compile(r" (?:-->|-- \"[^\"]*\" -->|-\. \"[^\"]*\" \.->) ")
WHOLE = {"table_open", "fence"}


@pytest.mark.parametrize("name", NAMED)
def test_every_link_and_picture_is_there(name: str) -> None:
    page = ROOT / name
    broken = [target for target in links(page) if not leads_somewhere(page, target)]
    assert broken == []


def leads_somewhere(page: Path, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return target.startswith("https://")
    path, _, anchor = target.partition("#")
    found = page.parent / path if path else page
    return found.exists() and (not anchor or anchor in anchors(found))


@pytest.mark.parametrize("name", NAMED)
def test_every_picture_says_what_it_shows(name: str) -> None:
    pictures = [c for t in tokens(ROOT / name) for c in t.children or () if c.type == "image"]
    assert [picture.attrs["src"] for picture in pictures if len(picture.content) < 10] == []


@pytest.mark.parametrize("name", NAMED)
def test_every_line_that_looks_like_a_table_s_is_in_one(name: str) -> None:
    page = ROOT / name
    lines = page.read_text(encoding="utf-8").splitlines()
    inside = {n for t in tokens(page) if t.map for n in range(*t.map) if t.type in WHOLE}
    assert [line for n, line in enumerate(lines) if line.startswith("|") and n not in inside] == []


@pytest.mark.parametrize("name", NAMED)
def test_every_row_of_a_table_has_as_many_cells_as_its_head(name: str) -> None:
    page = ROOT / name
    lines = page.read_text(encoding="utf-8").splitlines()
    uneven = [
        lines[n]
        for table in tokens(page)
        if table.type == "table_open" and table.map
        for n in range(*table.map)
        if cells(lines[n]) != cells(lines[table.map[0]])
    ]
    assert uneven == []


def cells(row: str) -> int:
    return len(re.findall(r"(?<!\\)\|", row))


@pytest.mark.parametrize("name", NAMED)
def test_every_fence_is_closed(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert sum(line.lstrip().startswith("```") for line in lines) % 2 == 0


def test_the_readme_shows_every_state_of_a_retrain_and_of_a_rollout() -> None:
    [states] = [text for page, text in DIAGRAMS if page.name == "README.md" and "state" in text]
    expected = {state.value.capitalize() for state in RetrainState} | {p.value for p in Phase}
    assert states_of(states) == expected


def test_the_page_of_rollouts_shows_every_phase() -> None:
    [states] = [text for page, text in DIAGRAMS if page.name == "rollouts.md"]
    assert states_of(states) == {phase.value for phase in Phase}


def states_of(diagram: str) -> set[str]:
    """The states of a mermaid state diagram, each line of which is one transition."""
    head, *lines = [line.strip() for line in diagram.splitlines() if line.strip()]
    assert head == "stateDiagram-v2"
    edges = [EDGE.match(line) for line in lines]
    assert None not in edges
    return {state for edge in edges if edge for state in edge.groups()} - {"[*]"}


def test_the_loop_names_each_of_its_nodes_once_and_joins_them() -> None:
    [loop] = [text for page, text in DIAGRAMS if text.startswith("flowchart")]
    defined = re.findall(r"\b([A-Z])[\[({]", loop)
    assert len(defined) == len(set(defined))
    ends = [ARROW.split(line.strip()) for line in loop.splitlines()[1:]]
    assert [pair for pair in ends if len(pair) != 2] == []
    assert {end[0] for pair in ends for end in pair} == set(defined)
    for left, right in ("[]", "()", "{}"):
        assert loop.count(left) == loop.count(right)
    assert loop.count('"') % 2 == 0


def test_nobody_is_told_to_run_a_script_as_a_file() -> None:
    """`python scripts/X.py` ends in a traceback: Python looks for pipeline/ beside the script."""
    folders = ("pipeline", "scripts", "configs", "docs", "rollouts")
    paths = [path for name in folders for path in (ROOT / name).rglob("*") if path.is_file()]
    texts = {path: path.read_bytes().decode("utf-8", "ignore") for path in (*paths, *PAGES)}
    told = re.compile(r"\b(?:run|then|with|python)\s[\s\"#`]*scripts/\w+\.py", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path, text in texts.items()
        if path.suffix != ".pyc"
        for match in told.finditer(text)
    ]
    assert found == []
