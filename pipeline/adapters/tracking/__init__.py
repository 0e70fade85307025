"""MLflow as the registry of challengers: one run and at most one version for each model digest."""

from pipeline.adapters.tracking.challenger import (
    LOST,
    Challenger,
    Dataset,
    Evidence,
    LostRun,
    Registration,
    Trigger,
)
from pipeline.adapters.tracking.connection import shown_uri, tracking_uri
from pipeline.adapters.tracking.registration import log_lost, register
from pipeline.adapters.tracking.versions import find_version, set_alias

__all__ = [
    "LOST",
    "Challenger",
    "Dataset",
    "Evidence",
    "LostRun",
    "Registration",
    "Trigger",
    "find_version",
    "log_lost",
    "register",
    "set_alias",
    "shown_uri",
    "tracking_uri",
]
