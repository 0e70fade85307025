from dataclasses import replace

from pipeline.core.quality.gates import Assessment, Item, QualityGate
from pipeline.core.quality.text import render_assessment
from pipeline.domain import Verdict

ITEMS = (
    Item("a", "Trained", Verdict.PASS, "", "In 5 minutes."),
    Item("b", "Approved", Verdict.INCONCLUSIVE, "", "By nobody yet.", waits=True),
    Item("c", "Shown", Verdict.INCONCLUSIVE, "", "By 3 rows.", is_required=False),
    Item("d", "Overruled", Verdict.FAIL, "", "It was said no.", waits=True),
)
FOUND = Assessment("flight-delay", "2013-07-02-77ab", (QualityGate("g", "First gate", ITEMS),))
LINES = """\
Quality gates of flight-delay 2013-07-02-77ab

FAIL         First gate
  PASS         Trained
               In 5 minutes.
  waits        Approved
               By nobody yet.
  INCONCLUSIVE Shown (not required)
               By 3 rows.
  FAIL         Overruled
               It was said no.
"""


def test_each_item_has_its_verdict_or_that_it_waits_and_below_it_the_reason():
    assert render_assessment(FOUND) == LINES


def test_a_run_without_a_package_says_so_at_the_head():
    text = render_assessment(replace(FOUND, version=None))
    assert text.startswith("Quality gates of flight-delay (no package)\n")
