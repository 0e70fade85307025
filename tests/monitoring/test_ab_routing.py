"""A router that errs is found from the warehouse, whoever wins and whatever the counts say."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from pipeline.adapters import ab_outcomes
from pipeline.core.abtest.verdict import Result, assess_ab_test
from pipeline.core.routing import assign_many
from pipeline.monitoring import ab_outcomes as room
from tests.core.ab_tests import DAY, START
from tests.monitoring.ab_worlds import MOMENTS, asked, experiment, fill, naive, world

SMALL = {"weights": [{"at": START, "challenger_basis_points": 500}]}


def hundred_thousand(misrouted: float, seed: int = 1) -> pd.DataFrame:
    """Requests of a day at 5 %; of each variant's the same share went to the other one.

    Both ways alike in number, so that the sample ratio is what it should be.
    """
    units = [f"user-{number}" for number in range(100_000)]
    should_be_b = assign_many("exp-1", units) < 500
    generator = np.random.default_rng(seed)
    swapped = round(misrouted * should_be_b.sum())
    is_b = should_be_b.copy()
    for side in (True, False):
        is_b[generator.choice(np.flatnonzero(should_be_b == side), swapped, replace=False)] ^= True
    at = [naive(START) + timedelta(seconds=0.5 * number) for number in range(len(units))]
    label = generator.integers(0, 2, len(units))
    return pd.DataFrame(
        {"id": units, "at": at, "is_b": is_b, "label": label, "score": 0.75, "has_label": True}
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request):
    url = "sqlite://"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    found = sa.create_engine(url)
    yield found
    found.dispose()


def test_three_percent_of_the_challengers_users_are_found_where_no_count_tells(engine):
    with engine.begin() as connection:
        fill(connection, hundred_thousand(0.03))
        [look] = asked(connection, experiment(**SMALL), moments=[START + 2 * DAY])
    total = look.evidence.total("model_a") + look.evidence.total("model_b")
    assert total.units == 100_000
    assert total.misrouted == 2 * round(0.03 * look.evidence.total("model_b").units)
    found = assess_ab_test(experiment(**SMALL).test, [look], is_over=False)
    assert found.mismatch_p > 0.01  # the counts are as they should be
    assert found.result is Result.INVALID
    assert "were served by the other variant" in " ".join(found.reasons)


def test_misroutes_are_counted_at_their_look_and_weight_in_chunks_of_any_size(monkeypatch):
    frame = world(3_000)
    frame.loc[frame.index % 100 == 0, "is_b"] ^= True
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        fill(connection, frame)
        whole = asked(connection)
        fill(connection, world(3_000))
        sound = asked(connection)
        fill(connection, frame)
        read = ab_outcomes.read_units
        monkeypatch.setattr(room.outcomes, "read_units", lambda *given: read(*given, chunk_rows=37))
        assert asked(connection) == whole
    engine.dispose()
    assert sound[-1].evidence.total("model_b").misrouted == 0
    mature = frame["at"] <= naive(MOMENTS[-1]) - timedelta(hours=6)
    last = whole[-1].evidence
    for index, is_late in enumerate((False, True)):
        inside = mature & ((frame["at"] >= naive(START + DAY)) == is_late)
        swapped = inside & (frame.index % 100 == 0)
        for name, is_b in (("model_a", False), ("model_b", True)):
            cell = getattr(last.periods[index], name)
            assert cell.misrouted == int((swapped & (frame["is_b"] == is_b)).sum())
