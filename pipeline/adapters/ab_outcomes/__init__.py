"""Outcomes of an A/B test from the warehouse: counted there, and their units routed again here."""

from pipeline.adapters.ab_outcomes.answers import METRICS, Asked
from pipeline.adapters.ab_outcomes.counted import STEPS, OutcomeCounts, count_outcomes
from pipeline.adapters.ab_outcomes.units import ServedUnits, read_units

__all__ = [
    "METRICS",
    "STEPS",
    "Asked",
    "OutcomeCounts",
    "ServedUnits",
    "count_outcomes",
    "read_units",
]
