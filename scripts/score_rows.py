"""Serve in batch: let the champion answer the rows that arrived, and keep its answers.

The shipped example has no server of its own, so this stands in for one: run it as often as rows
arrive. Each answer is recorded as of the moment its row was known. Rows that this champion has
answered already are left alone, so a run that was killed is simply run again. Prints its plan;
--apply writes the answers to the warehouse.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from pipeline.adapters.bulkload import append_rows
from pipeline.adapters.warehouse import connect, read_rows, reading, safe_url, writing
from pipeline.champion import load_champion
from pipeline.config import load_params, load_usecase, parse_utc
from pipeline.errors import ConfigurationError, exit_code_of
from pipeline.jsonio import load_json
from pipeline.ml.input_schema import prepare
from pipeline.ml.package import load_packaged_model
from pipeline.monitoring.production import answers_table, recorded_answers
from pipeline.options import new_parser
from pipeline.pointintime import QUERY_FILE
from pipeline.stages.champion import champion_package
from pipeline.stages.collect import DEFAULT_WAREHOUSE_URL
from pipeline.usecase import query
from pipeline.usecase.features import build_features


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and score."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--start", required=True, help="first event time, such as 2013-04-02")
    parser.add_argument("--end", help="event times before this one (default: now)")
    parser.add_argument("--apply", action="store_true", help="write the answers")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: run(Path.cwd(), arguments))


def run(root: Path, arguments: argparse.Namespace) -> int:
    """Score the rows of the window that the champion has not answered yet. Returns 0.

    Raises ConfigurationError for a window that holds no moment, or where predictions() names no
    table that an answer can be written to, or leaves out an answer that was: then none is kept.
    """
    start = parse_utc(arguments.start, "--start")
    end = parse_utc(arguments.end, "--end") if arguments.end else datetime.now(UTC)
    if start >= end:
        fault = f"--start: found {start}, expected a time before --end, {end}"
        raise ConfigurationError("score_rows", [fault])
    champion = load_champion(root, load_usecase(root).model)
    if champion is None:
        raise ConfigurationError("rollouts/", ["no champion: nothing can answer yet"])
    table, _ = answers_table()
    engine = connect(os.environ.get("WAREHOUSE_URL", DEFAULT_WAREHOUSE_URL))
    rows = unanswered(root, engine, champion.digest, start, end)
    print(f"{champion.model} {champion.digest[:19]} answers {len(rows):,} rows of {start} to {end}")
    if not arguments.apply:
        print("Nothing was changed. --apply writes the answers.")
        return 0
    if len(rows):
        save_answers(engine, answer(root, rows, champion.digest))
    print(f"Written to {table.name} of {safe_url(engine.url)}.")
    return 0


def unanswered(
    root: Path, engine: sa.Engine, digest: str, start: datetime, end: datetime
) -> pd.DataFrame:
    """The rows of [start, end) known at `end` without an answer of the model `digest`."""
    chunks = read_rows(
        engine,
        query.rows(),
        query.labels(),
        as_of=end,
        start=start,
        end=end,
        chunk_rows=load_params(root).collect.chunk_rows,
    )
    rows = pd.concat(chunks, ignore_index=True)
    with reading(engine) as connection:
        return rows[~rows["id"].isin(answered_ids(connection, digest))]


def answered_ids(connection: sa.Connection, digest: str) -> set[str]:
    """The rows that predictions() says the model `digest` answered: text, as the ids of rows."""
    answers = recorded_answers(connection)
    if answers is None:
        return set()
    given = answers.subquery()
    ids = connection.scalars(sa.select(given.c.id).where(given.c.model == digest))
    return {str(row_id) for row_id in ids}


def answer(root: Path, rows: pd.DataFrame, digest: str) -> pd.DataFrame:
    """One answer for each of `rows`, with the columns of predictions()."""
    package = champion_package(root)
    model = load_packaged_model(package, digest)
    features = prepare(build_features(rows), load_json(package / "input-schema.json"))
    return pd.DataFrame(
        {
            "id": rows["id"],
            "model": digest,
            "score": model.predict_proba(features)[:, 1],
            "available_at": rows["available_at"].dt.tz_localize(None),
        }
    )


def save_answers(engine: sa.Engine, answers: pd.DataFrame) -> None:
    """Add `answers` of one model to the table that predictions() reads: all of them, or none.

    Raises ConfigurationError where predictions() then leaves some out, and keeps none: the next
    run would write those again.
    """
    table, columns = answers_table()
    with writing(engine) as connection:
        append_rows(connection, table, answers.rename(columns=columns))
        read_back = answered_ids(connection, answers["model"].iloc[0])
        lost = answers["id"][~answers["id"].isin(read_back)]
        if len(lost):
            fault = (
                f"predictions(): leaves out {len(lost):,} of {len(answers):,} answers just written "
                f"to {table.name}, such as that to row {lost.iloc[0]}, expected none: each run "
                "would write them again. Nothing was kept: let its where ask for less, or give "
                "the column that it asks for a server_default that meets it"
            )
            raise ConfigurationError(QUERY_FILE, [fault])


if __name__ == "__main__":
    sys.exit(main())
