import dataclasses
import html
import re
from datetime import timedelta

import pytest
from markdown_it import MarkdownIt

from pipeline.core.dashboard.facts import OpenPull, RolloutState
from pipeline.core.dashboard.issue import (
    MARKER,
    EditIssue,
    OpenIssue,
    dashboard_body,
    open_incidents,
    plan_dashboard,
)
from pipeline.core.dashboard.model import view_model
from pipeline.core.pull.body import MAX_BODY, units
from pipeline.core.triggers.ledger import RetrainState
from pipeline.forge import Issue
from tests.core import dashboards, hostile, pulls
from tests.core.dashboards import NOW, facts, retrain
from tests.core.report.test_build import EVIL

TEMPLATE = (pulls.ROOT / "pipeline/templates/dashboard.md.j2").read_text(encoding="utf-8")
WON, LOST, ABANDONED = RetrainState.WON, RetrainState.LOST, RetrainState.ABANDONED


def body_of(*models, at=NOW):
    return dashboard_body([view_model(model, at) for model in models], TEMPLATE)


def issue(number, body, *, author="bot", is_open=True):
    return Issue(number, "Perennial dashboard", body, is_open, author, "https://forge/1")


# ---------------------------------------------------------------- what it says


def test_the_champion_is_named_with_who_approved_it_and_since_when():
    body = body_of(facts())
    assert "<code>4d1e4d1e4d1e</code>" in body
    assert "serves since 2013-07-04, knows the world as of 2013-07-03, approved by maria" in body


def test_the_calendar_says_when_it_asks_next():
    assert "asks next on 2013-10-02 02:00 UTC" in body_of(facts())


@pytest.mark.parametrize(
    ("changes", "retrains", "icon", "words"),
    [
        ({"serving": None}, (), "⚪", "No champion yet"),
        ({}, (), "🟢", "Nothing is due"),
        ({}, (retrain(1, RetrainState.RUNNING, 0),), "🔵", "Retrain flight-delay-0001 is"),
        ({"pulls": (OpenPull(7, "Retrain"),)}, (), "🟣", "A proposal waits for review"),
        ({"failures": ("the feed is silent",)}, (), "🔴", "Something is broken"),
    ],
)
def test_the_first_line_says_in_words_how_the_model_is(changes, retrains, icon, words):
    body = body_of(facts(*retrains, **changes))
    assert f"## {icon} flight-delay" in body
    assert f"**{words}" in body


def test_a_cause_that_waits_says_for_what():
    waiting = pulls.event(retrain=None)
    body = body_of(facts(retrain(1, LOST, 1), events=(waiting,)))
    assert "🟠" in body
    assert "A retrain is due and waits: cooldown until 2013-09-05" in body


def test_a_back_off_is_told_even_while_nothing_is_due():
    lost = [retrain(n, LOST, 12 - n, "F1 loses 0.002") for n in range(3)]
    assert "**Held**: back-off until" in body_of(facts(*lost))


def test_a_model_whose_triggers_cannot_be_read_is_held_by_nothing():
    lost = [retrain(n, LOST, 12 - n) for n in range(3)]
    body = body_of(facts(*lost, config=None, failures=("configs/triggers.yaml: not a mapping",)))
    assert "**Held**" not in body
    assert "🔴" in body


def test_losing_challengers_are_listed_with_their_reason_newest_first():
    lost = [retrain(n, LOST, 100 - n, f"reason {n}") for n in range(8)]
    listed = re.findall(r"- 2013-\d\d-\d\d (reason \d) <code>", body_of(facts(*lost)))
    assert listed == [f"reason {n}" for n in (7, 6, 5, 4, 3)]


def test_a_retrain_that_was_given_up_is_trouble_until_one_wins():
    given_up = retrain(1, ABANDONED, 40, "run 5 failed")
    assert "run 5 failed" in body_of(facts(given_up))
    assert "run 5 failed" not in body_of(facts(given_up, retrain(2, WON, 20)))


def test_the_last_triggers_say_what_they_found_and_what_they_led_to():
    body = body_of(facts(retrain(3, WON), events=pulls.causes()))
    assert "**concept drift (critical)** accuracy 0.8344 → 0.7424" in body
    assert "<code>flight-delay-0003</code>" in body
    assert body.index("scheduled retrain") < body.index("concept drift")


def test_an_event_of_a_champion_that_is_gone_waits_for_nothing():
    void = dataclasses.replace(pulls.event(retrain=None), superseded_by="sha256:" + "f" * 64)
    body = body_of(facts(events=(void,)))
    assert "**Nothing is due.**" in body
    assert "<code>void: another champion came</code>" in body
    assert "pending" not in body
    answered = dataclasses.replace(void, retrain="flight-delay-0003")
    assert "void:" not in body_of(facts(events=(answered,)))
    assert "<code>pending</code>" in body_of(facts(events=(pulls.event(retrain=None),)))


def test_a_rollout_under_way_is_told_with_its_weight():
    rollout = RolloutState("2013-07-02-77ab77ab77ab", "Progressing", 25.0, NOW, "stage 1 held")
    body = body_of(facts(rollout=rollout))
    assert "**A rollout is under way, at 25 % of traffic.**" in body
    assert "<code>2013-07-02-77ab77ab77ab</code> Progressing since 2013-09-04: stage 1 held" in body


def test_an_open_proposal_is_linked_by_its_number():
    body = body_of(facts(pulls=(OpenPull(7, "Retrain flight-delay"),)))
    assert "- **Please review** #7: Retrain flight-delay" in body


def test_an_hour_in_which_nothing_happened_changes_no_byte():
    lost = [retrain(n, LOST, 12 - n) for n in range(3)]
    model = facts(*lost, events=pulls.causes())
    assert body_of(model) == body_of(model, at=NOW + timedelta(hours=1))


def test_other_open_issues_of_ours_are_incidents():
    ours = issue(3, f"{MARKER}\nb")
    incident, ended, theirs = (
        dataclasses.replace(issue(4, "units jump"), title="The data of flight-delay is broken"),
        issue(5, "units jump", is_open=False),
        issue(6, "hello", author="stranger"),
    )
    found = open_incidents([theirs, ended, incident, ours], "bot")
    assert found == (incident,)
    assert "- #4 The data of flight-delay is broken" in dashboard_body([], TEMPLATE, found)


def many(count):
    """Models with all that is ever listed of one, one of them broken."""
    for i in range(count):
        name = f"model-{i:04}"
        ended = [
            dataclasses.replace(
                retrain(n, state, 100 - n, "the interval holds 0, " + "and " * 30),
                id=f"{name}-{n:04}",
                model=name,
            )
            for n, state in enumerate([LOST] * 5 + [ABANDONED] * 5)
        ]
        events = tuple(
            dataclasses.replace(
                pulls.event(reason="accuracy fell " + "far " * 30), model=name, window=w
            )
            for w in "abcde"
        )
        failures = ("the feed is silent",) if i == count - 1 else ()
        yield facts(*ended, events=events, model=name, failures=failures)


@pytest.mark.parametrize(
    ("count", "listed", "words"),
    [
        (2, 5, ""),
        (20, 3, "at most 3 of each model's triggers and ended retrains are listed"),
        (50, 1, "at most 1 of each model's"),
        (100, 0, "none of the models' triggers and ended retrains are listed"),
    ],
)
def test_fewer_events_of_more_models_are_listed(count, listed, words):
    body = body_of(*many(count))
    assert units(body) <= MAX_BODY
    assert body.count("\n## ") == count
    assert body.count("accuracy fell") == listed * count
    assert body.count("the interval holds") >= listed * count
    assert words in body
    assert ("Too long for an issue" in body) == bool(words)
    assert "**incident** the feed is silent" in body


@pytest.mark.parametrize(("count", "is_cut"), [(200, False), (600, True)])
def test_each_of_very_many_models_has_a_line_and_those_in_trouble_come_first(count, is_cut):
    state = "A retrain is due and waits: cooldown. " * (4 if is_cut else 1)
    views = [view_model(facts(model=f"model-{i:04}"), NOW) for i in range(count)]
    views = [dataclasses.replace(v, champion_line="long " * 80, state=state) for v in views]
    views[-1] = dataclasses.replace(views[-1], icon="bad")
    body = dashboard_body(views, TEMPLATE)
    assert units(body) <= MAX_BODY
    lines = re.findall(r"^- (.) \*\*(model-\d+)\*\*", body, re.MULTILINE)
    assert lines[0] == ("🔴", f"model-{count - 1:04}")
    assert "each model has one line, those in trouble first." in body
    left_out = count - len(lines)
    assert (left_out > 0) == is_cut
    assert (f"{left_out} of {count} models are left out" in body) == is_cut
    assert units(body) > MAX_BODY - 200 or not is_cut
    assert "No model has a folder" not in body


def test_incidents_without_end_still_fit():
    long = [dataclasses.replace(issue(n, "x"), title="@" * 256) for n in range(500)]
    body = dashboard_body([], TEMPLATE, long)
    assert units(body) <= MAX_BODY
    assert "- and 480 more" in body


def test_no_model_at_all_is_said():
    assert "No model has a folder" in body_of()


def test_many_models_fold_their_lists():
    lost = retrain(1, LOST)
    assert "<details open>" in body_of(facts(lost))
    assert "<details open>" not in body_of(*[facts(lost)] * 3)


def test_a_phone_needs_no_table():
    assert "| ---" not in body_of(facts(retrain(1, LOST), events=pulls.causes()))


@pytest.mark.parametrize("text", [EVIL, *hostile.TEXTS], ids=range(len(hostile.TEXTS) + 1))
def test_hostile_text_is_inert(text):
    model = facts(
        retrain(1, LOST, note=text),
        retrain(2, ABANDONED, note=text),
        events=(pulls.event(reason=text, window=text),),
        serving=dashboards.serving(approved_by=text, reason=text),
        pulls=(OpenPull(7, text),),
        rollout=RolloutState(text, "Progressing", 5.0, NOW, text),
        failures=(text,),
    )
    body = body_of(model).removeprefix(MARKER)
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = [one for t in parser.parse(body) for one in [t, *(t.children or [])]]
    raw = "".join(t.content for t in tokens if t.type in ("html_inline", "html_block"))
    assert set(re.findall(r"</?(\w+)", raw)) <= {"details", "summary", "code", "sub"}
    assert not {"link_open", "image", "code_inline"} & {token.type for token in tokens}
    seen = html.unescape(body.replace("review** #7", ""))
    assert not re.search(r"@\w|#\d|://", seen)
    assert "56088" not in body


# ---------------------------------------------------------------- what is done


def test_without_a_dashboard_one_is_opened():
    assert plan_dashboard([], "bot", "b") == (OpenIssue("b"),)


def test_a_step_says_what_it_will_do():
    assert str(OpenIssue("b")) == "open the issue “Perennial dashboard”"
    assert str(EditIssue(4, "b", True, "it was closed")) == "edit issue 4: it was closed"
    assert str(EditIssue(4, "b", False, "of two, the first stays")).startswith("close issue 4: ")


def test_the_same_words_make_no_step_whatever_the_forge_does_to_line_ends():
    body = body_of(facts())
    assert plan_dashboard([issue(1, body.replace("\n", "\r\n").rstrip())], "bot", body) == ()


def test_other_words_are_replaced_in_place():
    (step,) = plan_dashboard([issue(1, f"{MARKER}\nold")], "bot", f"{MARKER}\nnew")
    assert step == EditIssue(1, f"{MARKER}\nnew", True, "it says something else")


def test_a_closed_dashboard_is_opened_again():
    (step,) = plan_dashboard([issue(1, f"{MARKER}\nb", is_open=False)], "Bot", f"{MARKER}\nb")
    assert (step.number, step.is_open) == (1, True)


@pytest.mark.parametrize(
    "other",
    [
        issue(1, f"{MARKER}\nb", author="stranger"),
        issue(1, f"see below\n{MARKER}\nb"),
        issue(1, "no line at all"),
    ],
)
def test_nobody_elses_issue_is_taken_for_ours(other):
    assert plan_dashboard([other], "bot", "b") == (OpenIssue("b"),)


def test_of_two_dashboards_the_first_one_stays():
    body = f"{MARKER}\nb"
    (step,) = plan_dashboard([issue(9, body), issue(4, body)], "bot", body)
    assert (step.number, step.is_open) == (9, False)
    assert "#4" in step.body
    closed = issue(9, step.body, is_open=False)
    assert plan_dashboard([closed, issue(4, body)], "bot", body) == ()
