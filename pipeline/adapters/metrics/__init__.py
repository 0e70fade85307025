"""Metrics providers: what a version's metric was, or why that is not known."""

from pipeline.adapters.metrics.base import Metrics, Missing, Sample

__all__ = ["Metrics", "Missing", "Sample"]
