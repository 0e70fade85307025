"""configs/ab-test.yaml as a validated, frozen object: how an A/B test is run and read.

A test copies this section when it starts: a later edit of the file changes nothing that runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.config import Count, Fraction, Positive, Section, load_section
from pipeline.trigger_config import Direction, Duration

MetricKind = Literal["mean", "proportion"]
Reader = Literal["welch", "mann_whitney"]
MetricKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Percent = Annotated[float, Field(ge=0, le=100)]
Alpha = Annotated[float, Field(gt=0, le=0.2)]
PositiveFinite = Annotated[float, Field(gt=0, allow_inf_nan=False)]
BASIS_POINTS_A_PERCENT = 100


class Split(Section):
    """Percent of the units for each variant: together 100, in steps of 0.01."""

    model_a: Percent
    model_b: Percent

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        points = [share * BASIS_POINTS_A_PERCENT for share in (self.model_a, self.model_b)]
        if any(abs(point - round(point)) > 1e-6 for point in points):
            raise ValueError("shares go in steps of 0.01 percent: there are 10,000 buckets")
        if sum(map(round, points)) != 100 * BASIS_POINTS_A_PERCENT:
            raise ValueError(f"{self.model_a} and {self.model_b} do not make 100 percent")
        if not self.model_b or not self.model_a:
            raise ValueError("each variant needs a share above 0: one alone compares with nothing")
        return self

    @property
    def challenger_basis_points(self) -> int:
        """The challenger's share in hundredths of a percent."""
        return round(self.model_b * BASIS_POINTS_A_PERCENT)


class Metric(Section):
    """What is measured of each unit: a number, or whether something is so (0 or 1)."""

    metric: MetricKey
    kind: MetricKind
    direction: Direction

    @property
    def sign(self) -> int:
        """1 where higher is better, else -1."""
        return 1 if self.direction == "higher_is_better" else -1


class PrimaryMetric(Metric):
    """The metric that decides.

    `min_effect` is the smallest difference worth knowing, in the metric's own unit; `expected` is
    the champion's mean, for a proportion from 0 to 1; a mean needs its standard deviation too.
    `equivalence_margin`: a difference shown to be smaller than this is none.
    """

    min_effect: PositiveFinite
    expected: Annotated[float, Field(allow_inf_nan=False)]
    standard_deviation: PositiveFinite | None = None
    equivalence_margin: PositiveFinite | None = None

    @model_validator(mode="after")
    def _has_a_spread(self) -> Self:
        if self.kind == "mean" and self.standard_deviation is None:
            raise ValueError("a mean needs standard_deviation: how much units differ")
        if self.kind == "proportion" and self.standard_deviation is not None:
            raise ValueError("a proportion has no standard_deviation: its mean tells it")
        if self.kind == "proportion" and not 0 < self.expected < 1:
            raise ValueError(f"expected {self.expected}: a proportion is between 0 and 1")
        return self

    @property
    def variance(self) -> float:
        """The expected variance of one outcome."""
        if self.standard_deviation is not None:
            return self.standard_deviation**2
        return self.expected * (1 - self.expected)


class Guardrail(Metric):
    """A metric that the challenger must not lose `margin` of, in its own unit, shown by the data.

    A loss of exactly `margin` is too much. `max_ratio` is for rare failures: the test ends once the
    challenger is shown to fail more than so many times as often as the champion (1: more often at
    all), by its share of the failures, however few outcomes there are yet.
    """

    margin: PositiveFinite
    max_ratio: Annotated[float, Field(ge=1, le=100)] | None = None

    @model_validator(mode="after")
    def _counts_failures(self) -> Self:
        is_failure = self.kind == "proportion" and self.direction == "lower_is_better"
        if self.max_ratio is not None and not is_failure:
            raise ValueError("max_ratio is for a proportion of which lower is better: failures")
        return self


class ABTest(Section):
    """One A/B test: who takes part, what is measured, and when the answer may be believed."""

    split: Split
    unit: Literal["request", "user"]
    duration: Duration
    maturity: Duration
    primary: PrimaryMetric
    guardrails: tuple[Guardrail, ...] = ()
    test: Literal["confidence_sequence", "msprt"]
    alpha: Alpha
    power: Annotated[float, Field(ge=0.5, lt=1)]
    burn_in: Annotated[int, Field(ge=2)]
    min_samples: Count
    mismatch_alpha: Alpha
    max_missing_fraction: Fraction
    max_faulty_fraction: Fraction
    covariate: MetricKey | None = None
    readers: tuple[Reader, ...] = ()
    tightest_at: Positive = 0.75

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        names = [self.primary.metric, *(guardrail.metric for guardrail in self.guardrails)]
        twice = sorted({name for name in names if names.count(name) > 1})
        faults = []
        if twice:
            faults.append(f"{', '.join(twice)} measured twice, expected each metric once")
        if self.min_samples < self.burn_in:
            faults.append(f"min_samples {self.min_samples} is below burn_in {self.burn_in}")
        if self.maturity >= self.duration:
            faults.append("maturity is as long as duration: no outcome would ever count")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """All that is measured, the primary metric first."""
        return (self.primary, *self.guardrails)


class ABTestConfig(Section):
    """configs/ab-test.yaml."""

    ab_test: ABTest


def load_ab_test(root: Path) -> ABTest:
    """configs/ab-test.yaml of the repository at `root`."""
    return load_section(ABTestConfig, root / "configs" / "ab-test.yaml").ab_test
