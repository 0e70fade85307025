"""configs/*.yaml and params.yaml as validated, frozen objects.

Every fault of a file is reported at once, each with its path inside the file, what was found and
what was expected. Unknown keys are faults: a misspelt limit must not be a limit that is off.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from pipeline.errors import ConfigurationError, did_you_mean
from pipeline.strict_yaml import load_yaml


class Section(BaseModel):
    """A part of a configuration file: frozen, strictly typed, unknown keys refused."""

    # Built when first used: a check of the triggers uses half of them.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


SectionT = TypeVar("SectionT", bound=Section)


def _as_utc(value: Any) -> Any:
    """YAML gives a datetime, or a string where quoted; a time without a zone is UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        raise ValueError("expected a time such as 2013-07-02T00:00:00Z")  # noqa: TRY004
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _identifier(value: str) -> str:
    """A name that is safe as a folder, a branch part, a label and a metric label."""
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    if not value or len(value) > 63 or not set(value) <= allowed or value.strip("-") != value:
        raise ValueError("expected 1 to 63 of a-z, 0-9 and '-', neither first nor last a '-'")
    return value


UtcTime = Annotated[datetime, BeforeValidator(_as_utc)]
Identifier = Annotated[str, AfterValidator(_identifier)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


def _margin(value: float) -> float:
    if not 0 <= value < 1:
        raise ValueError("expected a fraction from 0 to below 1: 0.01 is one point")
    return value


Margin = Annotated[float, AfterValidator(_margin)]  # between two figures of one metric


def parse_utc(text: str, where: str) -> datetime:
    """A time in UTC; one without a zone is UTC. Raises ConfigurationError naming `where`."""
    try:
        return _as_utc(text)  # type: ignore[no-any-return]
    except ValueError as error:
        fault = f"found {text!r}, expected a time such as 2013-07-02T00:00:00Z"
        raise ConfigurationError(where, [fault]) from error


# ---------------------------------------------------------------- params.yaml


class CollectParams(Section):
    """Which rows: all windows end `label_maturity_hours` before `as_of`."""

    as_of: UtcTime
    recent_days: Count
    history_days: Annotated[int, Field(ge=0)]
    label_maturity_hours: NotNegative
    chunk_rows: Count


def _ordered(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError("expected the lower end first")
    return ends


class ValidateParams(Section):
    """How the data checks look; what good data is stands in configs/schema.yaml."""

    row_rate_ratio: Annotated[tuple[Positive, Positive], AfterValidator(_ordered)]
    units_jump_ratio: Annotated[float, Field(gt=1)]
    max_single_feature_auc: Annotated[float, Field(gt=0.5, le=1)]
    max_rare_label_share: Annotated[float, Field(gt=0.5, le=1)]
    shuffled_label_auc_band: Annotated[float, Field(gt=0, lt=0.5)]
    sample_rows: Annotated[int, Field(ge=60)]  # 30 of each label: fewer say nothing
    seed: int


class SplitParams(Section):
    """How the holdout is chosen: the newest `holdout_days`, or a stratified fraction.

    No value of the column `group` is in both parts; nulls belong to no group. A fraction of whole
    groups is the nearest that 20 folds can give: 0.2, 0.3 and 0.45 are exact, 0.33 is a third.
    """

    method: Literal["time", "stratified"]
    holdout_days: Count
    holdout_fraction: Annotated[float, Field(gt=0, lt=1)]
    group: str | None = None
    seed: int


def _jobs(value: int) -> int:
    if value < -1 or value == 0:
        raise ValueError("expected a number of processes from 1 on, or -1 for one a core")
    return value


Scoring = Literal[
    "neg_log_loss",
    "neg_brier_score",
    "roc_auc",
    "average_precision",
    "accuracy",
    "balanced_accuracy",
    "f1",
    "f1_weighted",
    "precision",
    "recall",
]  # those of scikit-learn's scorers that are for two classes and no setting of their own


class TrainParams(Section):
    """The hyperparameter search and its budget. `n_jobs`: processes, or -1 for all cores."""

    search: Literal["halving", "random", "none"]
    trials: Count
    minutes: Positive
    cv_folds: Annotated[int, Field(ge=2)]
    scoring: Scoring
    seed: int
    n_jobs: Annotated[int, AfterValidator(_jobs)]
    joblib_backend: Literal["loky", "threading", "dask"]


class EvaluateParams(Section):
    """Intervals and curves of the evaluation."""

    draws: Count
    seed: int
    curve_points: Annotated[int, Field(ge=10)]
    latency_rows: Count


class CompareParams(Section):
    """The paired bootstrap. Limits live in configs/gates.yaml: policy, not parameters."""

    draws: Annotated[int, Field(ge=100)]
    seed: int
    resample: Literal["row", "day"]


class PackageParams(Section):
    """What goes into the model package."""

    format: Literal["skops", "joblib"]


class Params(Section):
    """params.yaml: one section for each pipeline stage."""

    collect: CollectParams
    validate_: Annotated[ValidateParams, Field(alias="validate")]
    split: SplitParams
    train: TrainParams
    evaluate: EvaluateParams
    compare: CompareParams
    package: PackageParams


# ---------------------------------------------------------------- configs/usecase.yaml


class UseCase(Section):
    """configs/usecase.yaml: what is predicted, for whom, and how a score becomes an answer.

    `group_columns` are raw columns that slices, fairness and split.group may name although no model
    sees them.
    """

    model: Identifier
    question: str
    positive: str
    negative: str
    decision_threshold: Annotated[float, Field(gt=0, lt=1)]
    group_columns: tuple[str, ...] = ()


# ---------------------------------------------------------------- configs/schema.yaml


class Column(Section):
    """One column of the collected rows."""

    type: Literal["number", "integer", "category", "boolean", "time"]
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] | None = None
    max_categories: Count | None = None
    max_null_fraction: Fraction = 0.0
    unique: bool = False
    may_be_constant: bool = False
    unit: str | None = None

    @model_validator(mode="after")
    def _range_is_ordered(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        if self.type not in ("number", "integer") and (self.min, self.max) != (None, None):
            raise ValueError(f"min and max need a number or an integer, not a {self.type}")
        return self


class RowRules(Section):
    """What must hold of the collected rows as a whole; every end is an allowed value."""

    min_rows: Count
    min_label_coverage: Fraction
    label_rate: Annotated[tuple[Fraction, Fraction], AfterValidator(_ordered)]


class Schema(Section):
    """configs/schema.yaml: the rows and columns that the pipeline expects from the warehouse."""

    rows: RowRules
    columns: Annotated[dict[str, Column], Field(min_length=1)]


# ---------------------------------------------------------------- configs/gates.yaml

# precision, recall and f1 are those of the positive class, label 1: with few positives a weighted
# figure hardly sees them, and recall_weighted is the accuracy by another name.
MetricName = Literal[
    "accuracy",
    "precision_weighted",
    "recall_weighted",
    "f1_weighted",
    "precision",
    "recall",
    "f1",
    "roc_auc",
    "pr_auc",
    "log_loss",
    "calibration_error",
]


class MetricLimit(Section):
    """An absolute limit on the challenger's own figure; both ends are allowed values."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("needs min, max or both: a limit that limits nothing is a mistake")
        return self


class SlicePolicy(Section):
    """No slice may lose more than `margin` of `metric`; small slices are judged together."""

    columns: tuple[str, ...]
    metric: MetricName
    margin: Margin
    min_rows: Count


class FairnessPolicy(Section):
    """Gaps between the groups of `column` may not widen by more than these against the champion."""

    column: str
    max_worsening: dict[Literal["selection_rate", "tpr", "fpr"], Margin]
    min_rows: Count


class ComparisonPolicy(Section):
    """When a challenger beats the champion."""

    primary_metric: MetricName
    min_improvement: Margin
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    min_rows: Count
    non_inferiority: dict[MetricName, Margin]
    limits: dict[MetricName, MetricLimit]
    slices: SlicePolicy
    fairness: tuple[FairnessPolicy, ...]

    @model_validator(mode="after")
    def _limits_are_figures(self) -> Self:
        """All metrics but the log loss are fractions: a limit of 58 is 0.58 in percent."""
        found = {
            f"{name}.{end}": value
            for name, limit in self.limits.items()
            for end, value in (("min", limit.min), ("max", limit.max))
            if value is not None and not (0 <= value <= 1 or (name == "log_loss" and value > 1))
        }
        if found:
            told = ", ".join(f"{name} is {value:g}" for name, value in found.items())
            raise ValueError(f"limits: {told}; expected a fraction from 0 to 1")
        return self

    @property
    def alpha(self) -> float:
        """The two-sided error rate that belongs to `confidence`."""
        return 1 - self.confidence


class Gates(Section):
    """configs/gates.yaml. `quality_gates` is what pipeline.gates_config makes of it."""

    comparison: ComparisonPolicy
    quality_gates: Any = None


# ---------------------------------------------------------------- reading


def parse_section(kind: type[SectionT], value: Any, where: str) -> SectionT:
    """`value` as a `kind`. Raises ConfigurationError naming every fault."""
    try:
        return kind.model_validate(_lists_as_tuples(value))
    except ValidationError as error:
        faults = [_describe(fault, kind) for fault in error.errors(include_url=False)]
        raise ConfigurationError(where, faults) from error


def load_section(kind: type[SectionT], path: Path) -> SectionT:
    """The file at `path` as a `kind`. Raises ConfigurationError, also for a missing file."""
    return parse_section(kind, load_yaml(path), str(path))


def load_params(root: Path) -> Params:
    """params.yaml of the repository at `root`."""
    return load_section(Params, root / "params.yaml")


def load_usecase(root: Path) -> UseCase:
    """configs/usecase.yaml of the repository at `root`."""
    return load_section(UseCase, root / "configs" / "usecase.yaml")


def load_schema(root: Path) -> Schema:
    """configs/schema.yaml of the repository at `root`."""
    return load_section(Schema, root / "configs" / "schema.yaml")


def load_gates(root: Path) -> Gates:
    """configs/gates.yaml of the repository at `root`."""
    return load_section(Gates, root / "configs" / "gates.yaml")


def load_all(root: Path, *loads: Callable[[Path], Any]) -> list[Any]:
    """What each of `loads` reads at `root`. Raises one ConfigurationError with all their faults."""
    faults: list[str] = []
    loaded = []
    for load in loads:
        try:
            loaded.append(load(root))
        except ConfigurationError as error:
            where = Path(error.where).relative_to(root)
            faults.extend(f"{where}: {fault}" for fault in error.faults)
    if faults:
        raise ConfigurationError("configuration", list(dict.fromkeys(faults)))  # two read one file
    return loaded


def _lists_as_tuples(value: Any) -> Any:
    """YAML has only lists; strict validation of frozen objects wants tuples."""
    if isinstance(value, dict):
        return {key: _lists_as_tuples(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_lists_as_tuples(item) for item in value)
    return value


def _describe(fault: Any, kind: type[Section]) -> str:
    """One fault as `path: what was found, what was expected`."""
    path = ".".join(map(_plain_key, fault["loc"])) or "(whole file)"
    if fault["type"] == "extra_forbidden":
        return f"{path}: unknown key{did_you_mean(str(fault['loc'][-1]), _all_keys(kind))}"
    if fault["type"] == "model_type":
        return _no_mapping(fault, path, kind)
    if fault["type"] == "missing":
        return f"{path}: missing, expected a value"
    return f"{path}: found {_shown(fault['input'])}; {fault['msg'].removeprefix('Value error, ')}"


def _plain_key(part: Any) -> str:
    """A key as it is; one that could act on a log or a terminal is quoted."""
    text = str(part)
    return text if text.isprintable() else _shown(text)


def _no_mapping(fault: Any, path: str, kind: type[Section]) -> str:
    """What has no keys at all, where a section was expected; a file of comments alone is empty."""
    if fault["loc"]:
        return f"{path}: found {_shown(fault['input'])}, expected keys of its own below it"
    fields = kind.model_fields.items()
    keys = ", ".join(field.alias or name for name, field in fields if field.is_required())
    if fault["input"] is None:
        return f"the file is empty, expected {keys or 'a mapping'}"
    return f"{path}: found {_shown(fault['input'])}, expected {keys or 'a mapping'}"


def _shown(value: Any) -> str:
    found = repr(value)
    return found if len(found) <= 60 else found[:57] + "..."


def _all_keys(kind: type[Section]) -> list[str]:
    """Every key that may stand in `kind`, at any depth, for suggestions."""
    keys: list[str] = []

    def visit(schema: Any) -> None:
        if isinstance(schema, dict):
            keys.extend(schema.get("properties", {}))
            for part in schema.values():
                visit(part)
        elif isinstance(schema, list):
            for part in schema:
                visit(part)

    visit(kind.model_json_schema())
    return sorted(set(keys))
