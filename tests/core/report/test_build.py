"""The two texts as a whole. Golden files show what reviewers read: look at them when they change.

UPDATE_GOLDEN=1 pytest tests/core/report/test_build.py writes them anew.
"""

import dataclasses
import html
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from pipeline.core.report.build import build_report, render_html, render_markdown
from pipeline.core.report.inputs import Origin
from pipeline.core.report.plots import effects
from pipeline.domain import THRESHOLD_GATE, Verdict
from tests.core import reports

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden"
MARKDOWN, HTML = (
    (ROOT / "pipeline" / "templates" / f"report.{kind}.j2").read_text(encoding="utf-8")
    for kind in ("md", "html")
)
CASES = {
    "pass": reports.passing,
    "fail": reports.failing,
    "inconclusive": reports.inconclusive,
    "first": reports.first,
}
EVIL = "\"'><script>alert(1)</script>|`**@octocat** #1 [x](https://evil.example) {{ 123*456 }} $x$"
VOID = {"meta", "link", "img", "path", "use", "br"}


def markdown_of(inputs):
    return render_markdown(build_report(inputs), MARKDOWN)


def html_of(inputs):
    report = build_report(inputs)
    svgs = {plot.name: '<svg viewBox="0 0 1 1"></svg>' for plot in report.plots}
    return render_html(report, HTML, svgs)


def hostile():
    """A run in which everything that can be said from outside is hostile."""
    parts = [reports.part(EVIL, EVIL, 0.6, 0.5, Verdict.FAIL, pooled=(EVIL,))]
    gates = [reports.gate(EVIL, Verdict.FAIL, EVIL, EVIL)]
    found = reports.comparison(gates, reports.JUNE, parts, EVIL)
    for gap in found["fairness"]:
        gap["column"] = EVIL
        gap["groups"][0]["group"] = EVIL
    for row in found["drift"]:
        row["column"] = EVIL
    usecase = reports.USECASE.model_copy(
        update={"question": EVIL, "positive": EVIL, "negative": EVIL}
    )
    finding = {"check": EVIL, "column": EVIL, "severity": "FAIL", "found": EVIL, "expected": EVIL}
    champion = {**reports.passing().champion, "approved_by": EVIL, "reason": EVIL}
    return dataclasses.replace(
        reports.passing(),
        comparison=found,
        usecase=usecase,
        champion=champion,
        checks={"findings": [finding]},
        challenger_params={EVIL: EVIL},
        trials=[{f"param_{EVIL}": EVIL, "mean_test_score": "0.5"}],
        champion_params={EVIL: 1},
        origin=Origin(EVIL, EVIL, EVIL, (EVIL,)),
        timings={EVIL: {"seconds": 1.0, "peak_memory_mb": 1.0, "cores": 1}},
    )


class Page(HTMLParser):
    """A strict reader: every element closed in order; collects tags, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]


def html_tokens(text):
    """The kinds of Markdown tokens, and the raw HTML, that a document holds."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    kinds, raw = [], []
    for token in parser.parse(text):
        for one in [token, *(token.children or [])]:
            kinds.append(one.type)
            if one.type in ("html_inline", "html_block"):
                raw.append(one.content)
    return kinds, raw


# ---------------------------------------------------------------- Markdown


@pytest.mark.parametrize("case", ["pass", "fail", "inconclusive"])
def test_the_markdown_is_the_golden_file(case):
    path = GOLDEN / f"report-{case}.md"
    found = markdown_of(CASES[case]())
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(found, encoding="utf-8", newline="\n")
    assert found == path.read_text(encoding="utf-8"), "if meant: UPDATE_GOLDEN=1, then look at it"


@pytest.mark.parametrize("case", CASES)
def test_one_screen_comes_before_the_folds(case):
    screen = markdown_of(CASES[case]()).partition("<details>")[0]
    assert len(screen.splitlines()) <= 40
    assert len(re.sub(r"<[^>]*>|[|*]", " ", screen).split()) <= 420


def test_many_open_gates_still_leave_one_screen():
    gates = [reports.gate(f"slices: c{i}", Verdict.FAIL) for i in range(40)]
    inputs = dataclasses.replace(
        reports.failing(), comparison=reports.comparison(gates, reports.DECEMBER, [], "Worse.")
    )
    screen = markdown_of(inputs).partition("<details>")[0]
    assert len(screen.splitlines()) <= 40
    assert "and 34 more, in the first fold" in screen
    assert "slices: c39" in markdown_of(inputs)


@pytest.mark.parametrize("case", CASES)
def test_the_first_line_is_the_verdict_in_a_word_with_a_sign(case):
    first = markdown_of(CASES[case]()).splitlines()[0]
    verdict = CASES[case]().comparison["verdict"]
    assert re.fullmatch(rf"# \W {verdict}: [a-z ,]+", first)


def test_folds_are_balanced_and_every_picture_has_a_description():
    text = markdown_of(reports.failing())
    assert text.count("<details>") == text.count("</details>") == text.count("<summary>") >= 7
    pictures = re.findall(r'<img src="(plots/\w+\.png)" alt="([^"]{20,})" width="\d+">', text)
    assert [path for path, _ in pictures] == [
        f"plots/{name}.png"
        for name in ("differences", "roc", "precision_recall", "calibration", "scores")
    ]


def test_every_row_of_a_table_has_as_many_cells_as_its_heading():
    lines = markdown_of(hostile()).splitlines()
    heads = [i for i, line in enumerate(lines) if re.fullmatch(r"\|( ---:? \|)+", line)]
    assert len(heads) >= 8
    for head in heads:
        width = len(re.split(r"(?<!\\)\|", lines[head]))
        for line in lines[head - 1 :]:
            if not line.startswith("|"):
                break
            assert len(re.split(r"(?<!\\)\|", line)) == width, line


def test_hostile_text_is_inert_in_markdown():
    text = markdown_of(hostile())
    kinds, raw = html_tokens(text)
    tags = set(re.findall(r"</?(\w+)", "".join(raw)))
    assert tags <= {"details", "summary", "img", "code", "sub", "br"}
    assert not {"link_open", "image", "code_inline", "em_open", "s_open"} & set(kinds)
    seen = html.unescape(re.sub(r"<img [^>]*>", "", text))
    assert not re.search(r"@\w|#\d|https://", seen)
    assert not re.search(r"\{\{", text)
    assert "56088" not in text
    assert "octocat" in text


# ---------------------------------------------------------------- HTML


@pytest.mark.parametrize("case", CASES)
def test_the_page_is_whole_and_asks_for_nothing_outside(case):
    text = html_of(CASES[case]())
    page = Page(text)
    assert "http" not in re.sub(r"http-equiv", "", text)
    assert not {"script", "iframe", "object", "embed", "form", "base"} & {t for t, _ in page.tags}
    for _, attributes in page.tags:
        for name in ("src", "href", "srcset", "action", "poster"):
            assert attributes.get(name, "#")[:5] in ("#", "data:") or attributes[name][0] == "#"
    assert not re.search(r"url\(|@import", text)
    (policy,) = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    assert policy.startswith("default-src 'none'")


def test_hostile_text_is_inert_in_html():
    text = html_of(hostile())
    page = Page(text)
    names = {tag for tag, _ in page.tags} | {n for _, attributes in page.tags for n in attributes}
    assert "script" not in names
    assert not any(name.startswith("on") for name in names)
    assert "".join(page.text).count("<script>alert(1)</script>") > 20
    assert "56088" not in text


@pytest.mark.parametrize("case", CASES)
def test_the_page_can_be_read_without_seeing_it(case):
    page = Page(html_of(CASES[case]()))
    tables, captions = page.all("table"), page.all("caption")
    assert len(tables) == len(captions) >= 5
    assert all(th.get("scope") in ("col", "row") for th in page.all("th"))
    pictures = [a for _, a in page.tags if a.get("role") == "img"]
    assert all(len(picture["aria-label"]) > 20 for picture in pictures)
    assert all(svg.get("aria-hidden") == "true" for svg in page.all("svg")[:1])
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == 1
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["aria-labelledby"] for _, a in page.tags if "aria-labelledby" in a} <= set(ids)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_verdict_is_a_word_and_a_picture_and_not_a_colour_alone(verdict):
    found = {**reports.failing().comparison, "verdict": str(verdict)}
    text = html_of(dataclasses.replace(reports.failing(), comparison=found))
    assert f"<h1><b>{verdict}</b>" in text
    assert f'href="#icon-{verdict.lower()}"' in text
    assert f'id="icon-{verdict.lower()}"' in text


def themes():
    """The colours of the page in light, dark and print, by name."""
    style = re.search(r"<style>(.*?)</style>", HTML, re.DOTALL)[1]
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    assert len(blocks) == 3
    light, *others = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in blocks)
    assert all(set(other) <= set(light) for other in others)
    return [light, *({**light, **other} for other in others)]


def contrast(one, other):
    """WCAG 2.2 contrast of two colours, 1 to 21."""

    def luminance(colour):
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", themes(), ids=["light", "dark", "print"])
def test_text_stands_out_from_its_ground_in_every_theme(theme):
    for ground in ("card", "ground", "sunk"):
        for text in ("text", "muted", "pass", "fail", "inconclusive", "error"):
            assert contrast(theme[text], theme[ground]) >= 4.5, (text, ground)
    for verdict in ("pass", "fail", "inconclusive", "error"):
        for text in (verdict, "text"):
            assert contrast(theme[text], theme[f"{verdict}-tint"]) >= 4.5, (text, verdict)
    for line in ("champion", "challenger"):
        assert contrast(theme[line], theme["card"]) >= 3, line


def test_every_colour_that_the_page_uses_is_defined():
    used = set(re.findall(r"var\(--([\w-]+)\)", HTML)) - {"tone", "tint"}
    assert used <= set(themes()[0])


# ---------------------------------------------------------------- what it says


def test_the_reader_is_told_what_to_do():
    advice = {case: build_report(make()).advice for case, make in CASES.items()}
    assert "scripts/open_retrain_pr.py" in advice["pass"]
    assert advice["fail"].startswith("Nothing to do")
    assert "too thin" in advice["inconclusive"]
    assert "set_champion" in advice["first"]
    assert len(set(advice.values())) == 4


def test_a_first_model_that_misses_a_limit_is_not_to_be_approved():
    found = {**reports.first().comparison, "verdict": "FAIL"}
    report = build_report(reports.first(comparison=found))
    assert report.title == "not fit to be the first model"
    assert report.advice.startswith("Do not approve")


def test_a_challenger_with_another_threshold_waits_for_a_person_unless_a_limit_refuses_it():
    found = reports.inconclusive().comparison
    found = {**found, "gates": [*found["gates"], {**found["gates"][0], "name": THRESHOLD_GATE}]}
    report = build_report(reports.inconclusive(comparison=found))
    assert report.title == "another threshold, a person decides"
    assert "approve it with `python -m scripts.set_champion`" in report.advice
    report = build_report(reports.inconclusive(comparison={**found, "verdict": "FAIL"}))
    assert report.title == "the champion stays"
    assert report.advice.startswith("Nothing to do")


def test_a_broken_check_says_nothing_about_the_challenger():
    found = {**reports.passing().comparison, "verdict": "ERROR"}
    report = build_report(dataclasses.replace(reports.passing(), comparison=found))
    assert report.advice.startswith("A check broke")


def test_refused_inputs_make_a_report_without_figures_or_plots():
    gates = [
        reports.gate("inputs", Verdict.FAIL, "challenger scores: 3 of 8847 are no probability")
    ]
    found = {**reports.comparison(gates, [], [], gates[0].reason), "fairness": [], "mcnemar": None}
    found["delong"] = None
    inputs = dataclasses.replace(reports.failing(), comparison=found)
    report = build_report(inputs)
    assert report.plots == ()
    assert report.tiles[0].label == "Gates that pass"
    assert "plots/" not in markdown_of(inputs)
    Page(html_of(inputs))


def test_a_first_model_has_no_word_of_a_champions_figures():
    text = markdown_of(reports.first())
    assert "Fairness" not in text
    assert "differences.png" not in text
    assert "plots/roc.png" in text
    assert "unknown" not in text


def test_tiles_hold_the_figures_that_are_asked_for_first():
    tiles = {tile.label: (tile.value, tile.note) for tile in build_report(reports.passing()).tiles}
    value, note = tiles["F1,\N{NO-BREAK SPACE}weighted"]
    assert value == "+0.110"
    assert note.replace("\N{NO-BREAK SPACE}", " ") == "0.592 → 0.702, [+0.0240, +0.184]"
    assert tiles["Gates that pass"][0] == "13 of 13"
    assert tiles["Run time"] == ("2 min 33 s", "peak memory 1.51 GB")
    first = build_report(reports.first()).tiles[0]
    assert first.value == "0.702"


def test_the_forest_plot_is_in_units_of_improvement():
    found = {effect.label: effect for effect in effects(reports.passing())}
    loss = found["Log\N{NO-BREAK SPACE}loss"]
    assert loss.improvement == pytest.approx(0.0749)
    assert (loss.low, loss.high) == pytest.approx((0.0251, 0.1266))
    assert loss.least == -0.02
    assert found["F1,\N{NO-BREAK SPACE}weighted"].least == 0.01
    assert found["Calibration\N{NO-BREAK SPACE}error"].least is None
    assert effects(reports.first()) == []


def test_the_same_run_gives_the_same_bytes():
    assert markdown_of(reports.failing()) == markdown_of(reports.failing())
    assert html_of(reports.failing()) == html_of(reports.failing())
