"""Whether a column's categories are still those that the champion knew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from pipeline.config import Schema
from pipeline.ml.incident import Finding, examples_of
from pipeline.ml.validation.column_profile import category_key, comparable
from pipeline.ml.validation.frame_finding import finding

MAX_UNSEEN_SHARE = 0.5  # more rows than this in new categories: the vocabulary was replaced
MIN_PROFILED_SHARE = 0.5  # the champion's 50 top categories must cover this share to say anything


def check_vocabulary(
    frame: pd.DataFrame, schema: Schema, champion: Mapping[str, Any]
) -> Iterator[Finding]:
    """At most half of a column's rows may be in categories that the champion's rows did not have.

    A profile names only the 50 most frequent; where more exist, the share of rows outside them is
    compared with what it was. Columns whose top 50 covered less than half are not judged.
    """
    replaced = False
    for name, column in schema.columns.items():
        was = champion["columns"].get(name, {})
        if column.type != "category" or name not in frame or not was.get("top"):
            continue
        profiled = sum(was["top"].values()) / was["n"]
        if profiled < MIN_PROFILED_SHARE:
            continue
        counts = comparable(frame[name]).value_counts()
        known = pd.Index(map(category_key, counts.index)).isin(list(was["top"]))
        unseen = counts[~known & (counts > 0)]
        share = 1 - counts[known].sum() / max(counts.sum(), 1) / profiled
        if share <= MAX_UNSEEN_SHARE:
            continue
        replaced = True
        yield finding(
            "vocabulary",
            name,
            passed=False,
            found=f"{share:.0%} of the rows are in categories that the champion never saw",
            expected=f"at most {MAX_UNSEEN_SHARE:.0%}",
            rows=int(unseen.sum()),
            examples=examples_of(unseen.index),
            mend="look for a recoding at the source; map the codes in the query",
        )
    if not replaced:
        yield finding(
            "vocabulary",
            passed=True,
            found="the categories are the champion's",
            expected=f"at most {MAX_UNSEEN_SHARE:.0%} of a column's rows in new ones",
        )
