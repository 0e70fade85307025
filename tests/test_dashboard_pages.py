"""The site's pages as HTML and in real Chromium: nothing is asked for, all of it can be read.

The worst of pages: every part is there, names are long, and what others wrote is hostile.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.core.site.facts import ModelHistory
from pipeline.core.site.pages import Source, render_site
from pipeline.core.triggers.ledger import Ledger, RetrainState
from pipeline.errors import ConfigurationError
from scripts.build_dashboard import forge_of, load_templates
from tests.core import hostile
from tests.core import site_histories as made
from tests.core.site_histories import BEGAN, evidence, history, merged, reign
from tests.dom import Node, parse
from tests.rollouts import DAY, HOUR, START, champion_of, spec_of, tick
from tests.servers.chromium import HOST, Browser, browser

EVIL = (
    "</style></title><script>alert(1)</script><img src=//evil.test/x onerror=alert(2)>" + "W" * 90
)
SOURCE = Source("ab" * 20, "cd" * 20, "https://forge.example/flights")
DARK = "--blink-settings=preferredColorScheme=0"


def busy() -> ModelHistory:
    """A challenger promoted, one failed, one at 5 %, years of retrains, and hostile words."""
    world = made.promoted_world()
    champion = champion_of("c").model_copy(update={"reason": EVIL, "approved_by": EVIL[:300]})
    specs = [spec_of("c"), spec_of("d", "c"), spec_of("e", "c")]
    world.champion = world.alias = champion.digest
    world.spec = specs[1]
    tick(world, START + DAY)
    found = made.samples(specs[1], START + DAY + HOUR, made.BAD)
    tick(world, START + DAY + HOUR, found)
    world.spec = specs[2]
    tick(world, START + 2 * DAY)
    moments = [BEGAN + i * DAY for i in range(55)]
    retrains = tuple(made.retrain(i, at, RetrainState.LOST) for i, at in enumerate(moments, 1))
    events = tuple(replace(made.event(at), reason=EVIL) for at in moments)
    return history(
        world,
        reigns=(reign(), reign(None, BEGAN + DAY), reign("a", BEGAN + 9 * DAY),
                replace(reign("c", START + 3 * HOUR), champion=champion)),
        merged=tuple(
            replace(merged(spec, START + i * DAY, evidence(0.02 * i)), subject=f"x (#{i})")
            for i, spec in enumerate(specs)
        ),
        ledger=Ledger(events, retrains),
    )  # fmt: skip


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    broken = ModelHistory("a-model-of-" + "long" * 13, faults=(EVIL,))
    empty = ModelHistory("empty")
    return render_site((broken, empty, busy()), START + 2 * DAY + HOUR, SOURCE, load_templates())


@pytest.fixture
def trees(pages: dict[str, str]) -> list[Node]:
    return [parse(text) for text in pages.values()]


# ---------------------------------------------------------------- as HTML


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


@pytest.mark.parametrize("text", hostile.TEXTS)
def test_hostile_words_stay_words(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    champion = champion_of("a").model_copy(update={"reason": text, "approved_by": text})
    found = history(
        reigns=(replace(reign(), champion=champion, by=text),),
        faults=(text,),
        ledger=Ledger((replace(made.event(START), reason=text),)),
    )
    pages = render_site((found,), START + DAY, SOURCE, load_templates())
    plain = render_site((history(faults=("x",), ledger=Ledger((made.event(START),))),),
                        START + DAY, SOURCE, load_templates())  # fmt: skip
    for path, page in pages.items():
        tags = [node.tag for node in parse(page).all()]
        assert tags == [node.tag for node in parse(plain[path]).all()]
        assert page.isprintable() or all(c.isprintable() or c == "\n" for c in page)


@pytest.mark.parametrize(
    "forge", ["javascript:alert(1)", 'https://x/"><b>', "//x.test/y", "ftp://x"]
)
def test_an_address_of_no_forge_is_refused(forge: str) -> None:
    with pytest.raises(ConfigurationError, match="--forge"):
        render_site((), START, Source("ab" * 20, "", forge), load_templates())


def test_the_forge_is_known_from_the_job_and_nowhere_else() -> None:
    job = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b"}
    assert forge_of(job) == "https://github.com/a/b"
    assert forge_of({"GITHUB_REPOSITORY": "a/b"}) == ""


# ---------------------------------------------------------------- in Chromium

# Opens each page in frames of several widths and measures it there.
MEASURE = (Path(__file__).parent / "servers" / "measure_pages.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def opened(pages: dict[str, str], tmp_path_factory: pytest.TempPathFactory):
    measuring = MEASURE.replace("PAGES", json.dumps([f"/{path}" for path in pages]))
    loud = '<link rel="icon" href="data:,"><img src="http://elsewhere.test/x.png">'
    served = {**pages, "measure.html": measuring, "loud.html": loud}
    with browser(served, tmp_path_factory.mktemp("chromium")) as found:
        yield found


def measured(opened: Browser, *options: str) -> list[dict]:
    dom = opened.dom("measure.html", "--window-size=1400,900", *options)
    told = dom.split("DONE")
    assert len(told) == 3, dom[-2000:]
    text = told[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return json.loads(text)


@pytest.mark.parametrize(("options", "ground"), [((), [246, 247, 245]), ((DARK,), [14, 20, 18])])
def test_all_can_be_read_on_a_phone_and_a_desk(opened: Browser, options, ground) -> None:
    found = measured(opened, *options)
    assert len(found) == 12  # four pages, three widths
    for page in found:
        where = (page["page"], page["width"])
        assert page["ground"] == ground, where
        assert page["reach"] <= 0, where
        assert page["low"] == [], where
        assert page["dim"] == [], where
        assert (page["lost"], page["small"]) == (0, 0), where
    assert sum(page["count"] for page in found) > 1_000


def test_a_browser_asks_for_the_page_and_for_nothing_else(opened: Browser) -> None:
    for path in ("index.html", "models/flight-delay.html"):
        opened.asked.clear()
        dom = opened.dom(path)
        assert "</html>" in dom
        assert opened.asked == [f"{HOST}/{path}"]


def test_what_a_page_asks_for_would_be_seen(opened: Browser) -> None:
    opened.asked.clear()
    opened.dom("loud.html")
    assert opened.asked == [f"{HOST}/loud.html", "http://elsewhere.test/x.png"]


def test_the_first_screen_of_a_phone_is_no_blank_page(opened: Browser, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    shots = []
    for name, options in (("light", ()), ("dark", (DARK,))):
        to = tmp_path / f"{name}.png"
        opened.screenshot("models/flight-delay.html", to, 390, 844, *options)
        shot = image.open(to).convert("L")
        assert shot.size == (390, 844)
        assert len(shot.getcolors()) > 50
        shots.append(shot.resize((1, 1), image.Resampling.BOX).getpixel((0, 0)))
    light, dark = shots
    assert light > 200
    assert dark < 60
