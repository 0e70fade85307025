"""Whether a collected frame as a whole can be trained on: amount, labels, times, and its look.

The look is compared with the champion's data profile; without a champion there is nothing to
compare with, and that is said. Every check returns at least one Finding, also when it passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from pipeline.config import Schema, ValidateParams
from pipeline.ml.incident import Finding
from pipeline.ml.validation.column_profile import Profile
from pipeline.ml.validation.constant_columns import check_constants
from pipeline.ml.validation.data_profile import require_profile
from pipeline.ml.validation.frame_finding import finding
from pipeline.ml.validation.profile_checks import check_null_flood, check_row_rate, check_units
from pipeline.ml.validation.repeated_columns import first_columns
from pipeline.ml.validation.row_checks import check_labels, check_lead, check_rows, check_times
from pipeline.ml.validation.units_break import check_units_break
from pipeline.ml.validation.vocabulary import check_vocabulary


def check_frame(
    frame: pd.DataFrame,
    schema: Schema,
    params: ValidateParams,
    *,
    as_of: datetime,
    label_maturity_hours: float,
    recent_days: float,
    profile: Profile,
    champion_profile: Mapping[str, Any] | None,
) -> list[Finding]:
    """Every frame-level check of `frame` (collected rows), whose own profile is `profile`.

    `as_of` is aware, in UTC; `champion_profile` is that of the rows that the champion learnt from.
    An empty frame yields one FAIL, since nothing else can be said of it. Raises ConfigurationError
    for a champion profile of another format.
    """
    if frame.empty:
        return [_empty_window(schema.rows.min_rows)]
    frame = first_columns(frame)
    findings = [
        *check_rows(frame, schema.rows.min_rows),
        *check_labels(
            frame,
            schema.rows,
            as_of=as_of,
            label_maturity_hours=label_maturity_hours,
            recent_days=recent_days,
        ),
        *check_times(frame, as_of),
        *check_lead(frame),
        *check_constants(frame, schema),
        *check_units_break(frame, schema),
    ]
    if champion_profile is None:
        return [*findings, _no_champion()]
    require_profile(champion_profile, "data-profile.json of the champion")
    return [
        *findings,
        *check_null_flood(frame, profile, champion_profile),
        *check_units(profile, champion_profile, schema, ratio=params.units_jump_ratio),
        *check_row_rate(frame, profile, champion_profile, band=params.row_rate_ratio),
        *check_vocabulary(frame, schema, champion_profile),
    ]


def _empty_window(min_rows: int) -> Finding:
    return finding(
        "empty_window",
        passed=False,
        found="no rows at all",
        expected=f"at least {min_rows:,} rows",
        mend="look for an outage of the feed, or an as_of before the first rows (params.yaml)",
    )


def _no_champion() -> Finding:
    return finding(
        "champion_profile",
        passed=True,
        found="no champion to compare nulls, units, row rate and categories with",
        expected="compared from the second model on",
    )
