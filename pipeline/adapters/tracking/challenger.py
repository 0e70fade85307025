"""What the registry is told of a challenger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.domain import Verdict

DIGEST_TAG = "model_digest"
CHALLENGER = "challenger"
LOST = (Verdict.FAIL, Verdict.ERROR)  # verdicts after which nobody may promote it


@dataclass(frozen=True)
class Trigger:
    """Why the challenger was trained, such as data_drift with priority high."""

    type: str
    priority: str


@dataclass(frozen=True)
class Dataset:
    """The training rows: `digest` is that of the rows, `source` says where they are."""

    name: str
    digest: str
    source: str
    rows: int


@dataclass(frozen=True)
class Challenger:
    """What is registered. `package` is a verified package folder whose model digest is `digest`.

    `estimator` is the loaded model; `model_file` its file in the package, of `model_format` skops
    or joblib; `trusted_types` is what loading it by skops takes; `requirements` are pip pins.
    """

    package: Path
    digest: str
    model_file: str
    model_format: str
    estimator: Any
    trusted_types: Sequence[str]
    requirements: Sequence[str]


@dataclass(frozen=True)
class Evidence:
    """What the run of a challenger holds. `plots` are files; `verdict` is None where none is known.

    Metrics that are None or not finite are left out.
    """

    params: Mapping[str, Any]
    metrics: Mapping[str, float | None]
    tags: Mapping[str, str]
    plots: Sequence[Path]
    dataset: Dataset
    trigger: Trigger
    verdict: Verdict | None = None


@dataclass(frozen=True)
class LostRun:
    """The run of a challenger that lost. `is_new` is False where it had been logged before."""

    run_id: str
    is_new: bool


@dataclass(frozen=True)
class Registration:
    """Where a challenger is now. `is_new` is False where it had been registered before."""

    model_name: str
    version: int
    run_id: str
    is_new: bool
