"""The review as people see it."""

from markdown_it import MarkdownIt

from pipeline.core.review.report import MARKER, description_of, render_review
from pipeline.domain import Gate, Verdict

GOOD = Gate("code", Verdict.PASS, "Main's code.", "59 files.")
WAITS = Gate("approvals", Verdict.INCONCLUSIVE, "Approved.", "Waits for ml_lead.")
BAD = Gate("figures", Verdict.FAIL, "As recorded.", "metrics.json was edited after the run.")


def test_the_status_names_the_first_of_the_worst() -> None:
    assert description_of([GOOD]) == "1 of 1 gates pass"
    assert description_of([GOOD, WAITS]) == "approvals: Waits for ml_lead."
    assert description_of([WAITS, BAD]).startswith("figures: metrics.json was edited")


def test_the_status_fits() -> None:
    long = Gate("files", Verdict.FAIL, "", "x" * 500)
    assert len(description_of([long])) == 140


def test_the_worst_gate_comes_first_in_the_comment() -> None:
    text = render_review([GOOD, WAITS, BAD], "a" * 40)
    assert text.startswith(MARKER)
    assert text.index("figures") < text.index("approvals") < text.index("**code**")
    assert "This must not be merged" in text
    assert "1 of 3 gates pass" in text


def test_what_passes_is_in_a_fold_and_what_is_open_is_not() -> None:
    whole, fold, passing = render_review([GOOD, WAITS], "a" * 40).partition("<details>")
    assert fold
    assert "**approvals**" in whole
    assert "**code**" not in whole
    assert passing.startswith("\n<summary>1 gate that passes</summary>\n\n| |")
    assert "**code**" in passing
    assert "<details>" not in render_review([WAITS], "a" * 40)
    assert "|" not in render_review([GOOD], "a" * 40).partition("<details>")[0]


def test_what_strangers_wrote_stays_text() -> None:
    hostile = "</td> @team [x](http://evil) ![y](http://evil) | a | `rm` <img src=x>"
    gate = Gate("files", Verdict.FAIL, hostile, hostile)
    html = MarkdownIt("gfm-like", {"linkify": False}).render(render_review([gate], "a" * 40))
    assert "<a " not in html
    assert "<img" not in html
    assert html.count("<tr>") == 2
    assert "@team" not in html
