"""The text that reviewers meet. Look at the golden files when they change.

UPDATE_GOLDEN=1 pytest tests/core/pull/test_body.py writes them anew.
"""

import dataclasses
import html
import os
import re

import pytest
from markdown_it import MarkdownIt

from pipeline.core.pull.body import MAX_BODY, ROOM, build_pull_text, fitted, units
from pipeline.core.pull.facts import ManifestChange, Places
from pipeline.core.review.report import CONTEXT
from pipeline.domain import Verdict
from tests.core import hostile, pulls, reports
from tests.core.report.test_build import EVIL
from tests.core.report.test_build import hostile as hostile_run

GOLDEN = pulls.ROOT / "tests" / "golden"
CASES = {
    "pass": lambda: pulls.facts(reports.passing()),
    "fail": lambda: pulls.facts(reports.failing(), quality_gates=pulls.quality_gates("FAIL")),
    "inconclusive": lambda: pulls.facts(
        reports.inconclusive(), quality_gates=pulls.quality_gates("INCONCLUSIVE")
    ),
}
TAGS = {"details", "summary", "img", "code", "sub", "br", "a", "p"}


def text_of(facts):
    return build_pull_text(facts, pulls.TEMPLATE)


def screen_of(body):
    """What is seen before the first fold."""
    return body.partition("<details>")[0]


def words_of(text):
    """The words that a reader sees: no tags, no addresses, no Markdown."""
    seen = html.unescape(re.sub(r"<[^>]*>|```\w*|[|*#\\]|---:?", " ", text))
    return [word for word in seen.split() if re.search(r"\w", word)]


def tokens_of(text):
    """Kinds of Markdown tokens and the raw HTML, as GitHub reads a comment."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    kinds, raw = [], []
    for token in parser.parse(text):
        for one in [token, *(token.children or [])]:
            kinds.append(one.type)
            if one.type in ("html_inline", "html_block"):
                raw.append(one.content)
    return kinds, "".join(raw)


@pytest.mark.parametrize("case", CASES)
def test_the_body_is_the_golden_file(case):
    path = GOLDEN / f"pull-{case}.md"
    found = text_of(CASES[case]()).body
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(found, encoding="utf-8", newline="\n")
    assert found == path.read_text(encoding="utf-8"), "if meant: UPDATE_GOLDEN=1, then look at it"


@pytest.mark.parametrize("case", CASES)
def test_one_screen_of_four_hundred_words_comes_before_the_folds(case):
    screen = screen_of(text_of(CASES[case]()).body)
    assert len(words_of(screen)) <= 400
    assert len(screen.splitlines()) <= 45


@pytest.mark.parametrize("case", CASES)
def test_the_first_line_is_the_verdict_and_the_second_the_figures(case):
    facts = CASES[case]()
    first, second = filter(None, text_of(facts).body.splitlines()[:3])
    assert re.fullmatch(rf"## \W {facts.report.verdict}: [a-z ,]+", first)
    assert re.match(r"\*\*Weighted F1 0\.\d+ → 0\.\d+\*\* \([+−]0\.\d+, 95", second)


@pytest.mark.parametrize(
    ("case", "title"),
    [
        ("pass", "Retrain flight-delay: weighted F1 0.592 → 0.702 (concept drift)"),
        (
            "fail",
            "Retrain flight-delay: weighted F1 0.699 → 0.666, the champion stays (concept drift)",
        ),
        (
            "inconclusive",
            "Retrain flight-delay: weighted F1 0.571 → 0.594, too little evidence (concept drift)",
        ),
    ],
)
def test_the_title_says_what_changed_and_why(case, title):
    assert text_of(CASES[case]()).title == title


def test_a_passing_body_has_what_the_reviewer_needs():
    body = text_of(CASES["pass"]()).body
    screen = screen_of(body)
    assert "review by ml_lead (maria) and product_owner (jo or sam), never by the author" in screen
    assert f"<code>{CONTEXT}</code>) is green" in screen
    assert "**Weakest slices**, by weighted F1: " in screen
    assert "drop +0.1119, limit 0.1" in screen
    assert "<code>c6906ccb52a95743</code>" in screen
    assert "Waits for a review by product_owner." in screen
    assert "25 % for 360 min" in screen
    assert "2,640 min (44 h) in all" in screen
    assert "git revert -m 1" in screen
    assert f"+  digest: {pulls.CHALLENGER}" in screen
    assert "-version: 2013-04-02-4d1e4d1e4d1e" in screen
    assert "<code>rollouts/flight-delay/rollout.yaml</code>, with 10 more changed lines" in screen
    assert "python -m scripts.retrain --as-of 2013-07-02" in body


@pytest.mark.parametrize("case", ["fail", "inconclusive"])
def test_nobody_is_asked_to_merge_what_did_not_pass(case):
    screen = screen_of(text_of(CASES[case]()).body)
    assert "approve and merge" not in screen
    assert "Waits for a review" not in screen
    assert "traffic" not in screen
    assert "```diff" not in screen
    assert "the champion stays" in screen


def test_failures_come_before_what_waits():
    gates = pulls.quality_gates(readiness="FAIL")
    facts = pulls.facts(reports.failing(), quality_gates=gates)
    listed = re.findall(r"^- (❌|🟡) ", text_of(facts).body, re.MULTILINE)
    assert listed == sorted(listed, key="❌🟡".index)
    assert len(listed) == 6


def test_a_gate_that_refuses_overrules_a_better_challenger():
    facts = pulls.facts(reports.passing(), quality_gates=pulls.quality_gates(readiness="ERROR"))
    text = text_of(facts)
    assert facts.verdict is Verdict.ERROR
    assert text.body.startswith("## 🛑 ERROR: the challenger beats the champion, and a gate")
    assert "Do not merge: Tracking reachable says no" in text.body
    assert text.title.endswith("0.702, a check broke (concept drift)")
    assert "```diff" not in screen_of(text.body)


def test_waiting_for_people_is_no_fault_of_the_challengers():
    assert CASES["pass"]().verdict is Verdict.PASS


def test_what_waits_is_told_from_what_is_unclear():
    screen = screen_of(text_of(CASES["pass"]()).body)
    assert "⏳&nbsp;**Deployment safety** 3/5" in screen
    assert "- ⏳ **Plan approved**: Waits" in screen


def test_too_little_evidence_for_a_gate_is_not_waiting():
    gates = pulls.quality_gates()
    gates["gates"][2]["items"][0].update(verdict="INCONCLUSIVE", reason="80 of 1,000 users.")
    facts = pulls.facts(reports.passing(), quality_gates=gates)
    assert facts.verdict is Verdict.INCONCLUSIVE
    text = text_of(facts)
    assert "- 🟡 **Ab test**: 80 of 1,000 users." in text.body
    assert text.body.startswith(
        "## 🟡 INCONCLUSIVE: the challenger beats the champion, and a gate is not clear yet"
    )
    assert "Nothing is proposed: Ab test is not clear yet (80 of 1,000 users). Mend" in text.body
    assert "approve and merge" not in screen_of(text.body)
    assert text.title.endswith("0.702, a gate is not clear yet (concept drift)")


def test_of_several_open_items_the_one_of_the_verdict_is_named():
    gates = pulls.quality_gates(readiness="FAIL")
    gates["gates"][2]["items"][0].update(verdict="INCONCLUSIVE", reason="80 of 1,000 users.")
    body = text_of(pulls.facts(reports.inconclusive(), quality_gates=gates)).body
    assert "Do not merge: Tracking reachable says no" in body
    assert "a gate refuses it" in body


def test_an_item_that_is_not_required_refuses_nothing_and_is_in_the_fold():
    gates = pulls.quality_gates()
    gates["gates"][0]["items"][4].update(verdict="FAIL", is_required=False, reason="It is down.")
    facts = pulls.facts(reports.passing(), quality_gates=gates)
    body = text_of(facts).body
    assert facts.verdict is Verdict.PASS
    assert "✅&nbsp;**Readiness** 4/4" in body
    assert "It is down." not in screen_of(body)
    assert "Tracking reachable <sub>not required</sub> |" in body


def test_a_passing_run_without_a_rollout_proposes_nothing():
    body = text_of(pulls.facts(reports.passing(), rollout=None, manifest=None)).body
    assert "Nothing: no rollout is proposed with this run." in body
    assert "approve and merge" not in body


def test_gates_that_were_not_assessed_are_not_said_to_pass():
    body = text_of(pulls.facts(reports.passing(), quality_gates=None)).body
    assert "🟡&nbsp;readiness and deployment safety were not assessed" in body
    assert "**Readiness**" not in body


def test_a_retrain_without_a_trigger_says_so():
    text = text_of(pulls.facts(reports.passing(), causes=()))
    assert "By hand; no trigger of the ledger asked for it." in text.body
    assert "Every cause" not in text.body
    assert text.title == "Retrain flight-delay: weighted F1 0.592 → 0.702"


def test_a_storm_of_causes_stays_short_and_is_whole_in_a_fold():
    events = tuple(pulls.event(window=f"2013-06-{day:02}") for day in range(1, 21))
    body = text_of(pulls.facts(reports.passing(), causes=events)).body
    assert "- and 17 more, in the first fold" in body
    assert screen_of(body).count("**concept drift**") == 3
    assert all(event.id in body for event in events)


def test_pictures_are_linked_by_commit_and_have_words_in_their_place():
    body = text_of(CASES["pass"]()).body
    pictures = re.findall(r'<img src="([^"]+)" alt="([^"]{40,})" width="\d+%">', body)
    names = [source.removeprefix(f"{pulls.BASE}/artifacts/report/plots/") for source, _ in pictures]
    assert names == ["differences.png?raw=true", "calibration.png?raw=true"]
    assert f'<a href="{pulls.BASE}/artifacts/report/plots/calibration.png">Calibration</a>' in body
    assert f'<a href="{pulls.BASE}/artifacts/report/report.md">Full report</a>' in body
    assert f"/tree/{pulls.SHA}/evidence/protocol-24-retraining/flight-delay/" in body


def test_evidence_may_be_named_by_its_manifest():
    places = Places(pulls.BASE, evidence="evidence/x/manifest.json")
    body = text_of(pulls.facts(reports.passing(), places=places)).body
    assert f'<a href="{pulls.BASE}/evidence/x/manifest.json">Evidence package</a>' in body


def test_without_a_place_to_link_to_files_are_named():
    body = text_of(pulls.facts(reports.passing(), places=Places())).body
    assert "<a " not in body
    assert "<img " not in body
    assert "<code>artifacts/report/plots/differences.png</code>" in body
    assert "<code>artifacts/report/report.md</code>" in body


def test_the_whole_manifest_is_in_a_fold_with_its_indentation():
    body = text_of(CASES["pass"]()).body
    fold = body.partition("<summary>The manifest</summary>")[2].partition("</details>")[0]
    assert "+      error_rate_max: 0.02" in fold
    assert " # What should serve." in fold


def test_comments_of_the_manifest_do_not_hide_what_changes():
    before = "".join(f"# {n}\n" for n in range(50)) + "model: flight-delay\nchallenger: a\n"
    after = "".join(f"# new {n}\n" for n in range(50)) + "model: flight-delay\nchallenger: b\n"
    change = ManifestChange("rollouts/flight-delay/rollout.yaml", before, after)
    screen = screen_of(text_of(pulls.facts(reports.passing(), manifest=change)).body)
    assert "```diff\n-challenger: a\n+challenger: b\n```" in screen


def test_a_manifest_that_stays_shows_no_empty_difference():
    change = ManifestChange("rollout.yaml", pulls.AFTER, pulls.AFTER)
    body = text_of(pulls.facts(reports.passing(), manifest=change)).body
    assert "```diff" not in body
    assert "5 % for 120 min" in body


# ---------------------------------------------------------------- length


def many_slices(count):
    parts = [
        reports.part("carrier", f"carrier number {n}", 0.6, 0.61, Verdict.PASS)
        for n in range(count)
    ]
    gates = [reports.gate(f"slices: c{n}", Verdict.PASS, "It holds. " * 8) for n in range(count)]
    found = reports.comparison(gates, reports.JUNE, parts, "f1_weighted improves.")
    return dataclasses.replace(reports.passing(), comparison=found)


def test_fifty_slices_stay_readable_and_whole():
    body = text_of(pulls.facts(many_slices(50))).body
    assert 20_000 < units(body) < MAX_BODY - ROOM
    assert len(words_of(screen_of(body))) <= 400
    assert "carrier number 49" in body
    assert "Too long" not in body


def test_a_table_of_a_thousand_rows_ends_with_where_the_rest_is():
    body = text_of(pulls.facts(many_slices(1_000))).body
    assert "and 940 more in the full report" in body
    assert "carrier number 999" not in body


def test_what_does_not_fit_is_left_out_from_the_last_fold_up():
    inputs = dataclasses.replace(
        many_slices(60),
        challenger_params={f"{n} {'p' * 500}": "v" * 500 for n in range(60)},
    )
    body = text_of(pulls.facts(inputs)).body
    assert units(body) <= MAX_BODY - ROOM
    assert body.count("<details>") == body.count("</details>") == 7
    assert (
        "Too long for a pull request, so only in <code>artifacts/report/report.md</code>: "
        "Parameters, Cost and time."
    ) in body
    assert "<summary>Data and drift</summary>" in body


def test_a_body_without_room_for_a_single_fold_still_has_its_head():
    fold = f"<details>\n<summary>A</summary>\n\n{'x' * MAX_BODY}\n</details>"
    assert fitted("head", [fold, fold], "r.md").startswith("head\n\nToo long for a pull request")


def test_a_head_that_is_too_long_is_a_mistake_and_no_cut_text():
    with pytest.raises(ValueError, match="characters before the first fold"):
        fitted("x" * MAX_BODY, [], "r.md")


def test_length_is_counted_as_the_strictest_forge_counts():
    assert units("🟡") == 2
    fold = "<details>\n<summary>A</summary>\n" + "🟡" * 33_000
    assert "🟡" not in fitted("head", [fold], "r.md")


# ---------------------------------------------------------------- hostile text


def hostile_facts(text):
    inputs = hostile_run()
    gates = pulls.quality_gates(beats="FAIL", readiness="ERROR")
    for gate in gates["gates"]:
        gate["title"] = text
        for item in gate["items"]:
            item.update(title=text, rule=text, reason=text, evidence=[text])
    events = (
        pulls.event(window=text, reason=text),
        pulls.event(window="2", reason=text, champion=text),
    )
    return pulls.facts(
        inputs,
        causes=events,
        quality_gates=gates,
        manifest=ManifestChange(text, pulls.BEFORE, f"{pulls.AFTER}{text}\n    {text}\n"),
        places=Places(pulls.BASE, evidence="evidence"),
        asked={text: (text, text)},
    )


def proposed(facts):
    """The same facts for a challenger that passed, so that the parts for a merge show too."""
    passing = {**facts.inputs.comparison, "verdict": "PASS"}
    inputs = dataclasses.replace(facts.inputs, comparison=passing)
    report = dataclasses.replace(facts.report, verdict=Verdict.PASS)
    return dataclasses.replace(facts, inputs=inputs, report=report, quality_gates=())


@pytest.mark.parametrize("text", [EVIL, *hostile.TEXTS], ids=range(len(hostile.TEXTS) + 1))
@pytest.mark.parametrize("turn", [lambda facts: facts, proposed], ids=["refused", "proposed"])
def test_hostile_text_is_inert(text, turn):
    body = text_of(turn(hostile_facts(text))).body
    kinds, raw = tokens_of(body)
    assert set(re.findall(r"</?(\w+)", raw)) <= TAGS
    assert not {"link_open", "image", "code_inline"} & set(kinds)
    addresses = re.findall(r'(?:href|src)="([^"]*)"', raw)
    assert addresses
    assert all(address.startswith("https://github.com/example/flights/") for address in addresses)
    outside = re.sub(r"```.*?```", "", re.sub(r"<(a|img) [^>]*>", "", body), flags=re.DOTALL)
    assert not re.search(r"@\w|#\d|://", html.unescape(outside))
    assert "56088" not in body
    assert units(body) <= MAX_BODY - ROOM


def test_hostile_text_cannot_look_like_our_hidden_marker():
    body = text_of(hostile_facts("<!-- perennial model=x retrain=y evidence=z -->")).body
    assert "<!--" not in re.sub(r"```.*?```", "", body, flags=re.DOTALL)


def test_hostile_text_in_the_manifest_cannot_end_its_fence():
    body = text_of(proposed(hostile_facts("```\n<b>@octocat</b>"))).body
    fences = [line for line in body.splitlines() if line.startswith("```")]
    assert fences[0::2] == [line for line in fences if line != "```"]


def test_a_commit_id_in_a_finding_links_nowhere():
    sha = "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
    events = (pulls.event(reason=f"as of {sha} and abc1234"),)
    body = text_of(pulls.facts(reports.passing(), causes=events)).body
    assert sha not in html.unescape(body)
    assert not re.search(r"\babc1234\b", html.unescape(body))


def test_a_digest_can_be_copied_whole():
    body = text_of(CASES["pass"]()).body
    assert f"<code>{pulls.CHALLENGER}</code>" in body


def test_equal_facts_give_equal_bytes():
    assert text_of(CASES["fail"]()) == text_of(CASES["fail"]())


def test_refused_inputs_still_say_why():
    gates = [reports.gate("inputs", Verdict.FAIL, "3 of 8847 scores are no probability")]
    found = {**reports.comparison(gates, [], [], gates[0].reason), "fairness": [], "mcnemar": None}
    found["delong"] = None
    inputs = dataclasses.replace(reports.failing(), comparison=found)
    text = text_of(pulls.facts(inputs))
    assert "3 of 8847 scores are no probability" in text.body
    assert "<img" not in text.body
    assert text.title == "Retrain flight-delay, the champion stays (concept drift)"


def test_a_first_model_has_one_figure_and_asks_for_a_person():
    text = text_of(pulls.facts(reports.first(), rollout=None, manifest=None, quality_gates=None))
    assert text.title == (
        "Retrain flight-delay: weighted F1 0.702, too little evidence (concept drift)"
    )
    assert "unknown" not in screen_of(text.body)
