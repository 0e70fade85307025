"""Rows of the holdout that training, now or in the champion's line, has seen already."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.domain import Verdict
from pipeline.ml.digest import row_hashes
from pipeline.ml.incident import Finding, examples_of, first_event


def check_ids(
    train: pd.DataFrame, holdout: pd.DataFrame, seen: np.ndarray | None = None
) -> Iterator[Finding]:
    """No id may be in both parts, nor a holdout id among those that the champion trained on."""
    expected = "no holdout row that was trained on"
    mend = "look at the split and at ids that are used twice; a judge must not have seen the exam"
    overlap = {"id_overlap": (among(holdout["id"], train["id"]), "in both parts")}
    if seen is not None:
        known = pd.Series(np.isin(row_hashes(holdout["id"]), seen), index=holdout.index)
        overlap["seen_by_champion"] = (known, "trained on by the champion's line")
    for check, (rows, said) in overlap.items():
        yield _overlap_finding(check, holdout, "id", rows, (said, expected, mend))


def check_groups(
    train: pd.DataFrame, holdout: pd.DataFrame, group: str | None
) -> Iterator[Finding]:
    """No value of the column `group` may be in both parts. Nulls belong to no group."""
    if group is None:
        return
    overlap = holdout[group].isin(train[group].dropna().unique())
    texts = (
        "in a group that is in both parts",
        "each group in one part",
        "set split.group in params.yaml to this column, so that groups stay whole",
    )
    yield _overlap_finding("group_overlap", holdout, group, overlap, texts)


def _overlap_finding(
    check: str, holdout: pd.DataFrame, column: str, overlap: pd.Series, texts: tuple[str, str, str]
) -> Finding:
    """`texts` are what the overlapping rows are, what was expected, and what to do."""
    count = int(overlap.sum())
    said, expected, mend = texts
    found = f"{count:,} of {len(holdout):,} holdout rows are {said}"
    if not count:
        return Finding(check, column, Verdict.PASS, found, expected)
    examples = examples_of(holdout[column][overlap].head(1000))
    since = first_event(holdout["event_time"][overlap])
    return Finding(
        check,
        column,
        Verdict.FAIL,
        found,
        expected,
        count,
        mend=mend,
        examples=examples,
        since=since,
    )


def among(ids: pd.Series, others: pd.Series) -> pd.Series:
    """Which `ids` are among `others`, in Arrow: pandas would make Python strings of them all."""
    found = pc.is_in(pa.array(ids), value_set=pa.array(others))
    return pd.Series(found.to_numpy(zero_copy_only=False), index=ids.index, dtype=bool)
