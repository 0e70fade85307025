from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pipeline.champion import Champion
from pipeline.config import parse_section
from pipeline.core.rollout import rehearsal as rollback_rehearsal
from pipeline.core.rollout.effects import RolloutStep, SetWeights, WriteRecord
from pipeline.core.rollout.observation import Routing
from pipeline.core.rollout.rehearsal import rehearse_controller
from pipeline.domain import Verdict
from pipeline.manifest import EvidenceRef, ModelIdentity, RolloutSpec
from pipeline.rollout_config import RolloutPlan
from pipeline.rollout_status import Kind, Phase

CHAMPION = "sha256:" + "c" * 64
CHALLENGER = "sha256:" + "d" * 64
SUNDAY = datetime(2013, 7, 7, 12, tzinfo=UTC)
CRITERIA = {"error_rate_max": 0.02}
STAGES = [
    {"traffic_percentage": 5, "duration": "1h", "success_criteria": CRITERIA},
    {"traffic_percentage": 100, "duration": "1h", "success_criteria": CRITERIA},
]


def spec(**plan) -> RolloutSpec:
    plan = plan or {"type": "canary", "canary_stages": STAGES}
    as_of = datetime(2013, 7, 2, tzinfo=UTC)
    return RolloutSpec(
        model="flight-delay",
        version="2013-07-02-dddddddddddd",
        retrain="flight-delay-0004",
        challenger=ModelIdentity(digest=CHALLENGER, package_md5="d" * 32 + ".dir", as_of=as_of),
        champion=Champion(
            schema=1,
            model="flight-delay",
            digest=CHAMPION,
            package_md5="c" * 32 + ".dir",
            as_of=datetime(2013, 4, 2, tzinfo=UTC),
            approved_by="a person",
            reason="first model",
        ),
        evidence=EvidenceRef(path="evidence/x", digest="sha256:" + "0" * 64),
        plan=parse_section(RolloutPlan, plan, "plan"),
    )


PLANS = {
    "canary": {"type": "canary", "canary_stages": STAGES},
    "canary with a closed window": {
        "type": "canary",
        "canary_stages": STAGES,
        "deploy_windows": [{"days": ["monday"], "start": "09:00", "end": "17:00"}],
    },
    "mirror first": {
        "type": "canary",
        "canary_stages": STAGES,
        "mirror": {"duration": "1h", "success_criteria": CRITERIA},
    },
    "blue-green": {
        "type": "blue_green",
        "blue_green": {"warm_up": "30m", "hold": "1h", "success_criteria": CRITERIA},
    },
    "rolling": {
        "type": "rolling",
        "rolling": {"batch_percentage": 20, "duration": "1h", "success_criteria": CRITERIA},
    },
}


@pytest.mark.parametrize("name", PLANS)
def test_every_kind_of_plan_goes_back_in_one_step(name):
    found = rehearse_controller(spec(**PLANS[name]), SUNDAY)
    assert (found.verdict, found.stage.kind) == (Verdict.PASS, Kind.STAGE)
    assert found.reason.startswith("From the first stage the champion is back at 100 %")


def after_revert(monkeypatch, effects_of):
    """A controller that answers a revert with `effects_of(its real step)`."""
    real = rollback_rehearsal.reconcile

    def wrong(found, *arguments):
        step = real(found, *arguments)
        return step if found is not None else replace(step, effects=effects_of(step))

    monkeypatch.setattr(rollback_rehearsal, "reconcile", wrong)
    return rehearse_controller(spec(), SUNDAY)


def test_a_controller_that_keeps_the_challengers_traffic_is_found_out(monkeypatch):
    keeps = Routing(CHAMPION, CHALLENGER, 5.0)

    def effects(step):
        others = [e for e in step.effects if not isinstance(e, SetWeights)]
        return (SetWeights(keeps), *others)

    found = after_revert(monkeypatch, effects)
    reason = "The challenger keeps 5 % of the traffic."
    assert (found.verdict, found.reason) == (Verdict.FAIL, reason)


def test_a_controller_that_does_nothing_is_found_out(monkeypatch):
    assert after_revert(monkeypatch, lambda _: ()).verdict is Verdict.FAIL


def test_a_controller_that_serves_another_model_is_found_out(monkeypatch):
    elsewhere = SetWeights(Routing("sha256:" + "e" * 64))

    def effects(step):
        return tuple(elsewhere if isinstance(e, SetWeights) else e for e in step.effects)

    found = after_revert(monkeypatch, effects)
    reason = "The champion of before does not serve."
    assert (found.verdict, found.reason) == (Verdict.FAIL, reason)


def test_a_controller_that_records_something_else_is_found_out(monkeypatch):
    def effects(step):
        paused = [
            replace(e, record=e.record.model_copy(update={"phase": Phase.PAUSED}))
            if isinstance(e, WriteRecord)
            else e
            for e in step.effects
        ]
        return tuple(paused)

    found = after_revert(monkeypatch, effects)
    assert (found.verdict, found.reason) == (Verdict.FAIL, "It is recorded as Paused.")


def test_a_controller_that_is_not_done_in_one_step_is_found_out(monkeypatch):
    real = rollback_rehearsal.reconcile

    def unfinished(found, status, *arguments):
        if status.ever and status.ever[-1].phase is Phase.ROLLED_BACK:
            return RolloutStep("More to do.", (SetWeights(Routing(CHAMPION)),))
        return real(found, status, *arguments)

    monkeypatch.setattr(rollback_rehearsal, "reconcile", unfinished)
    found = rehearse_controller(spec(), SUNDAY)
    reason = "The next look would change more: More to do."
    assert (found.verdict, found.reason) == (Verdict.FAIL, reason)
    assert found.stage.kind is Kind.STAGE


def test_a_rollout_that_would_not_start_fails_with_the_reason(monkeypatch):
    def stuck(*_):
        return RolloutStep("Nothing rolls out.")

    monkeypatch.setattr(rollback_rehearsal, "reconcile", stuck)
    found = rehearse_controller(spec(), SUNDAY)
    assert found.verdict is Verdict.FAIL
    assert found.reason == "It would not start: Nothing rolls out."
    assert found.stage is None
