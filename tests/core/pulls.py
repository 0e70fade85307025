"""Pull requests for tests: the runs of reports.py with causes, gates and a rollout around them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.core.pull.facts import ManifestChange, Places, PullFacts, RolloutSummary, facts_of
from pipeline.core.report.inputs import ReportInputs
from pipeline.core.triggers.ledger import Event

ROOT = Path(__file__).parents[2]
TEMPLATE = (ROOT / "pipeline/templates/pull_request.md.j2").read_text(encoding="utf-8")
SHA = "0123456789abcdef0123456789abcdef01234567"
BASE = f"https://github.com/example/flights/blob/{SHA}"
CHAMPION = "sha256:" + "4d1e" * 16
CHALLENGER = "sha256:" + "77ab" * 16
NOW = datetime(2013, 7, 3, 12, tzinfo=UTC)
PEOPLE = {"ml_lead": ("maria",), "product_owner": ("jo", "sam")}

HEADER = "# What should serve. Merging this file starts the rollout.\n"
BEFORE = f"""\
{HEADER}schema: 1
model: flight-delay
version: 2013-04-02-4d1e4d1e4d1e
retrain: flight-delay-0001
challenger:
  digest: {CHAMPION}
  as_of: '2013-04-02T00:00:00Z'
champion: null
"""
AFTER = f"""\
{HEADER}schema: 1
model: flight-delay
version: 2013-07-02-77ab77ab77ab
retrain: flight-delay-0003
challenger:
  digest: {CHALLENGER}
  as_of: '2013-07-02T00:00:00Z'
champion:
  digest: {CHAMPION}
plan:
  type: canary
  canary_stages:
  - traffic_percentage: 5.0    # a bad challenger meets few users
    duration_hours: 2.0
    success_criteria:
      error_rate_max: 0.02
"""


def event(trigger: str = "concept_drift", priority: str = "critical", **changes: Any) -> Event:
    """A firing as the ledger of the example has it."""
    window = "2013-06-10T00:00Z/20160m"
    values = {
        "model": "flight-delay",
        "champion": CHAMPION,
        "trigger": trigger,
        "window": window,
        "priority": priority,
        "reason": f"{window}: accuracy 0.8344 -> 0.7424 (drop +0.0921, limit 0.1), "
        "f1_weighted 0.7840 -> 0.6722 (drop +0.1119, limit 0.1); adwin sees the error rate change "
        "too",
        "at": NOW,
        "retrain": "flight-delay-0003",
    }
    return Event(**{**values, **changes})


def causes() -> tuple[Event, ...]:
    """Concept drift, and the calendar."""
    due = "2013-07-02T06:00:00Z"
    reason = f"due since {due} (cron, America/New_York)"
    return event(), event("scheduled_retrain", "low", window=due, reason=reason)


def item(name: str, verdict: str = "PASS", reason: str = "It holds.") -> dict[str, Any]:
    """An item of a quality gate."""
    title = name.replace("_", " ").capitalize()
    path = f"artifacts/gates/{name}.json"
    rule = f"{title}, as configured."
    return {
        "name": name,
        "title": title,
        "verdict": verdict,
        "rule": rule,
        "reason": reason,
        "evidence": [path],
        "is_required": True,
        "waits": reason.startswith("Waits"),
    }


def gate(name: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """A quality gate; its verdict is the worst of its items'."""
    order = ["PASS", "INCONCLUSIVE", "FAIL", "ERROR"]
    verdict = max((one["verdict"] for one in items), key=order.index)
    title = name.replace("_", " ").capitalize()
    return {"name": name, "title": title, "verdict": verdict, "items": items}


def quality_gates(beats: str = "PASS", readiness: str = "PASS") -> dict[str, Any]:
    """artifacts/gates/quality-gates.json of a fresh proposal: people have not spoken yet."""
    ready = ("triggers_validated", "data_validated", "features_ready", "compute_present")
    quality = ("metrics_meet_thresholds", "fairness", "registered", "artifacts_generated")
    return {
        "schema": 1,
        "model": "flight-delay",
        "version": "2013-07-02-77ab77ab77ab",
        "gates": [
            gate(
                "readiness",
                [*(item(n) for n in ready), item("tracking_reachable", readiness, "It answers.")],
            ),
            gate(
                "model_quality",
                [item("beats_the_champion", beats), *(item(name) for name in quality)],
            ),
            gate(
                "deployment_safety",
                [
                    item("ab_test", reason="The plan asks for none."),
                    item("rollback_rehearsed", reason="Rehearsed: back in 1.2 s."),
                    item("monitoring_configured"),
                    item("plan_approved", "INCONCLUSIVE", "Waits for a review by ml_lead."),
                    item("sign_off", "INCONCLUSIVE", "Waits for a review by product_owner."),
                ],
            ),
        ],
    }


def rollout() -> RolloutSummary:
    """The protocol's four canary stages."""
    stages = ((5.0, 120.0), (25.0, 360.0), (50.0, 720.0), (100.0, 1440.0))
    return RolloutSummary("canary", CHALLENGER, CHAMPION, stages)


def facts(inputs: ReportInputs, **changes: Any) -> PullFacts:
    """The facts of a run; `changes` replace single arguments of facts_of."""
    values = {
        "retrain": "flight-delay-0003",
        "causes": causes(),
        "quality_gates": quality_gates(),
        "rollout": rollout(),
        "manifest": ManifestChange("rollouts/flight-delay/rollout.yaml", BEFORE, AFTER),
        "places": Places(
            BASE,
            evidence="evidence/protocol-24-retraining/flight-delay/2013-07-02-77ab77ab77ab",
        ),
        "asked": PEOPLE,
    }
    return facts_of(inputs, **{**values, **changes})
