"""A packaged model that answers rows: loaded by its digest, and proven before it serves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.errors import DataIncident, OutsideError
from pipeline.jsonio import load_json
from pipeline.manifest import version_of
from pipeline.ml.input_schema import prepare
from pipeline.ml.package import load_packaged_model, verify_package

NEAR = 1e6  # what is computed from numbers up to this overflows in no model that was fitted
_EXAMPLES = {"number": 0.0, "integer": 0, "boolean": False}


@dataclass(frozen=True)
class ServedModel:
    """A model in memory. A score at or above `threshold` is answered as positive."""

    model: str
    digest: str
    as_of: datetime
    threshold: float
    schema: Mapping[str, Any]
    estimator: Any

    @property
    def version(self) -> str:
        """The name of the version: the value of the label `model_version`."""
        return version_of(self.digest, self.as_of)

    def scores(self, rows: Sequence[Mapping[str, Any]]) -> list[float]:
        """The probability of the positive class for each row of features, in order.

        Raises DataIncident naming all that does not fit the model's input schema, and for numbers
        that grow too large within the model.
        """
        frame = self._prepared(rows)
        try:
            scores = self.estimator.predict_proba(frame)
        except ValueError as error:
            if not self._is_overflow(error, frame):
                raise
            raise DataIncident(
                f"rows overflow in the model: it takes them up to {NEAR:g}"
            ) from error
        return [float(score) for score in scores[:, 1]]

    def _is_overflow(self, error: ValueError, frame: pd.DataFrame) -> bool:
        """Whether the size of the asker's numbers made scikit-learn refuse what came of them.

        A model that makes infinities of any row is broken, and refuses these rows when they are
        brought near, too.
        """
        numbers = frame.select_dtypes("number")
        if "infinity" not in str(error) or not (numbers.abs() > NEAR).any(axis=None):
            return False
        try:
            self.estimator.predict_proba(frame.assign(**numbers.clip(-NEAR, NEAR)))
        except Exception:  # noqa: BLE001 (whatever it is, it is the model's own)
            return False
        return True

    def _prepared(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        """JSON may hold what no column does: numbers of 400 digits, halves of characters."""
        try:
            return prepare(self._frame(rows), self.schema)
        except (OverflowError, UnicodeError, RecursionError) as error:
            raise DataIncident(f"rows do not fit the model's input schema: {error}") from error

    def _frame(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        """`rows` as they came: beside a null, pandas makes floats of the integers of a column.

        Above 2**53 that is another integer. A number is computed with as a float anyway; what
        names a category is not.
        """
        frame = pd.DataFrame.from_records(list(rows))
        for name in frame.select_dtypes("float"):
            if self.schema["properties"].get(name, {}).get("x-kind") == "category":
                frame[name] = pd.Series([row.get(name) for row in rows], dtype=object)
        return frame


def load_served_model(folder: Path, digest: str) -> ServedModel:
    """The model of the package in `folder`, once every byte matched `digest`.

    It has answered one row by then: a model that loads but cannot answer must not become ready.
    Raises OutsideError.
    """
    manifest = verify_package(folder, digest)
    schema = load_json(folder / "input-schema.json")
    served = ServedModel(
        model=manifest.model,
        digest=digest,
        as_of=manifest.as_of,
        threshold=manifest.threshold,
        schema=schema,
        estimator=load_packaged_model(folder, digest),
    )
    check_answers(served)
    return served


def check_answers(served: ServedModel) -> None:
    """Let the model answer a row made from its own schema. Raises OutsideError where it cannot."""
    try:
        (score,) = served.scores([example_row(served.schema)])
    except Exception as error:
        raise OutsideError(
            f"{served.model} {served.version}: loads, and cannot answer a row of its own schema "
            f"({error}). Do not serve it."
        ) from error
    if not (math.isfinite(score) and 0 <= score <= 1):
        raise OutsideError(f"{served.model} {served.version}: answered {score}, expected 0 to 1.")


def example_row(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A row that fits `schema`: zeros, and the first category that the model was trained on."""
    return {name: _example(described) for name, described in schema["properties"].items()}


def _example(described: Mapping[str, Any]) -> Any:
    if described["x-kind"] == "category":
        return next(iter(described.get("x-categories", ())), "none")
    return _EXAMPLES[described["x-kind"]]
