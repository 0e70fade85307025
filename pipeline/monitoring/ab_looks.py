"""All looks at an A/B test: those that were kept beside it, and those that are due."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from pipeline.adapters.warehouse import connect, is_there, reading, safe_url
from pipeline.config import load_usecase
from pipeline.core.abtest.evidence import Evidence, Period
from pipeline.core.abtest.looks import Look, due_looks
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.experiment import Experiment
from pipeline.monitoring.ab_outcomes import looks_from_file, looks_from_warehouse
from pipeline.monitoring.ab_provider import looks_from_provider, provider_of, versions_of
from pipeline.monitoring.ab_tests import kept_looks, read_looks
from pipeline.monitoring.production import DEFAULT_WAREHOUSE_URL

EVERY = timedelta(days=1)  # looks that were missed are made up for, one a day


def take_looks(
    root: Path,
    experiment: Experiment,
    at: datetime,
    clock: datetime,
    *,
    outcomes: Path | None = None,
    provider: str | None = None,
) -> tuple[Look, ...]:
    """The looks up to `at` or the test's end, from a file, a metrics provider or WAREHOUSE_URL.

    `outcomes` names the file, `provider` one of PROVIDERS; with neither the warehouse is asked.
    `clock` is the time that it is, `at` or later. One look without outcomes where nothing is due
    yet. A file of JSON has looks with their counts, as they are kept beside a test. Raises
    ConfigurationError for looks that are not valid, OutsideError and DataIncident as the sources
    do.
    """
    taken = kept_looks(root, experiment)
    until = min(at, experiment.ends_at + experiment.test.maturity)  # then nothing new is mature
    moments = due_looks(taken, experiment.started_at, until, EVERY)
    if not moments:
        new: tuple[Look, ...] = ()
    elif provider is not None:
        counts = provider_of(root, experiment.model, provider)
        versions = versions_of(root, experiment.model)
        new = looks_from_provider(experiment, taken, moments, counts, versions)
    elif outcomes is None:
        new = _from_warehouse(root, experiment, moments, clock)
    elif outcomes.suffix == ".json":
        last = taken[-1].at if taken else experiment.started_at
        new = tuple(one for one in read_looks(outcomes, experiment) if last < one.at <= until)
    else:
        new = looks_from_file(outcomes, experiment, moments, clock)
    return (*taken, *new) or (_empty_look(experiment, at),)


def _from_warehouse(
    root: Path, experiment: Experiment, moments: tuple[datetime, ...], clock: datetime
) -> tuple[Look, ...]:
    from pipeline.usecase import query  # noqa: PLC0415 (the user's own; not needed for files)

    engine = connect(os.environ.get("WAREHOUSE_URL", DEFAULT_WAREHOUSE_URL))
    if not is_there(engine):
        raise OutsideError(f"warehouse {safe_url(engine.url)}: no such file. Seed it, or name it.")
    if not hasattr(query, "predictions"):
        fault = "has no predictions(): name a file of outcomes with --outcomes"
        raise ConfigurationError("pipeline/usecase/query.py", [fault])
    threshold = load_usecase(root).decision_threshold
    with reading(engine) as connection:
        return looks_from_warehouse(
            connection,
            query.labels(),
            query.predictions(),
            experiment,
            threshold=threshold,
            moments=moments,
            clock=clock,
        )


def _empty_look(experiment: Experiment, at: datetime) -> Look:
    points = experiment.weights[0].challenger_basis_points
    return Look(at, Evidence((Period(points),)))
