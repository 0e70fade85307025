"""featurize: turn labelled rows into features, row by row, in bounded memory.

Nothing is fitted here. What must be fitted (encoders, imputers) is part of the model's own
scikit-learn pipeline and sees the training rows alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from pipeline.config import load_params, load_usecase
from pipeline.errors import ConfigurationError, did_you_mean
from pipeline.ml.built_in import BUILT_IN, group_name, is_group
from pipeline.ml.categories import as_categories
from pipeline.ml.tables import KEYS, collected_rows, write_parquet
from pipeline.stages import outputs
from pipeline.stages.stage import say
from pipeline.usecase.features import build_features


def run(root: Path) -> None:
    """Write features.parquet: id, event_time, label, features and groups of each labelled row."""
    chunk_rows, groups = load_params(root).collect.chunk_rows, load_usecase(root).group_columns
    chunks = _feature_chunks(root / outputs.COLLECTED_ROWS, chunk_rows, groups)
    rows = write_parquet(root / outputs.FEATURES, chunks)
    say(f"{rows:,} labelled rows with features")


def _feature_chunks(
    path: Path, chunk_rows: int, groups: Sequence[str] = ()
) -> Iterator[pd.DataFrame]:
    for rows in collected_rows(path, chunk_rows):
        labelled = rows[rows["label"].notna()].reset_index(drop=True)
        features = build_features(labelled)
        _check_features(features, labelled)
        _check_groups(groups, labelled, features)
        keys = labelled[list(KEYS)].astype({"label": "int8"})
        told = {group_name(name): as_categories(labelled[name]) for name in groups}
        yield pd.concat([keys, _as_table(features)], axis="columns").assign(**told)


def _as_table(features: pd.DataFrame) -> pd.DataFrame:
    """Types that no chunk can change: categories as text, numbers as float64; booleans stay.

    The first chunk sets the types of the table: its whole numbers say nothing about later ones,
    and a category of numbers or booleans would come back as a number.
    """
    categories = features.select_dtypes("category").columns
    numbers = features.select_dtypes("number").columns
    return features.astype(dict.fromkeys(numbers, "float64")).assign(
        **{name: as_categories(features[name]) for name in categories}
    )


def _check_groups(groups: Sequence[str], rows: pd.DataFrame, features: pd.DataFrame) -> None:
    raw = [name for name in rows if name not in BUILT_IN]
    faults = [
        f"group_columns: {name!r} is no column of rows(){did_you_mean(name, raw)}; "
        f"expected one of {', '.join(raw)}"
        for name in groups
        if name not in raw
    ]
    faults += [
        f"group_columns: {name!r} is a feature, which slices and groups may name as it is; "
        "take it out here, or give the feature another name"
        for name in groups
        if name in features
    ]
    if faults:
        raise ConfigurationError("configs/usecase.yaml", faults)


def _check_features(features: object, rows: pd.DataFrame) -> None:
    where, faults = "pipeline/usecase/features.py: build_features", []
    if not isinstance(features, pd.DataFrame):
        fault = f"returned {type(features).__name__}, expected a pandas DataFrame"
        raise ConfigurationError(where, [fault])
    if len(features) != len(rows) or not features.index.equals(rows.index):
        faults.append(f"returned {len(features)} rows for {len(rows)}, expected the same rows")
    clashes = sorted(set(features) & set(KEYS))
    if clashes:
        faults.append(f"returned the columns {clashes}, which are keys and not features")
    reserved = [name for name in features if is_group(str(name))]
    if reserved:
        faults.append(f"returned {reserved}, whose names begin as those of group columns do")
    kinds = ["object", "string", "datetime", "datetimetz"]
    textual = features.select_dtypes(kinds).columns.tolist()
    if textual:
        faults.append(f"returned {textual} as text or times; make them categories or numbers")
    if faults:
        raise ConfigurationError(where, faults)
