import json
import math
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from pipeline.core.abtest.evidence import Cell
from pipeline.core.abtest.report import render_ab_test, summary_lines, wait_words
from pipeline.core.abtest.results import (
    SCHEMA_FILE,
    no_results_yet,
    results_json,
    results_of,
    results_schema,
)
from pipeline.core.abtest.sums import counts
from pipeline.core.abtest.verdict import Result
from pipeline.core.abtest.wait import how_much_longer
from pipeline.core.routing import Variant
from pipeline.jsonio import render_json
from tests.core.ab_tests import (
    DAY,
    LATENCY,
    SPENT,
    START,
    answer,
    config,
    evidence,
    numbers,
    ones,
)
from tests.core.hostile import TEXTS

ROOT = Path(__file__).parents[3]
TEMPLATE = (ROOT / "pipeline/templates/ab_test.md.j2").read_text()
DIGESTS = {Variant.MODEL_A: "sha256:" + "a" * 64, Variant.MODEL_B: "sha256:" + "b" * 64}


def results(test, *seen, experiment="exp-1"):
    found = answer(test, *seen)
    times = {"started_at": START, "ends_at": START + 28 * DAY}
    return results_of(
        test,
        found,
        seen[-1],
        how_much_longer(test, found, **times),
        experiment=experiment,
        model="flight-delay",
        digests=DIGESTS,
        **times,
    )


def guarded():
    generator = np.random.default_rng(0)
    cells = [
        numbers(generator.normal(5 + gain, 1, 4_000), latency=generator.normal(1, 0.5, 4_000))
        for gain in (0, 0.3)
    ]
    return config(primary=SPENT, guardrails=[LATENCY]), evidence(*cells)


def watched():
    sides = [
        Cell(900, metrics={"accuracy": counts(900, 700), "error_rate": counts(900, failed)})
        for failed in (0, 20)
    ]
    errors = {"metric": "error_rate", "kind": "proportion", "direction": "lower_is_better"}
    rail = {**errors, "margin": 0.01, "max_ratio": 2}
    return config(guardrails=[rail]), evidence(*sides)


CASES = {
    Result.MODEL_B: guarded(),
    Result.MODEL_A: (config(), evidence(ones(9_000, 8_000), ones(9_000, 7_000))),
    Result.INCONCLUSIVE: (config(), evidence(ones(9_000, 8_000), ones(9_000, 8_001))),
    Result.INVALID: (config(), evidence(ones(9_000, 8_000), Cell())),
}


def test_a_guardrail_on_rare_failures_tells_its_ratio_and_both_p_values():
    found = results(*watched())
    [rail] = results_json(found)["guardrails"]
    assert (rail["max_ratio"], rail["state"]) == (2.0, "broken")
    assert 0 < rail["p_failures"] < 0.05
    jsonschema.validate(results_json(found), results_schema())
    page = render_ab_test(TEMPLATE, found, has_picture=False)
    assert "may not rise by 0.01 or more, nor come more than 2 times as often" in page
    assert f"; {rail['p_failures']:.2g} |" in page
    [plain] = results_json(results(*guarded()))["guardrails"]
    assert (plain["max_ratio"], plain["p_failures"]) == (None, None)


@pytest.mark.parametrize("result", CASES, ids=str)
def test_every_answer_keeps_to_the_published_schema(result):
    test, seen = CASES[result]
    document = json.loads(render_json(results_json(results(test, seen))))
    assert document["result"] == result
    published = json.loads((ROOT / SCHEMA_FILE).read_text())
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.Draft202012Validator(published).validate(document)


@pytest.mark.parametrize("experiment", [None, "exp-1"])
def test_before_any_data_the_file_keeps_to_the_same_schema(experiment):
    document = json.loads(render_json(no_results_yet(experiment)))
    assert document["status"] == ("not_started" if experiment else "none_asked")
    assert document["result"] is None
    published = jsonschema.Draft202012Validator(json.loads((ROOT / SCHEMA_FILE).read_text()))
    published.validate(document)
    for odd in ({"schema": 1}, {**document, "result": "model_b"}, {**document, "status": "won"}):
        assert not published.is_valid(odd)


def test_the_published_schema_is_the_one_that_the_models_make():
    """`python -m scripts.ab_test schema > docs/schemas/ab-test-results.schema.json` renews it."""
    assert (ROOT / SCHEMA_FILE).read_text() == render_json(results_schema())


def test_the_document_says_who_what_why_and_how_much_longer():
    test, seen = CASES[Result.INCONCLUSIVE]
    document = results_json(results(test, seen, seen + seen))
    assert document["variants"]["model_b"]["digest"] == DIGESTS[Variant.MODEL_B]
    assert document["variants"]["model_a"]["mean"] == pytest.approx(8 / 9)
    assert document["primary"]["n"] == 36_000
    assert len(document["looks"]) == 2
    assert document["longer"]["waiting_for"] == "the end of the test"
    low, high = document["primary"]["interval"]
    assert low < document["primary"]["estimate"] < high


def test_what_is_not_there_yet_is_null_and_never_nan():
    document = results_json(results(config(), evidence(ones(1, 1), Cell())))
    assert document["primary"]["interval"] == [None, None]
    assert document["primary"]["estimate"] is None
    assert document["variants"]["model_b"]["mean"] is None
    assert "NaN" not in json.dumps(document)


def test_readers_are_shown_and_decide_nothing():
    test = config(readers=["welch", "mann_whitney"])
    found = results(test, evidence(ones(150, 10), ones(150, 140)))
    assert found.result == "inconclusive"
    assert all(reader.p_value < 1e-9 for reader in found.readers)
    spent = config(primary=SPENT, readers=["mann_whitney"])
    one = results(spent, evidence(numbers([1.0, 2.0]), numbers([1.0, 3.0])))
    assert one.readers[0].p_value is None  # it would need all outcomes at once


@pytest.mark.parametrize("result", CASES, ids=str)
def test_the_page_leads_with_the_answer(result):
    test, seen = CASES[result]
    page = render_ab_test(TEMPLATE, results(test, seen), has_picture=result is Result.MODEL_B)
    headline = page.splitlines()[2]
    assert headline.startswith("**")
    assert ("wins" in headline) == (result is Result.MODEL_B)
    assert ("![" in page) == (result is Result.MODEL_B)
    assert ("does NOT hold" in page) == (result is Result.INVALID)
    assert ("| latency | may not rise by 0.1 or more |" in page) == (result is Result.MODEL_B)
    assert "nan" not in page.lower().replace("nanos", "")


@pytest.mark.parametrize("text", [*TEXTS, "# a\n| b | c |", "@someone"])
def test_hostile_names_render_inert(text):
    test, seen = CASES[Result.MODEL_A]
    page = render_ab_test(TEMPLATE, results(test, seen, experiment=text), has_picture=False)
    plain = render_ab_test(TEMPLATE, results(test, seen, experiment="x"), has_picture=False)
    assert page.count("\n") == plain.count("\n")
    assert "<script" not in page
    assert "@someone" not in page


def test_many_looks_are_shown_in_ten_lines_with_the_last():
    test, seen = CASES[Result.INCONCLUSIVE]
    found = results(test, *[seen] * 95)
    page = render_ab_test(TEMPLATE, found, has_picture=False)
    rows = [line for line in page.splitlines() if line.startswith("| 2026-")]
    assert len(rows) <= 10
    assert rows[-1].startswith(f"| {found.at[:10]}")


def test_the_terminal_gets_the_answer_in_a_few_lines():
    test, seen = CASES[Result.INCONCLUSIVE]
    found = results(test, seen)
    assert summary_lines(found)[0] == "exp-1: inconclusive"
    assert wait_words(found).startswith("Wait about 27.0 more days")
    assert wait_words(results(*CASES[Result.MODEL_A])) == "Nothing to wait for."
    assert math.isfinite(found.longer.days)
