import random
import re
from dataclasses import replace

import pytest

from pipeline.core.quality.assessment import assess_quality
from pipeline.core.quality.checklist import render_checklist
from pipeline.core.quality.facts import PlanFacts
from pipeline.core.quality.gates import Assessment
from tests.core import hostile, reports
from tests.core import quality_runs as runs
from tests.core.quality_runs import facts

TEMPLATE = (reports.ROOT / "pipeline/templates/deployment_checklist.md.j2").read_text()
BOX = re.compile(r"^- \[([ x])\] \*\*", re.MULTILINE)


def checklist(run) -> str:
    return render_checklist(assess_quality(run), TEMPLATE)


def test_every_item_of_the_protocol_is_on_it_under_its_own_name():
    protocol = """
    Trigger conditions validated | Training data collected and validated
    Feature engineering pipeline ready | Compute resources allocated | MLflow tracking configured
    New model outperforms baseline | All evaluation metrics meet thresholds
    Bias and fairness checks passed | Model registered in model registry
    Deployment artifacts generated | A/B test completed successfully | Rollout plan approved
    Rollback procedure tested | Monitoring configured for new model | Stakeholder sign-off obtained
    """
    text = checklist(facts())
    names = [name.strip() for line in protocol.splitlines() for name in line.split("|")]
    for name in filter(None, names):
        assert f"- [x] **{name}** (PASS)<br>" in text


def test_a_box_is_ticked_for_pass_alone():
    run = facts(approvals=None, lock=None, plan=PlanFacts(("accuracy",), has_ab_test=True))
    items = assess_quality(run).items
    boxes = BOX.findall(checklist(run))
    assert boxes == ["x" if item.verdict == "PASS" else " " for item in items]
    assert 0 < boxes.count("x") < 15


def test_what_waits_says_so_and_the_head_counts():
    text = checklist(facts(approvals=None))
    assert "**Rollout plan approved** (waits)<br>" in text
    assert "**INCONCLUSIVE**: 13 of 15 items pass." in text


def test_what_is_inconclusive_without_waiting_for_anybody_says_that():
    away = replace(facts().package, is_here=False)
    text = checklist(facts(package=away))
    assert "**Deployment artifacts generated** (INCONCLUSIVE)<br>" in text


@pytest.mark.parametrize(
    ("version", "named"), [("2013-07-02-77ab", "2013-07-02-77ab"), (None, "no version")]
)
def test_the_head_names_the_model_and_its_version(version, named):
    head = checklist(facts(version=version)).splitlines()[0]
    assert head == f"# Deployment checklist: {runs.MODEL} {named}"


def test_it_is_the_same_text_for_the_same_run():
    assert checklist(facts()) == checklist(facts())


@pytest.mark.parametrize("seed", range(5))
def test_hostile_names_and_reasons_stay_on_their_line_and_make_no_markup(seed):
    rng = random.Random(seed)  # noqa: S311 (a seed, not a secret)
    found = assess_quality(facts())

    def spoil(item):
        texts = [str(hostile.scalar(rng)) for _ in range(3)]
        return replace(item, title=texts[0], reason=texts[1], evidence=(texts[2],))

    gates = tuple(replace(gate, items=tuple(map(spoil, gate.items))) for gate in found.gates)
    spoiled = Assessment("<b>@someone</b>", "`x`", gates)
    text = render_checklist(spoiled, TEMPLATE)
    assert len(text.splitlines()) == len(render_checklist(found, TEMPLATE).splitlines())
    assert "<script" not in text
    assert "@someone" not in text
    assert "{{" not in text
    assert len(BOX.findall(text)) == 15


def test_its_digest_names_are_whole():
    assert runs.CHALLENGER in checklist(facts())
