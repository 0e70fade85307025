"""The site's pages in real Chromium: nothing is asked for, and all of it can be read.

What they are as HTML is in tests/core/site/test_pages.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.core.site_pages import worst_site
from tests.servers.chromium import HOST, Browser, browser

DARK = "--blink-settings=preferredColorScheme=0"

# Opens each page in frames of several widths and measures it there.
MEASURE = (Path(__file__).parent / "servers" / "measure_pages.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return worst_site()


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
        assert page["cut"] == 0, where
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
