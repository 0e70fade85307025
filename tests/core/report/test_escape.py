import html
import re

import jinja2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pipeline.core.report.escape import (
    MAX_CHARACTERS,
    attribute,
    clean,
    code,
    escape_comment,
    escape_markdown,
    inert_title,
    render_template,
    verbatim,
)

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HOSTILE = [
    "**bold** _it_ __x__ ~~no~~ `code` ``x``",
    "a | b | c",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "<!-- hidden --> &amp; &#64; &lt;",
    "[text](https://evil.example) ![pic](https://evil.example/x.png) <https://evil.example>",
    "@octocat and org/team @org/team",
    "#1 GH-2 octo/repo#3",
    "$x^2$ $$y$$ \\(z\\)",
    "{{ 7 * 7 }} {% raw %} {# c #} ${{ secrets.TOKEN }}",
    ":tada: :+1: :white_check_mark:",
    "# heading\n- list\n> quote\n\n```\nfence\n```",
    "trailing backslash \\",
    "</details></table></td>",
    "right\u202eto left, zero\u200bwidth, nul\x00, line\u2028end",
]


def rendered_cell(text):
    """The text of a table cell, and the kinds of inline tokens that Markdown found in it."""
    tokens = PARSER.parse(f"| a | b |\n| --- | --- |\n| {escape_markdown(text)} | end |\n")
    cells = [token for token in tokens if token.type == "inline"]
    assert [cell.content for cell in cells[:2]] == ["a", "b"]
    assert cells[3].content == "end"
    assert len(cells) == 4
    children = cells[2].children
    return "".join(c.content for c in children), {c.type for c in children} - {"text_special"}


def as_read(text):
    """What a reader should see: the cleaned text, without the breaks that keep GitHub away."""
    return clean(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_reads_as_itself_in_a_markdown_table(text):
    shown, kinds = rendered_cell(text)
    assert kinds <= {"text"}
    assert shown.replace("\u200b", "") == as_read(text)


@given(st.text(max_size=80).filter(str.strip))
@example("a_b_c _d_ e_")
@example("\\|")
@example("&#8203;")
@example("![a")
def test_any_text_reads_as_itself_in_a_markdown_table(text):
    shown, kinds = rendered_cell(f"x{text}x")
    assert kinds <= {"text"}
    assert shown.replace("\u200b", "") == as_read(f"x{text}x")


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("@octocat", r"@\w"),
        ("#12", r"#\d"),
        ("octo/repo#12", r"#\d"),
        ("GH-12", r"GH-\d"),
        ("https://evil.example", r"://"),
        ("www.evil.example", r"www\."),
        ("mail@evil.example", r"@\w"),
        (":tada:", r":\w+:"),
        ("$x$", r"\$x\$"),
        ("{{ x }}", r"\{\{"),
        ("{% x %}", r"\{%"),
    ],
)
def test_nothing_is_left_that_github_looks_for_after_rendering(text, pattern):
    source = escape_markdown(text)
    seen = html.unescape(source) if "{" not in text and "$" not in text else source
    assert not re.search(pattern, seen)


def test_a_tag_is_broken_at_both_ends():
    assert escape_markdown("<b>") == "&lt;b&gt;"


def test_ordinary_words_and_times_stay_readable():
    text = "f1_weighted goes from 0.5 to 0.6 (00:00:00 UTC), non-inferiority: roc_auc."
    assert escape_markdown(text) == text


def test_clean_hides_nothing_and_is_one_line():
    assert clean("a\nb\tc\x00d") == "a b c d"
    assert clean("a\u202eb\u200bc\ud800d") == "a�b�c�d"
    assert clean("x" * 2_000) == "x" * (MAX_CHARACTERS - 1) + "…"
    assert clean("23.4\N{NO-BREAK SPACE}%") == "23.4\N{NO-BREAK SPACE}%"


@pytest.mark.parametrize("kind", ["md", "html"])
def test_a_value_that_looks_like_a_template_is_not_run(kind):
    assert "49" not in render_template("{{ x }}", kind, x="{{ 7 * 7 }}")


@pytest.mark.parametrize("text", HOSTILE)
def test_html_shows_hostile_text_as_text(text):
    shown = render_template('<td title="{{ x }}">{{ x }}</td>', "html", x=text)
    assert re.sub(r"&\w+;|&#\d+;", "", shown).count("<") == 2
    assert html.unescape(shown) == f'<td title="{clean(text)}">{clean(text)}</td>'


def test_an_attribute_in_markdown_cannot_be_left():
    assert attribute('"><b>\n') == "&#34;&gt;&lt;b&gt;"
    assert attribute("{{ x }}") == "&#123;{ x }}"


def test_a_fenced_line_cannot_end_the_fence():
    assert "```" not in render_template("{{ x | verbatim }}", "md", x="a\n```\nb")


def test_a_fenced_line_keeps_its_indentation():
    assert verbatim("    weight: 5") == "    weight: 5"
    assert verbatim(" " * 900 + "x") == " " * 40 + "x"


@pytest.mark.parametrize(
    "text", ["deadbee", "3f2a9c81d0b7e6543210fedcba9876543210abcd", "1234567", "see abc1234."]
)
def test_in_a_comment_nothing_looks_like_a_commit(text):
    shown = html.unescape(escape_comment(text))
    assert not re.search(r"\b[0-9a-f]{7,40}\b", shown)
    assert shown.replace("\u200b", "") == text


@pytest.mark.parametrize(
    "text", ["1,562 rows", "0.0582", "2013-07-02 00:00", "decade", "sha256:" + "ab" * 32]
)
def test_in_a_comment_figures_and_whole_digests_stay_as_they_are(text):
    assert escape_comment(text) == text


def test_code_can_be_copied_and_stays_code():
    assert code("4d1e4d1e4d1e") == "<code>4d1e4d1e4d1e</code>"
    assert code("</code><b>") == "<code>&lt;/code&gt;&lt;b&gt;</code>"
    assert render_template("{{ x | code }}", "comment", x="a*b") == r"<code>a\*b</code>"


@pytest.mark.parametrize("text", [*HOSTILE, "closes #1", "x" * 500, "https://evil.example"])
def test_a_title_is_plain_text(text):
    shown = inert_title(text)
    assert len(shown) <= 120
    assert not re.search(r"[`*\[\]<>{}|~@#$\\&!]", shown)
    assert not re.search(r"://|(?i:gh)-\d|www\.|:\w+:", shown)
    assert "\n" not in shown


def test_a_title_keeps_figures_and_arrows():
    text = "Retrain flight-delay: weighted F1 0.499 → 0.624, at 02:30:00 (concept drift)"
    assert inert_title(text) == text


def test_macros_are_not_escaped_twice():
    template = "{% macro m(x) %}**{{ x }}**{% endmacro %}{{ m('*') }}"
    assert render_template(template, "md") == r"**\***"


def test_a_name_that_is_missing_is_an_error_and_not_a_gap():
    with pytest.raises(jinja2.UndefinedError):
        render_template("{{ verdcit }}", "md", verdict="PASS")
