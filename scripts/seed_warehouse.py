"""Fill the warehouse with the example's flights: prints its plan, and does it with --apply.

Run as `python -m scripts.seed_warehouse --apply`. Only tables that an earlier run made are ever
replaced, and all of them or none; a warehouse that already holds the same is left as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
from tqdm import tqdm

from pipeline.adapters import bulkload, nycflights, warehouse
from pipeline.errors import ConfigurationError, exit_code_of
from pipeline.options import new_parser
from pipeline.usecase import query

DEFAULT_URL = "sqlite:///warehouse.db"
WHY_NOT = ""  # why pipeline/usecase/ is not the example's any more
try:
    from pipeline.usecase import seed

    TABLES = query.metadata.sorted_tables
except (ImportError, AttributeError) as error:
    WHY_NOT = str(error)

# What this script made: its right to replace a table, and how it sees that nothing changed.
seeded_tables = sa.Table(
    "seeded_tables",
    sa.MetaData(),
    sa.Column("table_name", sa.String, primary_key=True),
    sa.Column("column_names", sa.String, nullable=False),
    sa.Column("row_count", sa.Integer, nullable=False),
    sa.Column("fingerprint", sa.String, nullable=False),
)


@dataclass(frozen=True)
class Found:
    """A table as it is in the warehouse."""

    column_names: str
    row_count: int


@dataclass(frozen=True)
class Seeded(Found):
    """A table as this script made it, from what `fingerprint` stands for."""

    fingerprint: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, plan, print; with --apply also do. Returns the exit code."""
    options = _parser().parse_args(arguments)
    return exit_code_of(lambda: _run(options.url, options.label_delay_hours, options.apply))


def _require_example() -> None:
    if WHY_NOT:
        fault = (
            f"{WHY_NOT}. This script fills a warehouse with the shipped example's rows; yours are "
            "read from the one that WAREHOUSE_URL names, and need no seeding"
        )
        raise ConfigurationError("pipeline/usecase/seed.py", [fault])


def plan_seed(
    names: Iterable[str], found: Mapping[str, Found], made: Mapping[str, Seeded], fingerprint: str
) -> dict[str, str]:
    """For each table of `names` "create", "replace" or "keep".

    Raises ConfigurationError naming each table that is there and is not ours to replace.
    """
    plan, faults = {}, []
    for name in names:
        if name not in found:
            plan[name] = "create"
        elif claim := _claim(found[name], made.get(name)):
            faults.append(f"{name}: {claim}. Seed another warehouse, or drop this table yourself")
        else:
            same = made[name].fingerprint == fingerprint
            same &= made[name].row_count == found[name].row_count
            plan[name] = "keep" if same else "replace"
    if faults:
        raise ConfigurationError("the warehouse", faults)
    return plan


def _claim(found: Found, made: Seeded | None) -> str:
    """Why the table `found` is somebody else's; empty where it is ours."""
    if made is None:
        rows = f"{found.row_count:,} rows"
        return f"found a table of this name with {rows} that this script did not make"
    if made.column_names != found.column_names:
        return f"found the columns {found.column_names}, made with {made.column_names}"
    return ""


def _run(url: str, label_delay_hours: float, apply: bool) -> int:
    _require_example()
    fingerprint = _fingerprint(label_delay_hours)
    engine = warehouse.connect(url)
    plan = _plan(engine, fingerprint)
    print(
        f"Plan for {warehouse.safe_url(engine.url)}, labels {label_delay_hours:g} h after arrival"
    )
    for name, action in plan.items():
        print(f"  {action:8} {name}")
    if set(plan.values()) == {"keep"}:
        print("Nothing to do: the warehouse holds exactly this.")
    elif apply:
        print(f"Done: {_apply(engine, label_delay_hours, fingerprint):,} rows.")
    else:
        print("Nothing changed. Run again with --apply to do this.")
    return 0


def _fingerprint(label_delay_hours: float) -> str:
    """A digest of all that decides what the tables hold: sources, label delay and our code."""
    digest = hashlib.sha256(f"{label_delay_hours!r} h".encode())
    for path in (*nycflights.find_files(), Path(seed.__file__), Path(query.__file__)):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _plan(engine: sa.Engine, fingerprint: str) -> dict[str, str]:
    """The plan for the warehouse as it is; a file that is not there is not made by looking."""
    names = [table.name for table in TABLES]
    if not warehouse.is_there(engine):
        return plan_seed(names, {}, {}, fingerprint)
    described = warehouse.describe_tables(engine, [*names, seeded_tables.name])
    found = {name: Found(*facts) for name, facts in described.items()}
    made = _load_made(engine) if seeded_tables.name in found else {}
    return plan_seed(names, found, made, fingerprint)


def _load_made(engine: sa.Engine) -> dict[str, Seeded]:
    with warehouse.reading(engine) as connection:
        rows = connection.execute(sa.select(seeded_tables)).all()
    return {name: Seeded(*facts) for name, *facts in rows}


def _apply(engine: sa.Engine, label_delay_hours: float, fingerprint: str) -> int:
    """Make every table, in one transaction. Returns the number of rows."""
    source = nycflights.load_source()
    frames = seed.build_tables(source.flights, source.weather, source.planes, label_delay_hours)
    rows = sum(len(frame) for frame in frames.values())
    made = [
        {"table_name": table.name}
        | asdict(Seeded(", ".join(table.c.keys()), len(frames[table.name]), fingerprint))
        for table in TABLES
    ]
    frames[seeded_tables.name] = pd.DataFrame(made)
    # disable=None: no bar where stderr is not a terminal
    with (
        tqdm(total=rows, unit=" rows", unit_scale=True, disable=None) as bar,
        warehouse.writing(engine) as connection,
    ):
        bulkload.replace_tables(connection, [*TABLES, seeded_tables], frames, bar.update)
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__file__, __doc__)
    parser.add_argument(
        "--url",
        default=os.environ.get("WAREHOUSE_URL", DEFAULT_URL),
        help=f"an SQLAlchemy URL (default: $WAREHOUSE_URL, else {DEFAULT_URL})",
    )
    parser.add_argument(
        "--label-delay-hours",
        type=_hours,
        default=6.0,
        help="from a flight's arrival until its label is reported (default: 6)",
    )
    parser.add_argument("--apply", action="store_true", help="do what the plan says")
    return parser


def _hours(text: str) -> float:
    hours = float(text)
    if not 0 <= hours <= 24 * 365:
        raise argparse.ArgumentTypeError(f"found {text}, expected hours from 0 to a year")
    return hours


if __name__ == "__main__":
    raise SystemExit(main())
