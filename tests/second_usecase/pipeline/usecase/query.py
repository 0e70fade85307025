"""Scanned digits: each scan has the ink of 4 x 4 cells, and later someone reads it."""

from sqlalchemy import Column, DateTime, Double, Integer, MetaData, Select, String, Table, select

CELLS = [f"cell_{number:02}" for number in range(16)]

scans = Table(
    "scans",
    MetaData(),
    Column("scan", String),
    Column("scanned_at", DateTime),
    Column("operator", String),  # judged by, never learned from
    *(Column(cell, Integer) for cell in CELLS),
)
readings = Table(
    "readings",
    MetaData(),
    Column("scan", String),
    Column("is_even", Integer),
    Column("read_at", DateTime),
)
guesses = Table(
    "guesses",
    MetaData(),
    Column("scan", String, primary_key=True),
    Column("digest", String, primary_key=True),
    Column("even", Double),
    Column("guessed_at", DateTime),
    Column("remark", String),
)


def rows() -> Select:
    """One row for each scan, known when it was scanned."""
    return select(
        scans.c.scan.label("id"),
        scans.c.scanned_at.label("event_time"),
        scans.c.scanned_at.label("available_at"),
        scans.c.operator,
        *(scans.c[cell] for cell in CELLS),
    )


def labels() -> Select:
    """Whether the digit is even, known when it was read."""
    return select(
        readings.c.scan.label("id"),
        readings.c.is_even.label("label"),
        readings.c.read_at.label("available_at"),
    )


def predictions() -> Select:
    """How likely each model found it that the digit is even."""
    return select(
        guesses.c.scan.label("id"),
        guesses.c.digest.label("model"),
        guesses.c.even.label("score"),
        guesses.c.guessed_at.label("available_at"),
    )
