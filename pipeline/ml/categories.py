"""A category's values as text, by one rule for the rows that train and those that are answered."""

from __future__ import annotations

from typing import Any

import pandas as pd


def as_categories(column: pd.Series) -> pd.Series:
    """`column` (n,) as a category column of text: just the categories that occur, sorted.

    Whole floats and booleans are named like integers, since a column of integers with one gap
    may arrive as floats: 5, 5.0 and "5" are one category. Null stays null.
    """
    codes, values = pd.factorize(column)  # a null has the code -1: the last name
    names = pd.array([*map(category_name, values.tolist()), None], dtype="str")
    return pd.Series(names[codes], index=column.index, name=column.name).astype("category")


def category_name(value: Any) -> str:
    """The text of one value that is not null."""
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
        value = int(value)
    return str(value)
