"""ab-test-results.json: the answer of an A/B test for programs, with its published schema.

The schema is docs/schemas/ab-test-results.schema.json, made from the models here by
`python -m scripts.ab_test schema`.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from pipeline.ab_config import ABTest
from pipeline.config import Section
from pipeline.core.abtest.evidence import CELL_COUNTS, Evidence
from pipeline.core.abtest.faults import tell_left_out
from pipeline.core.abtest.fixed_horizon import mann_whitney_of_proportions, welch
from pipeline.core.abtest.guardrails import GuardrailResult
from pipeline.core.abtest.verdict import Assessment, Reading
from pipeline.core.abtest.wait import Wait
from pipeline.core.routing import Variant

SCHEMA_FILE = "docs/schemas/ab-test-results.schema.json"
SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"
Number = float | None
P = Annotated[float, Field(ge=0, le=1)]
Whole = Annotated[int, Field(ge=0)]
Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]
DigestText = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class VariantResult(Section):
    """One model: what it was given and what came of it. `mean` is null without outcomes."""

    digest: DigestText
    units: Whole
    outcomes: Whole
    misrouted: Whole
    missing: Whole
    broken: Whole
    early: Whole
    repeated: Whole
    future: Whole
    mean: Number


class PrimaryResult(Section):
    """The metric that decides. The interval holds at all looks together; null is unbounded."""

    metric: str
    kind: Literal["mean", "proportion"]
    direction: Literal["higher_is_better", "lower_is_better"]
    estimate: Annotated[Number, Field(description="model_b minus model_a")]
    interval: tuple[Number, Number]
    confidence: P
    p_value: P
    test: Literal["confidence_sequence", "msprt"]
    n: Whole


class GuardrailRow(Section):
    """One guardrail; p_value is that of "the margin or more is lost", after Holm.

    p_failures is that of "it fails at most max_ratio times as often"; null without a max_ratio.
    """

    metric: str
    direction: Literal["higher_is_better", "lower_is_better"]
    margin: float
    state: Literal["kept", "open", "broken"]
    estimate: Number
    p_value: P
    n: Whole
    max_ratio: Number = None
    p_failures: P | None = None


class SampleRatio(Section):
    """Whether the variants have the units that the weights give them."""

    p_value: P
    alpha: P
    is_mismatch: bool


class Longer(Section):
    """How much longer, at today's rate; null where nothing tells."""

    units: Whole | None
    days: Number
    waiting_for: str


class ReaderRow(Section):
    """A test for one look. It is shown, and decides nothing."""

    name: Literal["welch", "mann_whitney"]
    p_value: Number


class LookRow(Section):
    """The primary metric at one look."""

    at: Time
    n: Whole
    estimate: Number
    low: Number
    high: Number
    p_value: P


class ABTestResults(Section):
    """ab-test-results.json."""

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    experiment: str
    model: str
    result: Literal["model_a", "model_b", "no_significant_difference", "inconclusive", "invalid"]
    reasons: Annotated[tuple[str, ...], Field(min_length=1)]
    started_at: Time
    at: Time
    ends_at: Time
    is_over: bool
    primary: PrimaryResult
    variants: dict[Literal["model_a", "model_b"], VariantResult]
    guardrails: tuple[GuardrailRow, ...]
    sample_ratio: SampleRatio
    longer: Longer
    left_out: tuple[str, ...]
    readers: tuple[ReaderRow, ...]
    looks: Annotated[tuple[LookRow, ...], Field(min_length=1)]


class NoResultsYet(Section):
    """The same file before there is any answer: no test was asked for, or it has not begun.

    `experiment` is the one that the rollout plan asks for.
    """

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    status: Literal["none_asked", "not_started"]
    experiment: str | None
    result: None = None


def no_results_yet(experiment: str | None) -> dict[str, Any]:
    """ab-test-results.json before the test `experiment`; None where the plan asks for none."""
    status: Literal["none_asked", "not_started"] = "not_started" if experiment else "none_asked"
    return results_json(NoResultsYet(status=status, experiment=experiment))


def results_of(
    test: ABTest,
    found: Assessment,
    evidence: Evidence,
    wait: Wait,
    *,
    experiment: str,
    model: str,
    digests: dict[Variant, str],
    started_at: datetime,
    ends_at: datetime,
) -> ABTestResults:
    """The document; `evidence` is that of the last look."""
    now = found.latest
    return ABTestResults(
        experiment=experiment,
        model=model,
        result=found.result.value,
        reasons=found.reasons,
        started_at=_time(started_at),
        at=_time(now.at),
        ends_at=_time(ends_at),
        is_over=now.at >= ends_at,
        primary=_primary(test, now),
        variants={
            variant.value: _variant(test, evidence, variant, digest)
            for variant, digest in digests.items()
        },
        guardrails=tuple(_guardrail(rail) for rail in found.guardrails),
        sample_ratio=SampleRatio(
            p_value=found.mismatch_p,
            alpha=test.mismatch_alpha,
            is_mismatch=found.mismatch_p <= test.mismatch_alpha,
        ),
        longer=Longer(units=wait.units, days=wait.days, waiting_for=wait.why),
        left_out=tell_left_out(evidence),
        readers=_readers(test, evidence),
        looks=tuple(_look(reading) for reading in found.readings),
    )


def results_json(results: ABTestResults | NoResultsYet) -> dict[str, Any]:
    """The document as plain values."""
    return results.model_dump(mode="json", by_alias=True)


def results_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of ab-test-results.json."""
    return {"$schema": SCHEMA_ID, **_DOCUMENT.json_schema()}


_DOCUMENT: TypeAdapter[ABTestResults | NoResultsYet] = TypeAdapter(ABTestResults | NoResultsYet)


def _primary(test: ABTest, now: Reading) -> PrimaryResult:
    primary = test.primary
    return PrimaryResult(
        metric=primary.metric,
        kind=primary.kind,
        direction=primary.direction,
        estimate=_finite(now.estimate.difference),
        interval=(_finite(now.interval.low), _finite(now.interval.high)),
        confidence=now.interval.confidence,
        p_value=now.p_value,
        test=test.test,
        n=now.n,
    )


def _variant(test: ABTest, evidence: Evidence, variant: Variant, digest: str) -> VariantResult:
    cell = evidence.total(variant)
    sums = cell.sums(test.primary.metric)
    mean = float(sums.mean_y) if sums.n else None
    counts = {name: getattr(cell, name) for name in CELL_COUNTS}
    return VariantResult(digest=digest, outcomes=sums.n, mean=mean, **counts)


def _guardrail(rail: GuardrailResult) -> GuardrailRow:
    return GuardrailRow(
        metric=rail.guardrail.metric,
        direction=rail.guardrail.direction,
        margin=rail.guardrail.margin,
        state=rail.state.value,
        estimate=_finite(rail.estimate.difference),
        p_value=rail.p_inferior,
        n=rail.estimate.n_a + rail.estimate.n_b,
        max_ratio=rail.guardrail.max_ratio,
        p_failures=rail.p_failures,
    )


def _readers(test: ABTest, evidence: Evidence) -> tuple[ReaderRow, ...]:
    """Mann-Whitney only of proportions: of numbers it would need every outcome."""
    a, b = (evidence.total(variant).sums(test.primary.metric) for variant in Variant)
    found = {"welch": welch(a, b), "mann_whitney": math.nan}
    if test.primary.kind == "proportion":
        found["mann_whitney"] = mann_whitney_of_proportions(a, b)
    return tuple(ReaderRow(name=name, p_value=_finite(found[name])) for name in test.readers)


def _look(reading: Reading) -> LookRow:
    return LookRow(
        at=_time(reading.at),
        n=reading.n,
        estimate=_finite(reading.estimate.difference),
        low=_finite(reading.interval.low),
        high=_finite(reading.interval.high),
        p_value=reading.p_value,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
