"""validate: stop broken data before a training minute is spent.

Drift is no fault here: the world may change, and that is what retraining is for. A fault is data
that says what cannot be true, such as a column in other units, a future timestamp or a dead feed.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.config import load_params, load_schema
from pipeline.jsonio import load_json, save_json
from pipeline.ml.validation.data_checks import check_frame
from pipeline.ml.validation.data_profile import profile_frame
from pipeline.ml.validation.schema import check_schema
from pipeline.stages import outputs
from pipeline.stages.champion import champion_package
from pipeline.stages.incident import stop_on_fault
from pipeline.stages.stage import say

EXACT_IN_FLOATS = 2**53  # up to here, and as far below 0, each integer is a float of its own


def run(root: Path) -> None:
    """Write report.json and data-profile.json. Raises DataIncident after writing the report."""
    params, schema = load_params(root), load_schema(root)
    rows = load_rows(root / outputs.COLLECTED_ROWS)
    profile = profile_frame(rows, schema)
    champion = champion_package(root)
    findings = [
        *check_schema(rows, schema),
        *check_frame(
            rows,
            schema,
            params.validate_,
            as_of=params.collect.as_of,
            label_maturity_hours=params.collect.label_maturity_hours,
            recent_days=params.collect.recent_days,
            profile=profile,
            champion_profile=champion and load_json(champion / "data-profile.json")["rows"],
        ),
    ]
    save_json(root / outputs.VALIDATION_REPORT, {"findings": findings})
    stop_on_fault(root, "validate", findings, len(rows))
    save_json(root / outputs.DATA_PROFILE, profile)
    for hint in (finding for finding in findings if finding.mend):
        say(f"look: {hint.found} ({hint.mend})")
    say(f"{len(rows):,} rows passed {len(findings)} checks")


def load_rows(path: Path) -> pd.DataFrame:
    """Every column of a table, read one by one: all at once would take more than twice as much."""
    with pq.ParquetFile(path) as file:
        columns = {name: _read(file, name) for name in file.schema_arrow.names}
    return pd.DataFrame(columns, copy=False)


def _read(file: pq.ParquetFile, name: str) -> pd.Series:
    table = file.read(columns=[name])
    integers = {pa.int64(): pd.Int64Dtype()}.get if _would_be_rounded(table[name]) else None
    return table.to_pandas(self_destruct=True, types_mapper=integers)[name]


def _would_be_rounded(column: pa.ChunkedArray) -> bool:
    """Whether pandas, which reads integers beside a null as floats, would read some as others."""
    if not (pa.types.is_integer(column.type) and column.null_count):
        return False
    ends = pc.min_max(column).as_py().values()
    return any(end is not None and abs(end) > EXACT_IN_FLOATS for end in ends)
