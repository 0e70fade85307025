import dataclasses
import html
import re
from datetime import UTC, datetime

import numpy as np
import pytest
from markdown_it import MarkdownIt

from pipeline.core.outcome.promises import (
    Kept,
    Measured,
    OutcomeFacts,
    Promise,
    Served,
    Transition,
    assess_promise,
    events_since,
    expected_interval,
    promises_of,
    worst_kept,
)
from pipeline.core.outcome.text import (
    MARKER,
    AddComment,
    EditComment,
    outcome_comment,
    plan_outcome,
)
from pipeline.forge import Comment
from tests.core import hostile, pulls, reports
from tests.core.report.test_build import EVIL

TEMPLATE = (pulls.ROOT / "pipeline/templates/outcome.md.j2").read_text(encoding="utf-8")
F1 = Promise("f1_weighted", 0.702, 0.672, 0.732)
MERGED = datetime(2013, 7, 4, 9, tzinfo=UTC)


def measured(f1=0.69, labelled=9_000, **changes):
    values = {"f1_weighted": f1, "accuracy": 0.72}
    until = datetime(2013, 8, 4, tzinfo=UTC)
    found = Measured(MERGED, until, 9_300, labelled, labelled // 5, values)
    return dataclasses.replace(found, **changes)


def facts(**changes):
    found = OutcomeFacts(
        model="flight-delay",
        challenger=pulls.CHALLENGER,
        promises=(Promise("accuracy", 0.7292, 0.6992, 0.7592), F1),
        min_rows=2_000,
        served=Served(MERGED),
        measured=measured(),
    )
    return dataclasses.replace(found, **changes)


def body_of(found):
    return outcome_comment(found, TEMPLATE)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (0.70, Kept.AS_PROMISED),
        (0.672, Kept.AS_PROMISED),
        (0.732, Kept.AS_PROMISED),
        (0.671, Kept.WORSE),
        (0.733, Kept.BETTER),
        (float("nan"), Kept.TOO_EARLY),
    ],
)
def test_a_figure_inside_the_interval_keeps_the_promise(value, kept):
    assert assess_promise(F1, measured(value), 2_000) is kept


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (0.642, Kept.AS_PROMISED),
        (0.641, Kept.WORSE),
        (0.762, Kept.AS_PROMISED),
        (0.763, Kept.BETTER),
    ],
)
def test_rows_that_are_few_beside_the_holdouts_are_allowed_their_own_chance(value, kept):
    promise = dataclasses.replace(F1, rows=27_000)  # 9,000 were measured: twice as wide
    assert expected_interval(promise, measured()) == pytest.approx((0.642, 0.762))
    assert assess_promise(promise, measured(value + 1e-9 * (0.702 - value)), 2_000) is kept


def test_no_figure_above_1_is_expected():
    promise = Promise("roc_auc", 0.99, 0.96, 1.0, 27_000)
    assert expected_interval(promise, measured()) == pytest.approx((0.93, 1.0))
    assert expected_interval(Promise("f1", 0.01, 0, 0.1), measured()) == pytest.approx((0, 0.1))


def test_a_model_that_stays_as_it_was_is_called_worse_as_rarely_as_the_interval_says():
    """Also of few rows: by the holdout's interval alone it is every fifth time here."""
    rng = np.random.default_rng(0)
    holdout, later = rng.binomial(7_000, 0.9, 4_000) / 7_000, rng.binomial(2_000, 0.9, 4_000)
    error = 1.96 * np.sqrt(0.9 * 0.1 / 7_000)
    kept = [
        assess_promise(
            Promise("accuracy", value, value - error, value + error, 7_000),
            measured(labelled=2_000, metrics={"accuracy": found / 2_000}),
            2_000,
        )
        for value, found in zip(holdout.tolist(), later.tolist(), strict=True)
    ]
    assert 0.015 < kept.count(Kept.WORSE) / len(kept) < 0.035


@pytest.mark.parametrize("metric", ["f1", "roc_auc"])
@pytest.mark.parametrize(
    ("positives", "kept"),
    [(29, Kept.TOO_EARLY), (30, Kept.WORSE), (8_970, Kept.WORSE), (8_971, Kept.TOO_EARLY)],
)
def test_a_metric_of_the_rarer_label_needs_rows_of_it(metric, positives, kept):
    promise, found = Promise(metric, 0.7, 0.6, 0.8), measured(metrics={metric: 0.1, "accuracy": 0})
    found = dataclasses.replace(found, positives=positives)
    assert assess_promise(promise, found, 2_000) is kept
    assert assess_promise(Promise("accuracy", 0.7, 0.6, 0.8), found, 2_000) is Kept.WORSE


@pytest.mark.parametrize(("low", "high"), [(None, 0.732), (0.672, None)])
def test_a_promise_without_an_interval_is_neither_kept_nor_broken(low, high):
    promise = Promise("f1_weighted", 0.702, low, high)
    assert assess_promise(promise, measured(0.5), 2_000) is Kept.TOO_EARLY


def test_where_lower_is_better_above_the_interval_is_worse():
    promise = Promise("log_loss", 0.5, 0.45, 0.55)
    found = measured(metrics={"log_loss": 0.6})
    assert assess_promise(promise, found, 2_000) is Kept.WORSE
    assert assess_promise(promise, measured(metrics={"log_loss": 0.4}), 2_000) is Kept.BETTER


@pytest.mark.parametrize(
    "found", [None, measured(labelled=1_999), measured(metrics={})], ids=["none", "few", "unnamed"]
)
def test_without_enough_labels_it_is_too_early(found):
    assert assess_promise(F1, found, 2_000) is Kept.TOO_EARLY


def test_just_enough_labels_are_enough():
    assert assess_promise(F1, measured(labelled=2_000), 2_000) is Kept.AS_PROMISED


def test_the_worst_metric_speaks_first():
    assert worst_kept(facts(measured=measured(0.5))) is Kept.WORSE
    assert worst_kept(facts()) is Kept.AS_PROMISED
    assert worst_kept(facts(promises=())) is Kept.TOO_EARLY


def test_promises_come_from_the_merged_comparison():
    accuracy, f1, positive, ranking = promises_of(reports.passing().comparison)
    assert (accuracy.metric, accuracy.value) == ("accuracy", 0.7292)
    assert (f1.low, f1.high) == pytest.approx((0.6721, 0.7321))
    assert (positive.metric, positive.value) == ("f1", 0.5452)
    assert (ranking.metric, ranking.value) == ("roc_auc", 0.7864)
    assert {promise.rows for promise in (accuracy, f1, positive, ranking)} == {
        reports.passing().comparison["n"]
    }


@pytest.mark.parametrize("n", [None, -7, 0, 1e400, 10**400, "7"])
def test_a_comparison_that_names_no_rows_promises_its_interval(n):
    (promise, *_) = promises_of({**reports.passing().comparison, "n": n})
    assert expected_interval(promise, measured()) == pytest.approx((promise.low, promise.high))


def test_a_positive_class_that_is_no_longer_found_is_no_promise_kept():
    """One row in a hundred is positive: whoever answers none is right in the other 99."""
    promises = (Promise("f1_weighted", 0.988, 0.98, 0.995), Promise("f1", 0.40, 0.30, 0.50))
    found = measured(metrics={"f1_weighted": 0.985, "f1": 0.0})
    assert worst_kept(facts(promises=promises, measured=found)) is Kept.WORSE


def test_a_metric_without_a_figure_promised_nothing():
    found = {"metrics": [{"metric": "accuracy", "challenger": None, "challenger_interval": None}]}
    assert promises_of(found) == ()


def test_triggers_about_another_champion_are_not_this_ones():
    ours, theirs = pulls.event(champion=pulls.CHALLENGER), pulls.event()
    assert events_since([theirs, ours], pulls.CHALLENGER) == (ours,)


# ---------------------------------------------------------------- what it says


def test_the_first_line_says_where_it_is_and_how_it_does():
    body = body_of(facts())
    assert body.startswith(f"{MARKER}\n### ✅ After the merge\n")
    assert "**It serves since 2013-07-04. In production: as promised.**" in body
    spread = "\\[0.672, 0.732\\]"
    row = f"| F1, weighted | 0.702 {spread} | {spread} | 0.690 | ✅&nbsp;as promised |"
    assert row in body.replace("\N{NO-BREAK SPACE}", " ")
    assert "9,000 labelled of 9,300 rows" in body


def test_a_broken_promise_is_not_hidden():
    body = body_of(facts(measured=measured(0.5)))
    assert "### ⚠️ After the merge" in body
    assert "In production: below what was promised." in body
    assert "a reason to look, not a proof" in body


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"measured": measured(labelled=120)},
            "Too early to say how good it is: 120 labelled",
        ),
        (
            {
                "promises": (F1, Promise("f1", 0.55, 0.5, 0.6), Promise("roc_auc", 0.8, 0.7, 0.9)),
                "measured": measured(positives=12, metrics={"f1_weighted": 0.7, "f1": 0.2}),
            },
            "12 rows of the rarer label, 30 are needed for F1,\N{NO-BREAK SPACE}positive, ROC-AUC.",
        ),
        (
            {"measured": None, "unmeasured": "there is no warehouse to ask"},
            "Too early to say how good it is: there is no warehouse to ask.",
        ),
        ({"promises": ()}, "no promise that production could be compared with"),
        (
            {"promises": (F1, Promise("f1", 0.55, 0.5, 0.6)), "measured": measured()},
            "no figure to compare, or no interval, of F1,\N{NO-BREAK SPACE}positive.",
        ),
    ],
)
def test_what_is_not_known_is_said(changes, words):
    body = body_of(facts(**changes))
    assert "### ⏳" in body
    assert words in body


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"served": None}, "Its rollout has not started."),
        (
            {
                "served": None,
                "transitions": (Transition(MERGED, "RolledBack", 0.0, "5 % errors at stage 1"),),
            },
            "Its rollout is RolledBack at 0 % of traffic since 2013-07-04.",
        ),
        (
            {"served": Served(MERGED, datetime(2013, 8, 1, tzinfo=UTC), pulls.CHAMPION)},
            "to 2013-08-01. In production: as promised.** After it came <code>4d1e4d1e4d1e</code>.",
        ),
    ],
)
def test_where_it_is_now_is_said(changes, words):
    assert words in body_of(facts(**changes))


def test_the_rollout_is_told_step_by_step_and_the_latest_steps_only():
    steps = tuple(
        Transition(MERGED, "Progressing", float(n), f"check {n} passed") for n in range(20)
    )
    body = body_of(facts(transitions=steps))
    assert "- 8 earlier steps are in git" in body
    assert "check 8 passed" in body
    assert "check 7 passed" not in body


def test_triggers_since_are_listed():
    assert "**Triggers since:** none." in body_of(facts())
    body = body_of(facts(events=(pulls.event(),)))
    assert "- 2013-07-03 **concept drift** accuracy 0.8344 → 0.7424" in body


@pytest.mark.parametrize("text", [EVIL, *hostile.TEXTS], ids=range(len(hostile.TEXTS) + 1))
def test_hostile_text_is_inert(text):
    found = facts(
        measured=None,
        unmeasured=text,
        events=(pulls.event(reason=text, window=text),),
        transitions=(Transition(MERGED, text, 5.0, text),),
        served=Served(MERGED, MERGED, text),
    )
    body = body_of(found).removeprefix(MARKER)
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = [one for t in parser.parse(body) for one in [t, *(t.children or [])]]
    raw = "".join(t.content for t in tokens if t.type in ("html_inline", "html_block"))
    assert set(re.findall(r"</?(\w+)", raw)) <= {"details", "summary", "code", "sub"}
    assert not {"link_open", "image", "code_inline"} & {token.type for token in tokens}
    assert not re.search(r"@\w|#\d|://", html.unescape(body))
    assert "56088" not in body


# ---------------------------------------------------------------- what is done


def test_the_first_time_a_comment_is_added():
    other = Comment(1, "bot", "hello")
    copied = Comment(2, "stranger", f"{MARKER}\nb")
    assert plan_outcome([other, copied], "bot", f"{MARKER}\nb") == AddComment(f"{MARKER}\nb")


def test_later_it_is_edited_in_place_and_only_when_it_changes():
    ours = Comment(3, "Bot", f"{MARKER}\r\nb")
    assert plan_outcome([ours], "bot", f"{MARKER}\nb\n") is None
    assert plan_outcome([ours], "bot", f"{MARKER}\nc") == EditComment(3, f"{MARKER}\nc")


def test_a_step_says_what_it_will_do():
    assert str(AddComment("b")) == "add the comment"
    assert str(EditComment(3, "b")) == "edit comment 3"
