"""The use case: what pipeline/usecase/ has and selects, as every run will ask for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from importlib import import_module

from pipeline.config import load_all, load_schema
from pipeline.doctoring.finding import Finding, fault, ok, skipped
from pipeline.doctoring.situation import Situation
from pipeline.errors import ConfigurationError

SCHEMA_FILE = "configs/schema.yaml"
NEEDED = {
    "query": ("rows", "labels"),
    "features": ("build_features",),
    "model": ("build_model", "DEFAULTS", "SEARCH_SPACE"),
}


def check_usecase(situation: Situation) -> Iterator[Finding]:
    """Its names are there, and its selects fit one another and the schema.

    No database is asked: whether it has these tables is seen at the first run. Raises ImportError
    without the training stack.
    """
    faults = list(_missing_names())
    if not faults:
        try:
            (schema,) = load_all(situation.root, load_schema)
            faults = list(_undescribed(_raw_columns(), schema.columns))
        except ConfigurationError as error:
            if error.where == "configuration":
                yield skipped("use case", f"{SCHEMA_FILE} has faults, told under its own name")
                return
            faults = [(error.where, text) for text in error.faults]
    for where, text in faults:
        yield fault(where, text, f"edit {where}, as docs/use-your-own-data.md says")
    if not faults:
        yield ok("use case", f"rows() and labels() fit one another and {SCHEMA_FILE}")


def _missing_names() -> Iterator[tuple[str, str]]:
    for name, parts in NEEDED.items():
        module = import_module(f"pipeline.usecase.{name}")
        for part in parts:
            if not hasattr(module, part):
                yield f"pipeline/usecase/{name}.py", f"has no {part}"


def _raw_columns() -> list[str]:
    """The raw columns of rows(). Raises ConfigurationError where the selects are not as needed."""
    from pipeline.adapters.warehouse import kinds_of  # noqa: PLC0415 (needs the training stack)
    from pipeline.pointintime import ADDED_COLUMNS, ROW_COLUMNS, point_in_time  # noqa: PLC0415
    from pipeline.usecase import query  # noqa: PLC0415

    kinds = kinds_of(point_in_time(query.rows(), query.labels(), "sqlite"))
    return [name for name in kinds if name not in (*ROW_COLUMNS, *ADDED_COLUMNS)]


def _undescribed(given: Collection[str], described: Collection[str]) -> Iterator[tuple[str, str]]:
    for name in sorted({*given} - {*described}):
        yield SCHEMA_FILE, f"does not describe {name}, which rows() gives"
    for name in sorted({*described} - {*given}):
        yield SCHEMA_FILE, f"describes {name}, which rows() does not give"
