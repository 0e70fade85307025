"""Production as the repository's files describe it: warehouse, provider, champion and policy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from pipeline.adapters.warehouse import connect, is_there, reading, safe_url
from pipeline.champion import Champion, load_champion
from pipeline.config import load_all, load_params, load_schema, load_usecase
from pipeline.core.triggers.watched import watch_faults
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.monitoring.observe import MeasuredWindow, Policy, Source
from pipeline.monitoring.provided import measured_by
from pipeline.monitoring.reference import Reference, load_reference
from pipeline.pointintime import QUERY_FILE, ROW_COLUMNS, require_selects
from pipeline.trigger_config import load_triggers
from pipeline.usecase import query

ANSWER_COLUMNS = ("id", "model", "score", "available_at")
DEFAULT_WAREHOUSE_URL = "sqlite:///warehouse.db"


@dataclass(frozen=True)
class Monitored:
    """The model that is looked after: who serves, what it learned from, what the policy is."""

    champion: Champion
    reference: Reference
    policy: Policy


def load_policy(root: Path) -> Policy:
    """The policy in configs/ and params.yaml. Raises ConfigurationError with all faults at once."""
    loads = (load_triggers, load_schema, load_usecase, load_params)
    triggers, schema, usecase, params = load_all(root, *loads)
    maturity = timedelta(hours=params.collect.label_maturity_hours)
    return Policy(triggers, schema, usecase.decision_threshold, maturity)


def load_monitored(root: Path) -> Monitored | None:
    """The monitored model; None while there is no champion. Raises ConfigurationError."""
    policy = load_policy(root)
    champion = load_champion(root, load_usecase(root).model)
    if champion is None:
        return None
    return Monitored(champion, load_reference(root, champion), policy)


@contextmanager
def watching(monitored: Monitored) -> Iterator[Source]:
    """A connection to all that is looked at, for as long as the block lasts."""
    engine = connect(os.environ.get("WAREHOUSE_URL", DEFAULT_WAREHOUSE_URL))
    if not is_there(engine):
        raise OutsideError(f"warehouse {safe_url(engine.url)}: no such file. Seed it, or name it.")
    measure = _provider(monitored)
    with reading(engine) as connection:
        answers = recorded_answers(connection)
        yield Source(connection, query.rows(), query.labels(), answers, measure)


def recorded_answers(connection: sa.Connection) -> sa.Select | None:
    """`predictions()`, which is optional: answers may be measured elsewhere, or not at all.

    None as well while nothing has made its table: a model that has not answered yet is no fault of
    the data.
    """
    if not hasattr(query, "predictions"):
        return None
    answers, inspector = query.predictions(), sa.inspect(connection)
    require_selects(predictions=answers)
    tables = [found for found in _read_by(answers) if isinstance(found, sa.Table)]
    is_there = all(inspector.has_table(table.name, table.schema) for table in tables)
    return answers if is_there else None


def answers_table() -> tuple[sa.Table, dict[str, str]]:
    """The table that `predictions()` reads, and the key of its column for each of ANSWER_COLUMNS.

    Raises ConfigurationError where an answer cannot be written there: no predictions(), more than
    one table, a column that is computed, or another one that needs a value.
    """
    expected = f"expected a select of {', '.join(ANSWER_COLUMNS)}, columns of one table"
    if not hasattr(query, "predictions"):
        raise ConfigurationError(QUERY_FILE, [f"predictions(): not there, {expected}"])
    answers = query.predictions()
    require_selects(predictions=answers)
    tables = _read_by(answers)
    table = tables[0] if len(tables) == 1 else None
    if not isinstance(table, sa.Table):
        fault = f"predictions(): reads no single sqlalchemy.Table, {expected}"
        raise ConfigurationError(QUERY_FILE, [fault])
    columns = {
        name: column.key
        for name, selected in answers.selected_columns.items()
        for column in [selected.element if isinstance(selected, sa.Label) else selected]
        if name in ANSWER_COLUMNS and isinstance(column, sa.Column) and column.table is table
    }
    faults = [
        f"predictions(): {name} is no column of {table.name}, {expected}"
        for name in ANSWER_COLUMNS
        if name not in columns
    ]
    faults += [
        f"predictions(): {table.name}.{column.name} needs a value that no answer has: make it "
        "nullable, or give it a server_default"
        for column in table.c
        if column.key not in columns.values() and _needs_value(column)
    ]
    if faults:
        raise ConfigurationError(QUERY_FILE, faults)
    return table, columns


def _read_by(answers: sa.SelectBase) -> list[sa.FromClause]:
    """What `answers` selects from; nothing where it is a text, or several selects in one."""
    return answers.get_final_froms() if isinstance(answers, sa.Select) else []


def _needs_value(column: sa.Column) -> bool:
    """Whether a row without it is refused, or lacks the default that Python alone would give it."""
    is_given = column.server_default is not None or column.table.autoincrement_column is column
    return column.default is not None or not (column.nullable or is_given)


def drift_rule_faults(monitored: Monitored) -> tuple[str, ...]:
    """What data_drift says of columns and cannot be: see `watch_faults`. () where it is off."""
    rule = monitored.policy.triggers.retraining_triggers.data_drift
    if rule is None or not rule.enabled:
        return ()
    names = (column.name for column in query.rows().selected_columns)
    rows = [name for name in names if name not in ROW_COLUMNS]
    return watch_faults(rule, monitored.reference.columns, rows)


def _provider(monitored: Monitored) -> MeasuredWindow | None:
    wanted = monitored.policy.triggers.metrics
    if wanted.source != "prometheus" or wanted.prometheus is None:
        return None
    from pipeline.adapters.prometheus import Prometheus  # noqa: PLC0415 (an HTTP client, for some)

    url = os.environ.get("PROMETHEUS_URL")
    if not url:
        fault = "PROMETHEUS_URL: not set, and metrics.source in configs/triggers.yaml needs it"
        raise ConfigurationError("environment", [fault])
    server = Prometheus(url, os.environ.get("PROMETHEUS_TOKEN"))
    return measured_by(server, wanted.prometheus, monitored.champion.digest)
