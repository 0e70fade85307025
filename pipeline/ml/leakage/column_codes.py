"""The features of a frame, and their values as numbers, whatever their types."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.ml.built_in import BUILT_IN, is_group


def features_of(frame: pd.DataFrame) -> list[str]:
    """Every column that is not built in and no group's, in the frame's order."""
    return [str(name) for name in frame.columns if name not in BUILT_IN and not is_group(str(name))]


def as_numbers(values: pd.Series, *, two_categories: bool = True) -> np.ndarray | None:
    """float64 with NaN for gaps; two categories as 0 and 1 where asked; None for other text."""
    types = pd.api.types
    if types.is_datetime64_any_dtype(values.dtype):
        ticks = values.astype("int64").to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(values.isna(), np.nan, ticks)
    if types.is_numeric_dtype(values.dtype) or types.is_bool_dtype(values.dtype):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    codes = category_codes(values)
    known = values.notna().to_numpy()
    if two_categories and len(np.unique(codes[known])) == 2:
        return np.where(known, codes == codes[known].max(), np.nan)
    return None


def category_codes(values: pd.Series) -> np.ndarray:
    """One integer for each different value, from 0 on, sorted; a gap has one too."""
    text = values.astype(object).where(values.notna(), "")
    return pd.factorize(text.map(str), sort=True)[0]


def as_matrices(*frames: pd.DataFrame) -> tuple[np.ndarray, ...]:
    """The frames as float64 matrices with the same codes for the same categories."""
    both = pd.concat(frames, ignore_index=True)
    columns = [as_numbers(both[name], two_categories=False) for name in both]
    filled = [
        category_codes(both[name]).astype(np.float64) if column is None else column
        for name, column in zip(both, columns, strict=True)
    ]
    matrix = np.column_stack(filled)
    return tuple(np.split(matrix, np.cumsum([len(frame) for frame in frames])[:-1]))
