"""What is done about a proposal, for everything that can be found: the first step, or the end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.core.proposal.evidence import evidence_digest, is_evidence
from pipeline.core.proposal.identity import AUTHOR, branch_of, is_later, retrain_of
from pipeline.core.proposal.marker import (
    Marker,
    digest_of,
    parse_marker,
    render_marker,
    with_marker,
    without_marker,
)
from pipeline.core.proposal.notes import stopped_note, superseded_note
from pipeline.core.proposal.plan import plan_proposal
from pipeline.core.proposal.state import Seen, Wanted, needs_comments
from pipeline.core.proposal.steps import Close, Edit, End, Link, Open, People, Push, Say, Tell
from pipeline.forge import BranchState, Comment, Commit, PullRequest, PullState
from tests.proposals import MODEL, PEOPLE, RETRAIN, digest, wanted

US = "perennial[bot]"
MAIN, TIP, OLD = "0" * 40, "1" * 40, "2" * 40
FOUND = digest("a")
NEXT = f"{MODEL}-0002"


def branch(retrain: str = RETRAIN, **changes: object) -> BranchState:
    """The branch as we left it, current."""
    state = BranchState(
        name=branch_of(retrain),
        tip=TIP,
        main=MAIN,
        commits=(Commit(TIP, AUTHOR, AUTHOR, FOUND),),
        is_current=True,
        main_has_all=False,
    )
    return replace(state, **changes)


NO_BRANCH = {"tip": None, "commits": (), "is_current": False}


def body_of(want: Wanted, head: str = TIP, told: str | None = TIP) -> str:
    text = want.text(head)
    marker = Marker(want.model, want.retrain, want.evidence, digest_of(text.body), told)
    return with_marker(marker, text.body)


def pull(want: Wanted, number: int = 7, **changes: object) -> PullRequest:
    """The pull request as we left it, current."""
    made = PullRequest(
        number=number,
        branch=want.branch,
        head=TIP,
        base="main",
        title=want.text(TIP).title,
        body=body_of(want),
        state=PullState.OPEN,
        author=US,
        closed_by=None,
        url="https://github.com/octo/model/pull/7",
        labels=(),
        merge_commit=None,
    )
    return replace(made, **changes)


def seen(*pulls: PullRequest, at: BranchState | None = None, **changes: object) -> Seen:
    newest_first = tuple(sorted(pulls, key=lambda p: -p.number))
    found = Seen(US, at or branch(), digest("c"), newest_first, {p.number: () for p in pulls})
    return replace(found, **changes)


WANT = wanted(FOUND)
PERSON = Commit("3" * 40, "Ada <ada@example.org>", "GitHub <noreply@github.com>", None)


def test_a_first_proposal_is_pushed_opened_and_told() -> None:
    plan = plan_proposal(WANT, seen(at=branch(**NO_BRANCH)))
    assert [type(step) for step in plan.steps] == [Push, Open, Tell]
    assert plan.end is End.CURRENT
    first = plan.steps[0]
    assert (first.branch, first.evidence, first.is_new) == (WANT.branch, FOUND, True)
    plan = plan_proposal(WANT, seen())
    opening = plan.steps[0]
    assert isinstance(opening, Open)
    assert (opening.base, opening.title) == ("main", f"Retrain {RETRAIN}")
    assert opening.body == body_of(WANT, told=None)


def test_a_current_proposal_is_left_alone() -> None:
    plan = plan_proposal(WANT, seen(pull(WANT)))
    assert (plan.steps, plan.end, plan.number) == ((), End.CURRENT, 7)


def test_new_evidence_is_pushed_and_written_in_place_and_nobody_is_asked_again() -> None:
    new = wanted(digest("b"))
    plan = plan_proposal(new, seen(pull(WANT), at=branch(is_current=False)))
    assert [type(step) for step in plan.steps] == [Push, Edit, Tell]
    pushed = branch(tip=OLD, commits=(Commit(OLD, AUTHOR, AUTHOR, digest("b")),))
    edit, tell = plan_proposal(new, seen(pull(WANT), at=pushed)).steps
    assert edit == Edit(7, f"Retrain {RETRAIN}", body_of(new, OLD, told=TIP))
    assert isinstance(tell, Tell)
    assert tell.people is None


def test_a_main_that_moved_on_is_merged_in() -> None:
    plan = plan_proposal(WANT, seen(pull(WANT), at=branch(is_current=False)))
    assert isinstance(plan.steps[0], Push)


def test_whoever_reviews_is_asked_until_it_is_noted_and_then_never_again() -> None:
    untold = pull(WANT, body=body_of(WANT, told=None))
    (tell,) = plan_proposal(WANT, seen(untold)).steps
    assert tell == Tell(7, PEOPLE, body_of(WANT))
    assert plan_proposal(WANT, seen(pull(WANT, body=tell.body))).steps == ()


def test_a_body_that_a_person_edited_stays_until_there_is_something_new() -> None:
    edited = pull(WANT, title="Mine", body=f"{body_of(WANT)}\n\nI looked at this. Ada")
    assert plan_proposal(WANT, seen(edited)).steps == ()
    untold = replace(edited, body=f"{body_of(WANT, told=None)}\n\nI looked at this. Ada")
    (tell,) = plan_proposal(WANT, seen(untold)).steps
    assert tell.body == edited.body
    edit = plan_proposal(wanted(digest("b")), seen(edited)).steps[0]
    assert isinstance(edit, Edit)


@pytest.mark.parametrize(
    "body",
    ["", "no marker", f"{body_of(WANT)}"[5:], f"\n{body_of(WANT)}", body_of(WANT)[:60]],
)
def test_a_body_without_its_marker_is_written_anew(body: str) -> None:
    edit = plan_proposal(WANT, seen(pull(WANT, body=body))).steps[0]
    assert edit == Edit(7, f"Retrain {RETRAIN}", body_of(WANT, told=None))


def test_the_older_proposal_is_commented_and_closed_before_the_new_one_is_opened() -> None:
    new, old = wanted(digest("b"), NEXT), pull(WANT)
    plan = plan_proposal(new, seen(old, at=branch(NEXT, **NO_BRANCH)))
    assert [type(step) for step in plan.steps] == [Say, Close, Push, Open, Tell]
    assert plan.steps[:2] == (
        Say(7, superseded_note(NEXT, None), f"superseded by {NEXT}"),
        Close(7),
    )
    said = {7: (Comment(1, US, superseded_note(NEXT, None)),)}
    again = plan_proposal(new, seen(old, at=branch(NEXT, **NO_BRANCH), comments=said))
    assert again.steps[0] == Close(7)


def test_what_a_stranger_says_in_our_words_is_not_ours() -> None:
    new = wanted(digest("b"), NEXT)
    said = {7: (Comment(1, "mallory", superseded_note(NEXT, None)),)}
    plan = plan_proposal(new, seen(pull(WANT), at=branch(NEXT, **NO_BRANCH), comments=said))
    assert isinstance(plan.steps[0], Say)


def test_the_superseded_one_is_linked_once_the_new_number_is_known() -> None:
    new = wanted(FOUND, NEXT)
    old = pull(WANT, state=PullState.CLOSED, closed_by=US)
    own = pull(new, 8)
    said = {7: (Comment(1, US, superseded_note(NEXT, None)),), 8: ()}
    (link,) = plan_proposal(new, seen(own, old, at=branch(NEXT), comments=said)).steps
    assert link == Link(1, superseded_note(NEXT, 8), 7, 8)
    for ending in ("", "\r\n"):
        linked = {7: (Comment(1, US, link.body.replace("\n", "\r\n") + ending),), 8: ()}
        assert plan_proposal(new, seen(own, old, at=branch(NEXT), comments=linked)).steps == ()


def test_an_older_run_does_not_replace_a_newer_proposal() -> None:
    for state in (PullState.OPEN, PullState.MERGED):
        newer = pull(wanted(digest("b"), NEXT), state=state)
        plan = plan_proposal(WANT, seen(newer, at=branch(**NO_BRANCH)))
        assert (plan.steps, plan.end, plan.number) == ((), End.STOPPED, 7)
        assert "newer" in plan.reason


def test_a_newer_proposal_that_a_person_closed_does_not_stop_an_older_run() -> None:
    closed = pull(wanted(digest("b"), NEXT), state=PullState.CLOSED, closed_by="ada")
    assert plan_proposal(WANT, seen(closed, at=branch(**NO_BRANCH))).end is End.CURRENT


@pytest.mark.parametrize("state", [PullState.OPEN, PullState.MERGED])
def test_a_newer_proposal_that_we_did_not_open_holds_nothing_up(state: PullState) -> None:
    theirs = pull(wanted(digest("b"), f"{MODEL}-9999"), state=state, author="mallory")
    plan = plan_proposal(WANT, seen(theirs, at=branch(**NO_BRANCH)))
    assert plan.end is End.CURRENT
    assert (Close(7) in plan.steps) is (state is PullState.OPEN)


@pytest.mark.parametrize("who", ["ada", None, "other[bot]"])
@pytest.mark.parametrize("retrain", [RETRAIN, NEXT])
def test_evidence_that_a_person_closed_is_snoozed(who: str | None, retrain: str) -> None:
    closed = pull(WANT, state=PullState.CLOSED, closed_by=who, head=OLD)
    want = wanted(FOUND, retrain)
    plan = plan_proposal(want, seen(closed, at=branch(retrain, **NO_BRANCH)))
    assert (plan.steps, plan.end, plan.number) == ((), End.SNOOZED, 7)


def test_the_snooze_ends_with_new_evidence_or_when_it_is_opened_again() -> None:
    closed = pull(WANT, 6, state=PullState.CLOSED, closed_by="ada")
    new = plan_proposal(wanted(digest("b")), seen(closed, at=branch(is_current=False)))
    assert [type(step) for step in new.steps] == [Push, Open, Tell]
    assert plan_proposal(WANT, seen(closed, pull(WANT))).end is End.CURRENT


def test_a_marker_that_was_edited_does_not_wake_what_git_remembers() -> None:
    body = body_of(wanted(digest("b")))
    closed = pull(WANT, state=PullState.CLOSED, closed_by="ada", body=body)
    assert plan_proposal(WANT, seen(closed)).end is End.SNOOZED


def test_what_we_closed_ourselves_snoozes_nothing() -> None:
    closed = pull(WANT, state=PullState.CLOSED, closed_by=US)
    assert isinstance(plan_proposal(WANT, seen(closed)).steps[0], Open)


def test_a_persons_commit_stops_us_and_it_is_said_once() -> None:
    theirs = branch(commits=(PERSON, *branch().commits), tip=PERSON.sha, is_current=False)
    plan = plan_proposal(WANT, seen(pull(WANT), at=theirs))
    note = stopped_note(WANT.branch, 1, FOUND)
    assert [(step.number, step.body) for step in plan.steps] == [(7, note)]
    assert plan.end is End.STOPPED
    said = {7: (Comment(1, US, stopped_note(WANT.branch, 1, digest("b"))),)}
    assert plan_proposal(WANT, seen(pull(WANT), at=theirs, comments=said)).steps == ()
    by_others = {7: (Comment(1, "mallory", note),)}
    assert plan_proposal(WANT, seen(pull(WANT), at=theirs, comments=by_others)).steps != ()


def test_a_persons_commit_without_a_pull_request_stops_us_too() -> None:
    theirs = branch(commits=(PERSON,), tip=PERSON.sha, is_current=False)
    plan = plan_proposal(WANT, seen(at=theirs))
    assert (plan.steps, plan.end) == ((), End.STOPPED)


def test_the_button_update_branch_does_not_stop_us() -> None:
    merge = replace(PERSON, is_plain_merge=True)
    merged = branch(commits=(merge, *branch().commits), tip=merge.sha)
    plan = plan_proposal(WANT, seen(pull(WANT), at=merged))
    assert [type(step) for step in plan.steps] == [Edit, Tell]


@pytest.mark.parametrize(
    "forged",
    [
        Commit("3" * 40, AUTHOR, "GitHub <noreply@github.com>", FOUND),
        Commit("3" * 40, "Ada <ada@example.org>", AUTHOR, FOUND),
        Commit("3" * 40, AUTHOR, AUTHOR, None),
    ],
)
def test_half_of_our_name_is_not_our_name(forged: Commit) -> None:
    assert plan_proposal(WANT, seen(at=branch(commits=(forged,)))).end is End.STOPPED


def test_a_branch_that_an_earlier_version_began_is_ours_and_its_address_is_no_accounts() -> None:
    before = "perennial <perennial@users.noreply.github.com>"
    begun = Commit("3" * 40, before, before, digest("b"))
    plan = plan_proposal(WANT, seen(pull(WANT), at=branch(commits=(begun,), is_current=False)))
    assert plan.end is End.CURRENT
    assert AUTHOR.endswith(".invalid>")  # no commit of ours is shown as some account's


def test_what_is_merged_is_done() -> None:
    merged = pull(WANT, state=PullState.MERGED, merge_commit=OLD)
    plan = plan_proposal(WANT, seen(merged, at=branch(**NO_BRANCH)))
    assert (plan.steps, plan.end, plan.number) == ((), End.MERGED, 7)
    unmarked = replace(merged, body="gone")
    assert plan_proposal(WANT, seen(unmarked, at=branch(**NO_BRANCH))).end is End.MERGED
    assert plan_proposal(WANT, seen(at=branch(main_has_all=True))).end is End.MERGED


def test_what_is_merged_is_done_even_after_the_champion_changed() -> None:
    merged = pull(WANT, state=PullState.MERGED, merge_commit=OLD)
    found = seen(merged, at=branch(**NO_BRANCH), champion=digest("d"))
    assert plan_proposal(WANT, found).end is End.MERGED


def test_new_evidence_after_a_merge_is_a_new_proposal() -> None:
    merged = pull(WANT, 6, state=PullState.MERGED, merge_commit=OLD, head=OLD)
    plan = plan_proposal(wanted(digest("b")), seen(merged, at=branch(**NO_BRANCH)))
    assert [type(step) for step in plan.steps] == [Push, Open, Tell]


@pytest.mark.parametrize("now", [digest("d"), None])
def test_a_champion_that_moved_on_asks_for_a_retrain(now: str | None) -> None:
    plan = plan_proposal(WANT, seen(pull(WANT), champion=now))
    assert (plan.steps, plan.end) == ((), End.STOPPED)
    assert "retrain" in plan.reason


def test_other_models_and_other_bases_are_none_of_our_business() -> None:
    others = [
        pull(WANT, 1, branch="perennial/retrain/flight-0009"),
        pull(WANT, 2, branch="perennial/retrain/flight-delay-eu-0009"),
        pull(WANT, 3, branch="perennial/retrain/flight-delay-0009-x"),
        pull(WANT, 4, branch="mine/perennial/retrain/flight-delay-0009"),
        pull(WANT, 5, branch=branch_of(f"{MODEL}-0009"), base="release"),
    ]
    assert plan_proposal(WANT, seen(pull(WANT), *others)).steps == ()


def test_only_what_is_looked_at_has_its_comments_fetched() -> None:
    closed = [
        pull(wanted(FOUND, f"{MODEL}-{n:04d}"), n, state=PullState.CLOSED, closed_by=who)
        for n, who in ((6, US), (5, "ada"), (4, US), (3, US))
    ]
    own = pull(WANT, 1, state=PullState.CLOSED, closed_by="ada")
    pulls = (pull(wanted(FOUND, NEXT), 9), *closed, own)
    assert needs_comments(pulls, WANT) == (9, 1, 6, 5)


def test_a_plan_says_what_it_will_do() -> None:
    new = wanted(digest("b"), NEXT)
    plan = plan_proposal(new, seen(pull(WANT), at=branch(NEXT, **NO_BRANCH)))
    assert str(plan).splitlines() == [
        "  1. comment on #7: superseded by flight-delay-0002",
        "  2. close #7, which is superseded",
        "  3. push the new branch perennial/retrain/flight-delay-0002 (bbbbbbbbbbbb)",
        f"  4. open a pull request from {branch_of(NEXT)} to main: Retrain {NEXT}",
        "  5. ask for reviews of it (ada, ben), label it, and have it checked",
        "  then CURRENT: it will be open with evidence bbbbbbbbbbbb",
    ]


def test_what_happens_to_a_pull_request_that_is_open_is_said_with_its_number() -> None:
    assert str(Edit(7, "Retrain x", "b")) == "renew the text of #7: Retrain x"
    assert str(Link(1, "b", 7, 9)) == "link #7 to its successor #9"
    assert str(Tell(7, None, "b")) == "have #7 checked anew"
    people = People(reviewers=("Ada", "ben"), assignees=("ada", "cleo"))
    assert "(Ada, ben, cleo)" in str(Tell(7, people, "b"))  # a login is the same in capitals


@pytest.mark.parametrize(
    ("later", "earlier"),
    [("0010", "0009"), ("10000", "9999"), ("2013-07-03", "2013-07-02")],
)
def test_retrains_are_ordered_by_number_or_by_date(later: str, earlier: str) -> None:
    assert is_later(f"{MODEL}-{later}", f"{MODEL}-{earlier}", MODEL)
    assert not is_later(f"{MODEL}-{earlier}", f"{MODEL}-{later}", MODEL)
    assert not is_later(f"{MODEL}-{later}", f"{MODEL}-{later}", MODEL)


def test_a_number_and_a_date_do_not_compare() -> None:
    assert not is_later(f"{MODEL}-0001", f"{MODEL}-2013-07-03", MODEL)
    assert not is_later(f"{MODEL}-2013-07-03", f"{MODEL}-0001", MODEL)
    assert retrain_of(branch_of(f"{MODEL}-2013-07-03"), MODEL) == f"{MODEL}-2013-07-03"


@pytest.mark.parametrize("end", ["001", "٠٠٠٤", "２０１３-07-03", "0001-2", "0001\n", "last"])
def test_nothing_else_is_a_retrains_id(end: str) -> None:
    assert retrain_of(branch_of(f"{MODEL}-{end}"), MODEL) is None


@pytest.mark.parametrize("told", [None, TIP])
def test_a_marker_reads_back_and_fits_into_the_room_that_the_body_leaves(told: str | None) -> None:
    model = "m" * 63
    marker = Marker(model, f"{model}-2013-07-03", FOUND, digest("b"), told)
    line = render_marker(marker)
    assert parse_marker(f"{line}\nrest") == marker
    assert parse_marker(f"{line}\r\nrest") == marker
    assert without_marker(f"{line}\nrest\n") == "rest\n"
    assert len(line) + 1 <= 400  # what a body must leave free of a forge's limit


@pytest.mark.parametrize(
    "line",
    [
        "",
        render_marker(Marker(MODEL, RETRAIN, FOUND, FOUND)) + " ",
        render_marker(Marker(MODEL, RETRAIN, FOUND, FOUND, "HEAD")),
        render_marker(Marker(MODEL, RETRAIN, "sha256:x", FOUND)),
        render_marker(Marker(f"{MODEL} --> <b>", RETRAIN, FOUND, FOUND)),
    ],
)
def test_a_line_that_is_not_exactly_a_marker_is_none(line: str) -> None:
    assert parse_marker(line) is None
    assert without_marker(f"{line}\nrest") == f"{line}\nrest"


def test_evidence_is_what_was_found_and_neither_what_it_cost_nor_how_it_was_told() -> None:
    found = {"artifacts/compare/comparison.json": b"{}", "params.yaml": b"a"}
    told = {
        "artifacts/evaluate/latency.json": b"1",
        "artifacts/report/report.md": b"2",
        "artifacts/gates/quality-gates.json": b"3",
        "artifacts/check.json": b"4",
        "dvc.lock": b"5",
        "evidence/x.md": b"6",
        "rollouts/flight-delay/rollout.yaml": b"7",
    }
    assert not any(is_evidence(path) for path in told)
    assert evidence_digest({**told, **found}) == evidence_digest(found)
    assert evidence_digest({**found, "params.yaml": b"b"}) != evidence_digest(found)
    moved = {"artifacts/compare/comparison.json2": b"{}", "params.yaml": b"a"}
    assert evidence_digest(moved) != evidence_digest(found)
