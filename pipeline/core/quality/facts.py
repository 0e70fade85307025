"""All that the quality gates look at, as one value: read by a script, judged without a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.config import ComparisonPolicy, Params
from pipeline.core.triggers.ledger import Event, Retrain
from pipeline.gates_config import QualityPolicy
from pipeline.trigger_config import TriggerConfig

COLLECT = "artifacts/collect/summary.json"
CHECKS = "artifacts/validate/report.json"
SPLIT = "artifacts/split/summary.json"
TRAIN = "artifacts/train/summary.json"
METRICS = "artifacts/evaluate/metrics.json"
COMPARISON = "artifacts/compare/comparison.json"
TIMINGS = "artifacts/timings.json"
REGISTRATION = "artifacts/register/registration.json"
UNREGISTERED = "Nothing was registered yet: run python -m scripts.register_challenger --apply."
REHEARSAL = "artifacts/gates/rollback-rehearsal.json"
AB_TEST = "artifacts/ab-test/ab-test-results.json"
DOCUMENTS = (
    COLLECT,
    CHECKS,
    SPLIT,
    TRAIN,
    METRICS,
    COMPARISON,
    TIMINGS,
    REGISTRATION,
    REHEARSAL,
    AB_TEST,
)


class Missing(LookupError):
    """A document that a finished run has is not there."""


@dataclass(frozen=True)
class Request:
    """Why the retrain ran. `id` is its id in the trigger ledger, None for one run by hand.

    `retrain` is None where the ledger does not know the id.
    """

    id: str | None = None
    retrain: Retrain | None = None
    causes: tuple[Event, ...] = ()


@dataclass(frozen=True)
class LockFacts:
    """dvc.lock: `outs` is path to MD5 as recorded, `found` the same of the files that are here.

    `conflicts` are paths that two stages recorded differently, `train_reads` what train depends on.
    """

    outs: Mapping[str, str]
    found: Mapping[str, str]
    conflicts: tuple[str, ...] = ()
    train_reads: tuple[str, ...] = ()


@dataclass(frozen=True)
class PackageFacts:
    """The challenger's package: `faults` name each file that its manifest does not describe.

    `is_here` is False where only its manifest is known, as the evidence package keeps it.
    """

    digest: str
    train_rows: int
    data_digest: str
    as_of: datetime
    faults: tuple[str, ...] = ()
    is_here: bool = True


@dataclass(frozen=True)
class PlanFacts:
    """What the rollout plan asks for: figures of the serving model, and perhaps an A/B test."""

    metrics: tuple[str, ...]
    has_ab_test: bool = False


@dataclass(frozen=True)
class Monitoring:
    """What the metrics provider said of the champion; `provider` is None where none is set.

    `figures` has a number, None for no data, or a sentence where the question failed.
    """

    provider: str | None = None
    figures: Mapping[str, float | str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """One finished run. `documents` holds the parsed JSON of each file that is there, by path.

    `at` is the moment to judge at. `approvals` names, by role, the logins whose approval of the
    pull request counts, or is None before there is one; `members` is configs/approvers.yaml.
    `incidents` are the paths of the incident reports that lie about.
    """

    model: str
    version: str | None
    at: datetime
    params: Params
    min_label_coverage: float
    comparison_policy: ComparisonPolicy
    policy: QualityPolicy
    triggers: TriggerConfig
    champion: str | None
    documents: Mapping[str, Any]
    request: Request = Request()
    lock: LockFacts | None = None
    package: PackageFacts | None = None
    plan: PlanFacts | None = None
    monitoring: Monitoring = Monitoring()
    approvals: Mapping[str, tuple[str, ...]] | None = None
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    incidents: tuple[str, ...] = ()

    def document(self, path: str) -> Any:
        """The document at `path`. Raises Missing where it is not there."""
        if path not in self.documents:
            raise Missing(path)
        return self.documents[path]
