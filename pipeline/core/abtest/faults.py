"""What makes an A/B test void: then no metric of it means anything, and nobody wins."""

from __future__ import annotations

from pipeline.ab_config import ABTest
from pipeline.core.abtest.evidence import CELL_COUNTS, Cell, Evidence
from pipeline.core.abtest.srm import Counts, mismatch_p
from pipeline.core.routing import Variant


def find_faults(test: ABTest, evidence: Evidence, *, is_over: bool) -> tuple[str, ...]:
    """Every fault as a sentence with its numbers, the sample ratio first; none for a sound test."""
    cells = {variant: evidence.total(variant) for variant in Variant}
    return (
        *_traffic_faults(test, evidence, cells, is_over=is_over),
        *_outcome_faults(test, cells),
        *_spread_faults(test, evidence),
    )


def sample_ratio_p(evidence: Evidence) -> float:
    """The smaller p-value of two, doubled: of the units assigned, and of those left out.

    Units whose outcome is missing, broken or early must be as the weights are too: a model that
    loses its failures would look good.
    """
    assigned = [Counts(p.model_a.units, p.model_b.units, p.share) for p in evidence.periods]
    left_out = [
        Counts(_left_out(p.model_a), _left_out(p.model_b), p.share) for p in evidence.periods
    ]
    return min(1.0, 2 * min(mismatch_p(assigned), mismatch_p(left_out)))


def _left_out(cell: Cell) -> int:
    return cell.missing + cell.broken + cell.early


def _traffic_faults(
    test: ABTest, evidence: Evidence, cells: dict[Variant, Cell], *, is_over: bool
) -> list[str]:
    faults = []
    p = sample_ratio_p(evidence)
    if p <= test.mismatch_alpha:
        found = ", ".join(
            f"{q.model_b.units:,} of {q.model_a.units + q.model_b.units:,} units at "
            f"{100 * q.share:g} %"
            for q in evidence.periods
            if q.model_a.units + q.model_b.units
        )
        faults.append(
            f"sample-ratio mismatch: model_b has {found} (p = {p:.2g}, limit "
            f"{test.mismatch_alpha:g}), and {_left_out(cells[Variant.MODEL_A]):,} and "
            f"{_left_out(cells[Variant.MODEL_B]):,} units without an outcome that counts"
        )
    for variant, cell in cells.items():
        if not cell.units and is_over and any(other.units for other in cells.values()):
            faults.append(f"{variant} had no traffic at all")
    return faults


def _outcome_faults(test: ABTest, cells: dict[Variant, Cell]) -> list[str]:
    total = sum(cells.values(), start=Cell())
    faults = []
    if total.broken:
        faults.append(f"{total.broken:,} outcomes are not numbers, or not what the metric can be")
    limits = {
        "misrouted": ("units were served by the other variant", test.max_faulty_fraction),
        "early": ("outcomes are from before their assignment", test.max_faulty_fraction),
        "future": ("rows are from after the look: clocks differ", test.max_faulty_fraction),
        "missing": ("units have no outcome", test.max_missing_fraction),
    }
    seen = total.units + total.future
    for name, (told, limit) in limits.items():
        found = getattr(total, name)
        if seen >= test.burn_in and found > limit * seen:
            faults.append(f"{found:,} of {seen:,} {told}, more than {100 * limit:g} %")
    return faults


def _spread_faults(test: ABTest, evidence: Evidence) -> list[str]:
    """A metric that is the same for everybody is not measured; a number, even in one variant."""
    metric = test.primary.metric
    flat = []
    for variant in Variant:
        sums = evidence.total(variant).sums(metric)
        if sums.n >= test.min_samples and not sums.centred_yy:
            flat.append(f"all {sums.n:,} outcomes of {variant} are {float(sums.mean_y):g}")
    is_void = len(flat) == len(Variant) or (flat and test.primary.kind == "mean")
    return [f"{metric} does not vary: {' and '.join(flat)}"] if is_void else []


def tell_left_out(evidence: Evidence) -> tuple[str, ...]:
    """What was left out without making the test void, a sentence each."""
    total = evidence.total(Variant.MODEL_A) + evidence.total(Variant.MODEL_B)
    words = {
        "misrouted": "units were served by the other variant",
        "missing": "units have no outcome",
        "early": "outcomes from before their assignment were left out",
        "repeated": "further rows of a unit were left out: each counts once",
        "future": "rows from after the look were left out",
    }
    return tuple(
        f"{getattr(total, name):,} {words[name]}"
        for name in CELL_COUNTS
        if name in words and getattr(total, name)
    )
