"""The ink of each cell, and how much there is in all."""

import pandas as pd

from pipeline.usecase.query import CELLS


def build_features(rows: pd.DataFrame) -> pd.DataFrame:
    """The cells as numbers and the amount of ink as a category."""
    cells = rows[CELLS].astype("float64")
    is_dark = cells.mean(axis="columns") > 20
    ink = is_dark.map({True: "dark", False: "light"}).astype("category")
    return cells.assign(ink=ink)
