"""Links of a trace as values: what is verified, what is broken, and what nobody could check."""

import json
from dataclasses import replace
from datetime import datetime

import pytest

from pipeline.config import parse_section
from pipeline.core.evidence import Subject, build_evidence, digest_of
from pipeline.core.trace.data import Locked, Recorded, link_code, link_data
from pipeline.core.trace.links import (
    Chain,
    Check,
    Link,
    Serving,
    Share,
    State,
    Trace,
    counts_of,
    not_checked,
)
from pipeline.core.trace.origin import Package, link_evidence, link_package
from pipeline.core.trace.outside import Stored, StoredRows, link_registry, link_store
from pipeline.core.trace.people import link_approvals, link_cause, link_merge, pull_number
from pipeline.core.trace.report import render_trace, summary, trace_to_json
from pipeline.core.trace.serving import (
    Made,
    Manifest,
    Pointer,
    Written,
    link_manifest,
    link_pointer,
    link_test,
    link_traffic,
)
from pipeline.core.triggers.ledger import Event, Ledger, Retrain, RetrainState
from pipeline.domain import Gate, Verdict
from pipeline.experiment import Experiment
from pipeline.forge import PullRequest, PullState
from pipeline.rollout_status import Phase
from tests.core.ab_tests import config
from tests.rollouts import DAY, HOUR, MODEL, START, champion_of, run_until, spec_of, world_of

MADE = Made("1" * 40, START, "Linus", "Merge pull request #7 from octo/x", ("2" * 40, "3" * 40))
MODEL_MANIFEST = b'{"files": {"model.skops": {}}}'
DIGEST = digest_of(MODEL_MANIFEST)
GOOD, BAD = Check("a", "1", "1"), Check("b", "1", "2")


def broken(link: Link) -> list[tuple[str, str, str]]:
    return [(check.what, check.found, check.expected) for check in link.broken]


# ---------------------------------------------------------------- values and text


def test_a_link_is_what_its_worst_check_is_and_nothing_compared_is_not_verified():
    assert Link("x", checks=(GOOD,)).state is State.VERIFIED
    assert Link("x", checks=(GOOD, BAD)).state is State.BROKEN
    assert not_checked("x", "nobody could").state is State.NOT_CHECKED
    assert counts_of([Link("x", checks=(BAD,))]) == {
        State.VERIFIED: 0,
        State.BROKEN: 1,
        State.NOT_CHECKED: 0,
    }


def test_a_screen_shows_what_was_found_and_what_was_expected():
    checks = tuple(Check(f"file {n}", "1", "2") for n in range(10))
    chain = Chain("2013-07-02-abc", DIGEST, (Link("evidence", ("4 files",), checks),))
    trace = Trace(MODEL, DIGEST[:19], "4" * 40, (chain,))
    text = render_trace(trace)
    assert "  ✗ evidence   4 files\n" in text
    assert text.count("found     1") == 8
    assert "and 2 more: see --json" in text
    assert "do not trust it" in text
    found = trace_to_json(trace)
    assert (found["is_whole"], found["serving"]) == (False, None)
    assert len(found["models"][0]["links"][0]["checks"]) == 10
    assert json.dumps(found, default=str)


def test_who_answered_a_user_is_said_before_any_link():
    shares = (Share("challenger", DIGEST, "v2", 500), Share("champion", DIGEST, "v1", 9_500))
    serving = Serving(DIGEST, "rollout of v2", DIGEST, 500, "v2")
    trace = Trace(
        MODEL,
        "now",
        "4" * 40,
        (),
        at=START,
        serving=serving,
        shares=shares,
        moment=(Link("traffic", ("5 %",), (GOOD,)),),
        answer="User 7 was answered by v1",
    )
    assert render_trace(trace).splitlines()[1:6] == [
        "  rollout of v2",
        "       5 %  challenger  v2",
        "      95 %  champion    v1",
        "  User 7 was answered by v1",
        "  ✓ traffic    5 %",
    ]


def experiment(*weights: int, salt: str = "exp-1") -> Experiment:
    values = {
        "schema": 1,
        "id": "exp-1",
        "model": MODEL,
        "salt": salt,
        "model_a": champion_of("a").digest,
        "model_b": DIGEST,
        "started_at": START,
        "weights": tuple(
            {"at": START + n * DAY, "challenger_basis_points": points}
            for n, points in enumerate(weights)
        ),
        "test": config().model_dump(exclude_none=True),
    }
    return parse_section(Experiment, values, "the test")


@pytest.mark.parametrize(
    ("later", "state"),
    [
        (experiment(1_000, 5_000), State.VERIFIED),
        (experiment(9_000), State.BROKEN),
        (experiment(1_000, salt="another"), State.BROKEN),
    ],
)
def test_an_ab_test_only_adds_to_its_past(later, state):
    champions = {champion_of("a").digest}
    assert link_test([(later, MADE), (experiment(1_000), MADE)], champions).state is state


def test_an_ab_test_of_no_champion_is_broken():
    [(_, found, _)] = broken(link_test([(experiment(1_000), MADE)], {DIGEST}))
    assert found == champion_of("a").digest


def test_a_link_without_words_is_still_a_line():
    trace = Trace(MODEL, "x", "4" * 40, (Chain("v", DIGEST, (Link("data", checks=(GOOD,)),)),))
    assert "  ✓ data" in render_trace(trace)
    assert summary(trace) == "1 verified, 0 broken, 0 not checked."


# ---------------------------------------------------------------- serving


def records():
    world = world_of(spec_of())
    run_until(world, Phase.PROMOTED, START)
    return [done.record for done in world.commits]


def test_a_record_without_its_manifest_is_held_against_itself_alone():
    written = Written(records()[0], MADE, ("b1",), None)
    link = link_traffic(written, None)
    assert link.state is State.VERIFIED
    assert link.says[0].startswith("Progressing, stage 1: the challenger had 5 %")


def test_an_ended_rollout_has_no_traffic_by_any_plan():
    first = records()[0]
    ended = first.model_copy(update={"phase": Phase.ROLLED_BACK, "weight_percent": 0.0})
    assert link_traffic(Written(ended, MADE, ("b1",), None), spec_of()).state is State.VERIFIED


def test_every_record_of_a_rollout_has_the_traffic_that_its_plan_gives_it():
    spec = spec_of()
    for record in records():
        link = link_traffic(Written(record, MADE, ("b1",), None), spec)
        assert (link.state, len(link.checks)) == (State.VERIFIED, 5)
    more = records()[0].model_copy(update={"weight_percent": 6.0})
    link = link_traffic(Written(more, MADE, ("b1",), None), spec)
    assert broken(link) == [(f"{more.name}: weight in percent", "6", "5")]


def test_a_promotion_has_everything_whatever_its_last_stage_had():
    promoted = next(record for record in records() if record.phase.is_promoted)
    less = promoted.model_copy(update={"stage": 1, "weight_percent": 5.0})
    [(_, *values)] = broken(link_traffic(Written(less, MADE, ("b1",), None), spec_of()))
    assert values == ["5", "100"]


def test_a_promotion_whose_commit_names_another_champion_is_broken():
    promoted = next(record for record in records() if record.phase.is_promoted)
    link = link_traffic(Written(promoted, MADE, ("b1",), champion_of("a")), spec_of())
    assert [what for what, _, _ in broken(link)] == ["champion.yaml of its commit"]


@pytest.mark.parametrize("has_others", [True, False])
def test_a_manifest_that_nobody_finds_is_broken(has_others):
    known = (Manifest(spec_of(), MADE),) if has_others else ()
    [(_, found, expected)] = broken(link_manifest(None, None, known, "rollout.yaml"))
    assert found == (spec_of().digest if has_others else "none was ever there")
    assert expected == "one that proposes this model"


def test_a_manifest_that_proposed_a_model_needs_no_record():
    manifest = Manifest(spec_of(), MADE)
    link = link_manifest(manifest, None, (manifest,), "rollout.yaml")
    assert (link.state, len(link.checks)) == (State.VERIFIED, 1)


def test_a_record_acted_on_this_very_manifest():
    manifest = Manifest(spec_of(), MADE)
    first = records()[0]
    link = link_manifest(manifest, first, (manifest,), "rollout.yaml")
    assert (link.state, len(link.checks)) == (State.VERIFIED, 2)
    other = first.model_copy(update={"spec": DIGEST})
    [check] = broken(link_manifest(manifest, other, (manifest,), "rollout.yaml"))
    assert check == ("rollout.yaml", spec_of().digest, DIGEST)


@pytest.mark.parametrize(("by", "is_broken"), [("Ada", False), ("Eve", True), (None, False)])
def test_a_promotion_names_the_person_who_merged_it(by, is_broken):
    pointers = (Pointer(champion_of("b", previous=champion_of("a").digest), MADE),)
    link = link_pointer(pointers, champion_of("a"), None, path="champion.yaml", merged_by=by)
    expected = [("champion.yaml: approved_by", "Ada", "Eve")] if is_broken else []
    assert broken(link) == expected
    assert len(link.checks) == 4 + (by is not None)


def test_a_pointer_says_one_thing_of_a_model_forever():
    first, moved = champion_of("b", previous=champion_of("a").digest), champion_of("b")
    moved = moved.model_copy(update={"package_md5": f"{'9' * 32}.dir"})
    pointers = (Pointer(moved, MADE), Pointer(first, MADE))
    link = link_pointer(pointers, champion_of("a"), None, path="champion.yaml", merged_by=None)
    assert broken(link) == [("champion.yaml: package_md5", moved.package_md5, first.package_md5)]


# ---------------------------------------------------------------- evidence


def package(**files: bytes) -> Package:
    subject = Subject(
        model=MODEL,
        version=f"2013-07-02-{DIGEST[7:19]}",
        digest=DIGEST,
        champion=None,
        commit="5" * 40,
        changed=(),
        data_digest=DIGEST,
        holdout_digest=DIGEST,
    )
    built = build_evidence(subject, {"artifacts/model-manifest.json": MODEL_MANIFEST}, {})
    return Package("commit 1", "evidence/x", {**built, **files})


def test_evidence_is_whole_or_each_file_is_named():
    whole = package()
    assert link_evidence(whole, whole, None, DIGEST).state is State.VERIFIED
    gone = Package("commit 2", "evidence/x", {"manifest.json": whole.files["manifest.json"]})
    link = link_evidence(whole, gone, None, DIGEST)
    assert broken(link)[0][1] == "missing"
    assert {what.partition(":")[0] for what, _, _ in broken(link)} == {"evidence/x in commit 2"}


@pytest.mark.parametrize("expected", [DIGEST, None])
def test_evidence_whose_list_is_no_list_is_broken(expected):
    rubbish = package(**{"manifest.json": b"["})
    assert link_evidence(rubbish, rubbish, expected, DIGEST).state is State.BROKEN


def test_evidence_is_not_verified_by_a_completion_that_was_never_to_come():
    """Without it, an edited file is held to its own digest, and the first digest stays true."""
    whole, path, raw = package(), "artifacts/model-manifest.json", MODEL_MANIFEST + b"\n"
    value = json.loads(whole.files["manifest.json"])
    entry = {"sha256": digest_of(raw), "size": len(raw)}
    value["completed"] = [{"path": path, "entry": entry, "note": ""}]
    text = (json.dumps(value, indent=2) + "\n").encode()
    forged = package(**{path: raw, "manifest.json": text})
    first = digest_of(whole.files["manifest.json"])
    for then, now in ((whole, forged), (forged, forged)):
        found = broken(link_evidence(then, now, first, DIGEST))
        assert (
            "evidence/x in commit 1: the whole",
            f"manifest.json: {path}: completed, and was never to come",
            "sound",
        ) in found
    assert link_evidence(forged, forged, None, DIGEST).state is State.BROKEN


def test_a_fault_of_a_file_that_has_its_digest_is_said_too():
    whole = package()
    value = json.loads(whole.files["manifest.json"])
    value["files"]["artifacts/model-manifest.json"]["size"] = 1
    text = (json.dumps(value, indent=2) + "\n").encode()
    link = link_evidence(whole, package(**{"manifest.json": text}), None, DIGEST)
    assert [found.partition(":")[0] for _, found, _ in broken(link)] == [
        "artifacts/model-manifest.json"
    ]


@pytest.mark.parametrize("raw", [b"[", b"[]", b'{"files": 3}'])
def test_a_models_manifest_that_is_none_is_not_the_models(raw):
    link = link_package(package(**{"artifacts/model-manifest.json": raw}), DIGEST)
    assert [found for _, found, _ in broken(link)] == [digest_of(raw)]
    assert "pins 0 files" in link.says[0]


def test_no_evidence_at_all_is_said():
    nothing = Package("commit 1", "evidence/x", {})
    assert link_package(nothing, DIGEST).unchecked == "commit 1 has no evidence of it"
    assert link_evidence(nothing, nothing, None, DIGEST).unchecked == "commit 1 has none of it"
    lost = package()
    without = {p: raw for p, raw in lost.files.items() if "model-manifest" not in p}
    assert broken(link_package(Package("c", "e", without), DIGEST))[0][1] == "missing"


# ---------------------------------------------------------------- data and code

LOCKED = Locked(
    deps={"code.py": "m1"},
    outs={"artifacts/package": "p.dir"},
    params={"train": {"seed": 13}, "collect.as_of": "x"},
    conflicts=(),
    inputs={"code.py": "m1"},
    outputs={},
)
RECORDED = Recorded({}, {}, {})


def test_data_needs_a_lock_of_this_very_run():
    assert "no dvc.lock" not in link_data(LOCKED, RECORDED, "p.dir", "c").unchecked
    assert link_data(LOCKED, RECORDED, "p.dir", "c").state is State.VERIFIED
    assert link_data(None, RECORDED, "p.dir", "c").unchecked.startswith("dvc.lock is not in c")
    another = link_data(LOCKED, RECORDED, "q.dir", "c")
    assert another.unchecked == "dvc.lock in c is that of another run"


def test_data_that_is_told_in_two_ways_is_broken():
    told = Recorded({"one": "sha256:1", "two": "sha256:2"}, {}, {"one": START, "two": START - DAY})
    assert [what for what, _, _ in broken(link_data(LOCKED, told, "p.dir", "c"))] == [
        "data digest in two",
        "as_of in two",
    ]


def test_code_that_ran_and_is_in_no_commit_is_broken():
    ran = package().manifest.subject.model_copy(update={"changed": ("hack.py",)})
    link = link_code(LOCKED, ran, ran="5" * 40, is_in_history=False)
    assert [found for _, found, _ in broken(link)] == ["hack.py", "not in it"]
    assert link_code(LOCKED, None, ran="5" * 40, is_in_history=None).state is State.VERIFIED
    assert link_code(None, None, ran="5" * 40, is_in_history=None).state is State.NOT_CHECKED


# ---------------------------------------------------------------- people


def ledger(champion: str, at: datetime, trigger="data_drift", model=MODEL) -> Ledger:
    event = Event(MODEL, champion, trigger, "w", "high", "it drifted", at, "flight-delay-0004")
    retrain = Retrain("flight-delay-0004", model, champion, RetrainState.WON, at, at)
    return Ledger((event,), (retrain,))


def test_a_cause_speaks_of_this_champion_and_came_before_the_merge():
    spec = spec_of()
    mine = spec.champion.digest
    assert link_cause(ledger(mine, START - HOUR), spec, START).state is State.VERIFIED
    assert broken(link_cause(ledger(DIGEST, START - HOUR), spec, START))[0][1] == DIGEST
    assert broken(link_cause(ledger(mine, START + HOUR), spec, START))[0][1] == "after it"
    other = link_cause(ledger(mine, START - HOUR, model="other"), spec, START)
    assert broken(other) == [("its model", "other", MODEL)]


def test_the_calendar_speaks_of_no_champion():
    calendar = ledger(DIGEST, START - HOUR, trigger="scheduled_retrain")
    assert link_cause(calendar, spec_of(), START).state is State.VERIFIED


def test_a_retrain_by_hand_is_in_no_ledger_and_one_by_number_must_be():
    by_hand = spec_of().model_copy(update={"retrain": "flight-delay-2013-07-02"})
    assert "by hand" in link_cause(Ledger(), by_hand, START).unchecked
    assert len(broken(link_cause(Ledger(), spec_of(), START))) == 2


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("Merge pull request #7 from octo/x", 7),
        ("Retrain (#12)", 12),
        ("see #7", None),
        ("Merge pull request #7", None),
    ],
)
def test_a_pull_request_is_known_by_githubs_own_subjects(subject, number):
    assert pull_number(subject) == number


def test_a_merge_of_which_nothing_is_known_is_not_checked():
    link = link_merge(MADE, "m-0004", None, DIGEST, None)
    assert link.state is State.NOT_CHECKED
    assert "pull request 7" in link.says[0]
    unnamed = Made("1" * 40, START, "Linus", "Push")
    assert "no pull request is named" in link_merge(unnamed, "m-0004", DIGEST, DIGEST, None).says[0]


def pull_of(made: Made) -> PullRequest:
    return PullRequest(
        number=7,
        branch="perennial/retrain/m-0004",
        head="3" * 40,
        base="main",
        title="Retrain",
        body="",
        state=PullState.MERGED,
        author="bot",
        closed_by=None,
        url="",
        labels=(),
        merge_commit=made.commit,
    )


def test_a_merge_brings_the_very_head_that_the_forge_knows():
    assert link_merge(MADE, "m-0004", None, DIGEST, pull_of(MADE)).state is State.VERIFIED
    other = replace(MADE, parents=("2" * 40, "4" * 40))
    link = link_merge(other, "m-0004", None, DIGEST, pull_of(MADE))
    assert broken(link) == [("pull request 7: head", "3" * 40, "4" * 40)]


def test_a_manifest_that_names_another_retrain_than_its_pull_request_came_from_is_found():
    link = link_merge(MADE, "m-0003", None, DIGEST, pull_of(MADE))
    branches = ("perennial/retrain/m-0004", "perennial/retrain/m-0003")
    assert broken(link) == [("pull request 7: branch", *branches)]


def test_a_squash_has_no_head_of_its_own_to_compare():
    squash = Made("1" * 40, START, "Linus", "Retrain (#7)", ("2" * 40,))
    link = link_merge(squash, "m-0004", None, DIGEST, pull_of(squash))
    assert [check.what for check in link.checks] == [
        "pull request 7: merge commit",
        "pull request 7: branch",
    ]
    assert link.state is State.VERIFIED


def test_approvals_are_a_gates_answer_or_nobodys():
    fine = Gate("approvals", Verdict.PASS, "By both.", "All.")
    waits = Gate("approvals", Verdict.INCONCLUSIVE, "By both.", "Waits for ada.")
    assert link_approvals(fine, ("ada",), "Linus", "").state is State.VERIFIED
    assert broken(link_approvals(waits, (), "Linus", ""))[0][1] == "Waits for ada."
    assert link_approvals(None, (), "Linus", "not asked").unchecked == "not asked"


# ---------------------------------------------------------------- outside


def test_a_stored_package_holds_what_its_manifest_names_and_nothing_else():
    stored = Stored("the cache", DIGEST, {"a": "1", "extra": "9"}, {"a": "1", "b": "2"})
    rows = StoredRows("the cache", "m1", "m2")
    assert [found for _, found, _ in broken(link_store(stored, rows, DIGEST, "p.dir"))] == [
        "missing",
        "m2",
        "extra",
    ]
    whole = Stored("the cache", DIGEST, {"a": "1"}, {"a": "1"})
    link = link_store(whole, None, DIGEST, "p.dir")
    assert (link.state, link.says[1]) == (State.VERIFIED, "the rows are not on this disk")


def test_a_model_that_no_longer_serves_needs_no_alias():
    assert link_registry((3,), DIGEST[:-1], DIGEST, is_champion=False).state is State.VERIFIED
    assert len(broken(link_registry((), None, DIGEST, is_champion=True))) == 2
