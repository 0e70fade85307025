"""How one model did since it serves: its answers in the warehouse, with the labels that came."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from pipeline.adapters.scores import read_answers
from pipeline.adapters.warehouse import connect, is_there, reading
from pipeline.core.triggers.labelled import LabelledWindow
from pipeline.core.triggers.windows import Window
from pipeline.monitoring.answers import labelled_windows
from pipeline.monitoring.production import DEFAULT_WAREHOUSE_URL, load_policy
from pipeline.pointintime import moments_of
from pipeline.usecase import query

DAY = timedelta(days=1)


def measure_since(
    root: Path, digest: str, start: datetime, end: datetime | None, at: datetime
) -> LabelledWindow | str:
    """The answers of model `digest` to the events in [start, end) whose labels had time to come.

    Only whole days (UTC) are looked at, so that a day gives one answer however often it is asked.
    `end` None: it still serves. Where there is nothing to look at, a clause says why. Raises
    ConfigurationError and OutsideError as the warehouse does.
    """
    policy = load_policy(root)
    until = min(end or at, at - policy.maturity)
    window = Window(start, until.replace(hour=0, minute=0, second=0, microsecond=0))
    if window.end - window.start < DAY:
        return "no day of its answers had time to get labels"
    if not hasattr(query, "predictions"):
        return "answers are kept elsewhere: query.predictions() is not there"
    engine = connect(os.environ.get("WAREHOUSE_URL", DEFAULT_WAREHOUSE_URL))
    if not is_there(engine):
        return "there is no warehouse to ask"
    moments = moments_of(as_of=at, start=window.start, end=window.end)
    with reading(engine) as connection:
        answers = read_answers(
            connection,
            query.rows(),
            query.labels(),
            query.predictions(),
            model=digest,
            moments=moments,
        )
    (found,) = labelled_windows(answers, (window,), policy.threshold)
    return found
