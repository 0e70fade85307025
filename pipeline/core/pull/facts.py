"""What the body of a retrain's pull request is made of: a finished run, and what a merge would do.

Nothing in these values is escaped: the template does that. Figures and tables come from the
report, so that the pull request and the committed report cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.core.report.build import Report, build_report
from pipeline.core.report.inputs import Json, ReportInputs
from pipeline.core.triggers.ledger import Event
from pipeline.domain import Verdict, worst


@dataclass(frozen=True)
class RolloutSummary:
    """How traffic would move: `kind` (canary, …), both models by digest, and the stages.

    A stage is (weight_percent, bake_minutes). `champion` is None where nothing serves yet.
    """

    kind: str
    challenger: str
    champion: str | None
    stages: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ManifestChange:
    """The manifest that a merge commits: its path, and its text before ("" for none) and after."""

    path: str
    before: str
    after: str


@dataclass(frozen=True)
class Places:
    """Where the committed files are seen.

    `base` is https://<host>/<owner>/<name>/blob/<sha>, by commit and never by branch, so that
    links outlive the branch; "" where there is no such place (the files are then only named).
    `evidence` is a folder, or the manifest in it.
    """

    base: str = ""
    report: str = "artifacts/report/report.md"
    plots: str = "artifacts/report/plots"
    evidence: str | None = None


@dataclass(frozen=True)
class PullFacts:
    """Everything that the body says.

    `causes` in the order in which they are shown, highest priority first; none for a retrain that
    nobody's trigger asked for. `quality_gates` are those of artifacts/gates/quality-gates.json.
    `asked` has the logins of each role whose review is wanted.
    """

    inputs: ReportInputs
    report: Report
    retrain: str
    causes: tuple[Event, ...] = ()
    quality_gates: tuple[Json, ...] = ()
    rollout: RolloutSummary | None = None
    manifest: ManifestChange | None = None
    places: Places = Places()
    asked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """The worst of the comparison and the gates; waiting for people makes nothing worse.

        PASS says that the challenger is better and that nothing but people is waited for.
        """
        return worst([self.report.verdict, *map(own_verdict, self.quality_gates)])


def facts_of(
    inputs: ReportInputs,
    *,
    retrain: str,
    causes: tuple[Event, ...] = (),
    quality_gates: Json | None = None,
    rollout: RolloutSummary | None = None,
    manifest: ManifestChange | None = None,
    places: Places | None = None,
    asked: Mapping[str, tuple[str, ...]] | None = None,
) -> PullFacts:
    """The facts of a finished run. `quality_gates` is the whole document; None: not assessed.

    Raises KeyError where an artifact lacks what it must have, as build_report does.
    """
    return PullFacts(
        inputs=inputs,
        report=build_report(inputs),
        retrain=retrain,
        causes=causes,
        quality_gates=tuple(quality_gates["gates"]) if quality_gates else (),
        rollout=rollout,
        manifest=manifest,
        places=places or Places(),
        asked=asked or {},
    )


def is_waiting(item: Json) -> bool:
    """Whether an item of a quality gate waits: for people, a later step, or files not at hand."""
    waits = item.get("waits", False) or item.get("is_elsewhere", False)
    return bool(waits) and item["verdict"] == Verdict.INCONCLUSIVE


def required_items(gate: Json) -> list[Json]:
    """The items of a quality gate that count."""
    return [item for item in gate["items"] if item.get("is_required", True)]


def own_verdict(gate: Json) -> Verdict:
    """The worst of what is required and does not wait; PASS where all of it waits."""
    found = [Verdict(item["verdict"]) for item in required_items(gate) if not is_waiting(item)]
    return worst([Verdict.PASS, *found])
