import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pipeline.domain import Interval
from pipeline.ml.model_card import Figure, GroupRates, ModelCard, Rows, inert, render_model_card

MARCH = Rows(datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 3, 21, tzinfo=UTC), 61_234, 0.213)
CARD = ModelCard(
    model="flight-delay",
    question="Will this flight arrive more than 15 minutes late?",
    positive="late",
    negative="on time",
    threshold=0.5,
    as_of=datetime(2013, 4, 2, tzinfo=UTC),
    training=MARCH,
    holdout=replace(MARCH, rows=8_765),
    features=("carrier", "distance"),
    params={"model__max_iter": 150},
    metrics=(Figure("roc_auc", 0.71234, 8_765, Interval(0.70, 0.7249, 0.95)),),
    slices=(
        Figure("f1_weighted", 0.61, 300, Interval(0.55, 0.66, 0.95), "carrier", "AA"),
        Figure("f1_weighted", math.nan, 12, None, "carrier", "OO"),
        Figure("f1_weighted", 0.65, 900, None, "origin", "JFK"),
    ),
    fairness=(
        GroupRates("origin", "JFK", 900, 0.20, 0.50, 0.10),
        GroupRates("origin", "LGA", 800, 0.35, 0.45, None),
    ),
    limits=("It knows nothing of strikes.",),
    reproduce=("git checkout 0123abc", "dvc repro"),
    versions={"python": "3.11.4", "scikit-learn": "1.9.1"},
)
HOSTILE = (
    "<script>alert(1)</script>",
    "![x](https://evil.example/p.png)",
    "[click](javascript:alert(1))",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "line\n\n# Heading\n\n- item",
    "`code` **bold** _em_ ~~gone~~ $x^2$",
    "https://evil.example www.evil.example a@b.example @everyone #1",
    "</td><img src=x onerror=alert(1)>",
    "<!-- hidden",
    "```\nfence",
    "```",
    "&lt;b&gt; &#60;b&#62;",
    "\\",
    "\u202eright to left\u0000\u0007",
)


def tokens(markdown):
    """Every block and inline token of a rendering with tables, raw HTML and bare links on."""
    parser = MarkdownIt("gfm-like", {"linkify": False}).enable("strikethrough")
    flat = []
    for token in parser.parse(markdown):
        flat.append(token)
        flat.extend(token.children or ())
    return flat


def shape(markdown):
    """The tokens without their text: what a reader sees as structure."""
    return [(token.type, token.tag) for token in tokens(markdown)]


def test_every_figure_stands_with_its_n_and_interval():
    text = render_model_card(CARD)
    assert "| roc\\_auc | 0.712 | 0.700 to 0.725 (95%) | 8,765 |" in text
    assert "| AA | f1\\_weighted | 0.610 | 0.550 to 0.660 (95%) | 300 |" in text


def test_an_unknown_figure_is_called_unknown_and_never_nan():
    text = render_model_card(CARD)
    assert "| OO | f1\\_weighted | unknown | unknown | 12 |" in text
    assert "nan" not in text.lower()


def test_the_fairness_gap_is_the_largest_difference_and_unknown_where_a_rate_is():
    assert "| **largest gap** | 0.150 | 0.050 | unknown | |" in render_model_card(CARD)


def test_without_groups_the_card_says_that_nothing_is_known():
    text = render_model_card(replace(CARD, fairness=()))
    assert "nothing is known about fairness" in text


def test_slices_are_grouped_by_column():
    text = render_model_card(CARD)
    assert text.index("### By carrier") < text.index("| AA |") < text.index("### By origin")


def test_the_card_names_its_window_limits_and_commands():
    text = render_model_card(CARD)
    assert "| training | 2013-01-01 00:00 UTC | 2013-03-21 00:00 UTC | 61,234 | 0.213 |" in text
    assert "- It knows nothing of strikes." in text
    assert "```sh\ngit checkout 0123abc\ndvc repro\n```" in text
    assert "python 3.11.4, scikit-learn 1.9.1" in text


def test_the_same_card_gives_the_same_text():
    assert render_model_card(CARD) == render_model_card(replace(CARD))


def test_every_section_is_there_in_order():
    headings = [line for line in render_model_card(CARD).splitlines() if line.startswith("## ")]
    assert headings == [
        "## Intended use",
        "## Data",
        "## How well it does",
        "## Fairness",
        "## Limits",
        "## Parameters",
        "## How to reproduce",
    ]


def with_text_everywhere(text):
    return replace(
        CARD,
        model=text,
        question=text,
        positive=text,
        negative=text,
        features=(text, "distance"),
        params={text: text},
        metrics=(replace(CARD.metrics[0], metric=text),),
        slices=(replace(CARD.slices[0], column=text, value=text, metric=text),),
        fairness=(replace(CARD.fairness[0], column=text, group=text),),
        limits=(text,),
        reproduce=(text, "dvc repro"),
        versions={"python": text},
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_changes_nothing_but_text(text):
    harmless = render_model_card(with_text_everywhere("harmless"))
    hostile = render_model_card(with_text_everywhere(text))
    assert structure(hostile) == structure(harmless)
    assert not {"html_block", "html_inline", "link_open", "image"} & {
        token.type for token in tokens(hostile)
    }


def structure(markdown):
    """Block and emphasis tokens; how text is cut into pieces does not matter."""
    pieces = {"text", "text_special", "softbreak"}
    return [token for token in shape(markdown) if token[0] not in pieces]


@settings(deadline=None)  # a busy machine is no fault
@given(st.text(min_size=1, max_size=60))
def test_inert_text_is_one_paragraph_of_text(text):
    kinds = {token.type for token in tokens("Text: " + inert(text))}
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}


@pytest.mark.parametrize("text", ["https://a.example", "www.a.example", "a@b.example", "@team"])
def test_nothing_becomes_a_link_where_bare_links_are_on(text):
    assert text not in inert(text)


def test_inert_text_shows_what_was_written():
    shown = [t.content for t in tokens("Text: " + inert("a_b <c> [d](e) 50% & more")) if t.children]
    assert shown == ["Text: a\\_b &lt;c&gt; \\[d\\]\\(e\\) 50% &amp; more"]


def test_long_text_is_cut():
    assert len(inert("x" * 10_000)) == 500
