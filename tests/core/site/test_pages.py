"""The site's pages as HTML: nothing is asked for, nothing runs, and all of it can be heard."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.core.site.pages import Source, render_site
from pipeline.core.triggers.ledger import Ledger
from pipeline.errors import ConfigurationError
from scripts.build_dashboard import load_templates
from tests.core import hostile
from tests.core import site_histories as made
from tests.core.site_histories import history, reign
from tests.core.site_pages import SOURCE, worst_site
from tests.dom import Node, parse
from tests.rollouts import DAY, START, champion_of


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return worst_site()


@pytest.fixture(scope="module")
def trees(pages: dict[str, str]) -> list[Node]:
    return [parse(text) for text in pages.values()]


def test_there_is_a_page_for_all_models_and_one_for_each(pages: dict[str, str]) -> None:
    assert list(pages) == [
        "index.html",
        f"models/a-model-of-{'long' * 13}.html",
        "models/empty.html",
        "models/flight-delay.html",
    ]
    links = [a.attrs["href"] for a in parse(pages["index.html"]).all("a")]
    assert set(pages) - {"index.html"} <= set(links)


def test_a_site_without_models_says_so() -> None:
    pages = render_site((), START, Source("ab" * 20), load_templates())
    assert "No model has a folder" in parse(pages["index.html"]).one("main").text
    assert "there is no trigger ledger" in parse(pages["index.html"]).one("footer").text


@pytest.mark.parametrize(
    ("count", "rows", "heading", "caption"),
    [
        (50, 50, "Every rollout", "The most recent first; times are UTC."),
        (
            120,
            50,
            "The newest rollouts",
            "The most recent first; times are UTC. 70 older ones are in git.",
        ),
    ],
)
def test_rollouts_that_are_not_listed_are_counted(count, rows, heading, caption) -> None:
    once = made.written_of(made.failed_world())
    many = [
        replace(
            one,
            record=one.record.model_copy(
                update={
                    "attempt": attempt,
                    "sequence": len(once) * attempt + n,
                    "at": one.record.at + attempt * DAY,
                }
            ),
        )
        for attempt in range(1, count + 1)
        for n, one in enumerate(once)
    ]
    found = (history(None, written=tuple(many)),)
    text = render_site(found, START + 130 * DAY, SOURCE, load_templates())[
        f"models/{found[0].model}.html"
    ]
    (section,) = [
        s for s in parse(text).all("section") if s.attrs.get("aria-labelledby") == "rollouts"
    ]
    assert (section.one("h2").text, section.one("caption").text) == (heading, caption)
    assert len(section.one("tbody").all("tr")) == rows


def test_a_page_can_ask_for_nothing_and_run_nothing(pages: dict[str, str]) -> None:
    for text in pages.values():
        tree = parse(text)
        (policy,) = [m for m in tree.all("meta") if "http-equiv" in m.attrs]
        digest = hashlib.sha256(tree.one("style").children[0].encode()).digest()
        assert policy.attrs["content"] == (
            f"default-src 'none'; style-src 'sha256-{base64.b64encode(digest).decode()}'; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        )
        assert not [node for node in tree.all() if "src" in node.attrs or "style" in node.attrs]
        assert not tree.all("script") + tree.all("img") + tree.all("iframe") + tree.all("form")
        assert [link.attrs["href"] for link in tree.all("link")] == ["data:,"]
        assert not re.search(r"url\(|@import|@font-face", tree.one("style").children[0])
        assert not [name for node in tree.all() for name in node.attrs if name.startswith("on")]


def test_links_lead_to_the_forge_or_to_pages_of_ours_and_tell_nobody_whence(
    pages: dict[str, str],
) -> None:
    for path, text in pages.items():
        for link in parse(text).all("a"):
            href = link.attrs["href"]
            assert link.text
            if href.startswith(SOURCE.forge):
                assert link.attrs["rel"] == "noreferrer"
                assert re.fullmatch(r"/(commit/[0-9a-f]{40}|pull/\d+)", href[len(SOURCE.forge) :])
            elif not href.startswith("#"):
                here = path.rpartition("/")[0]
                target = (Path("/", here) / href).resolve().relative_to("/")
                assert target.as_posix() in pages


def test_a_page_is_built_for_those_who_hear_it(trees: list[Node]) -> None:
    for tree in trees:
        assert tree.one("html").attrs["lang"] == "en"
        assert tree.one("head").one("title").text.endswith(" · Perennial")
        assert len(tree.all("h1")) == len(tree.all("main")) == 1
        levels = [int(node.tag[1]) for node in tree.all() if re.fullmatch("h[1-6]", node.tag)]
        assert levels[0] == 1
        assert all(b - a <= 1 for a, b in pairwise(levels))
        ids = [node.attrs["id"] for node in tree.all() if "id" in node.attrs]
        assert len(ids) == len(set(ids))
        for node in tree.all():
            for name in node.attrs.get("aria-labelledby", "").split():
                assert name in ids
        assert {cell.attrs.get("scope") for cell in tree.all("th")} <= {"col", "row"}
        assert all(table.one("caption").text for table in tree.all("table"))
        assert all(int(n.attrs["tabindex"]) <= 0 for n in tree.all() if "tabindex" in n.attrs)


def test_every_picture_has_a_name_and_words_or_is_hidden(trees: list[Node]) -> None:
    seen = 0
    for svg in (svg for tree in trees for svg in tree.all("svg")):
        if svg.attrs.get("aria-hidden") == "true":
            assert svg.attrs["focusable"] == "false"
            continue
        seen += 1
        title, desc = svg.children[1], svg.children[3]
        assert (svg.attrs["role"], title.tag, desc.tag) == ("img", "title", "desc")
        assert title.text
        assert desc.text
        assert svg.attrs["aria-labelledby"] == f"{title.attrs['id']} {desc.attrs['id']}"
    assert seen == 6  # five figures and the track; the other models have none


@pytest.fixture(scope="module")
def plain() -> dict[str, list[str]]:
    """Each page's tags where all words are harmless."""
    found = history(faults=("x",), ledger=Ledger((made.event(START),)))
    pages = render_site((found,), START + DAY, SOURCE, load_templates())
    return {path: [node.tag for node in parse(page).all()] for path, page in pages.items()}


@pytest.mark.parametrize("text", hostile.TEXTS)
def test_hostile_words_stay_words(text: str, plain: dict[str, list[str]]) -> None:
    text = text.encode("utf-8", "replace").decode()
    champion = champion_of("a").model_copy(update={"reason": text, "approved_by": text})
    found = history(
        reigns=(replace(reign(), champion=champion, by=text),),
        faults=(text,),
        ledger=Ledger((replace(made.event(START), reason=text),)),
    )
    pages = render_site((found,), START + DAY, SOURCE, load_templates())
    for path, page in pages.items():
        assert [node.tag for node in parse(page).all()] == plain[path]
        assert all(c.isprintable() or c == "\n" for c in page)


@pytest.mark.parametrize(
    "forge", ["javascript:alert(1)", 'https://x/"><b>', "//x.test/y", "ftp://x"]
)
def test_an_address_of_no_forge_is_refused(forge: str) -> None:
    with pytest.raises(ConfigurationError, match="--forge"):
        render_site((), START, Source("ab" * 20, "", forge), load_templates())
