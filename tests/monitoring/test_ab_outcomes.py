"""Outcomes as evidence: from a database, from a file, and where both must say the same."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from pipeline.core.abtest.evidence import evidence_to_json
from pipeline.core.abtest.verdict import Result, assess_ab_test
from pipeline.core.routing import Variant
from pipeline.errors import ConfigurationError, DataIncident, OutsideError
from pipeline.jsonio import render_json
from pipeline.monitoring import ab_outcomes
from pipeline.monitoring.ab_outcomes import looks_from_file, looks_from_warehouse
from tests.core.ab_tests import DAY, PLAIN, START
from tests.monitoring.ab_worlds import (
    CLOCK,
    HOUR,
    LABELS,
    MOMENTS,
    PREDICTIONS,
    B,
    asked,
    experiment,
    fill,
    naive,
    world,
)


@pytest.fixture(params=["sqlite://", "duckdb:///:memory:"])
def connection(request):
    engine = sa.create_engine(request.param)
    with engine.begin() as opened:
        fill(opened, world())
        yield opened
    engine.dispose()


def save_csv(path, frame, **columns):
    rows = pd.DataFrame(
        {
            "unit": frame["id"],
            "variant": np.where(frame["is_b"], "model_b", "model_a"),
            "assigned_at": [f"{at.isoformat()}Z" for at in frame["at"]],
            "outcome_at": [
                f"{(at + HOUR).isoformat()}Z" if known else ""
                for at, known in zip(frame["at"], frame["has_label"], strict=True)
            ],
            "accuracy": frame["right"].where(frame["has_label"]),
            "brier_score": ((frame["score"] - frame["label"]) ** 2).where(frame["has_label"]),
        }
    ).assign(**columns)
    rows.to_csv(path, index=False, quoting=csv.QUOTE_MINIMAL)
    return path


def as_text(looks) -> list[str]:
    return [render_json(evidence_to_json(look.evidence)) for look in looks]


# ---------------------------------------------------------------- the warehouse


def test_the_database_counts_what_pandas_counts(connection):
    last = asked(connection)[-1].evidence
    frame = world()
    mature = frame[frame["at"] <= naive(MOMENTS[-1] - 6 * HOUR)]
    for index, (start, end) in enumerate(((0, 1), (1, 3))):
        inside = mature[
            (mature["at"] >= naive(START + start * DAY)) & (mature["at"] < naive(START + end * DAY))
        ]
        for variant, is_b in ((Variant.MODEL_A, False), (Variant.MODEL_B, True)):
            rows = inside[inside["is_b"] == is_b]
            cell = getattr(last.periods[index], variant)
            known = rows[rows["has_label"]]
            assert (cell.units, cell.missing) == (len(rows), len(rows) - len(known))
            sums = cell.sums("accuracy")
            assert (sums.n, int(sums.y)) == (len(known), int(known["right"].sum()))
            brier = ((known["score"] - known["label"]) ** 2).to_numpy()
            assert float(cell.sums("brier_score").y) == pytest.approx(brier.sum())
            assert float(cell.sums("brier_score").yy) == pytest.approx((brier**2).sum())


@pytest.mark.parametrize("kind", ["sqlite", "duckdb", "postgresql"])
def test_labels_may_be_true_and_false(connection, kind, request):
    url = "sqlite://" if kind == "sqlite" else "duckdb:///:memory:"
    if kind == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    engine, tables = sa.create_engine(url), sa.MetaData()
    PREDICTIONS.to_metadata(tables)
    labels = LABELS.to_metadata(tables)
    labels.c.label.type = sa.Boolean()
    with engine.begin() as other:
        fill(other, world().assign(label=lambda known: known["label"] == 1), tables)
        found = asked(other, labels=labels)
    engine.dispose()
    assert as_text(found) == as_text(asked(connection))


def test_two_answers_and_two_labels_of_one_moment_count_alike_in_any_order(connection):
    again = world().assign(
        score=lambda one: 1 - one["score"],
        label=lambda one: 1 - one["label"],
        is_b=lambda one: ~one["is_b"],
    )
    found = []
    for twice in ([world(), again], [again, world()]):
        fill(connection, pd.concat(twice, ignore_index=True))
        found.append(as_text(asked(connection)))
    assert found[0] == found[1]


def test_looks_are_what_they_would_have_been_when_taken_then(connection):
    together = asked(connection)
    one_by_one = [asked(connection, moments=[moment])[0] for moment in MOMENTS]
    assert list(together) == one_by_one
    assert [look.evidence.total("model_a").units for look in together] == sorted(
        look.evidence.total("model_a").units for look in together
    )


def test_asked_again_after_a_kill_it_is_the_same_to_the_last_byte(connection):
    assert as_text(asked(connection)) == as_text(asked(connection))


def test_a_repeated_answer_counts_once_and_with_the_first(connection):
    before = asked(connection)[-1].evidence
    later = naive(START + 2 * DAY)
    again = [
        {"id": f"r{n}", "unit": f"r{n}", "model": B, "score": 0.5, "available_at": later}
        for n in range(300)
    ]
    connection.execute(PREDICTIONS.insert(), again)
    after = asked(connection)[-1].evidence
    for variant in Variant:
        assert after.total(variant).units == before.total(variant).units
        assert after.total(variant).metrics == before.total(variant).metrics
    assert after.total("model_b").repeated == 300


@pytest.mark.parametrize(
    ("statement", "kind", "n"),
    [
        ("UPDATE predictions SET score = 1.5 WHERE id = 'r10'", "broken", 1),
        ("UPDATE predictions SET score = NULL WHERE id = 'r10'", "broken", 1),
        ("UPDATE labels SET label = 2 WHERE id = 'r10'", "broken", 1),
        ("UPDATE labels SET label = NULL WHERE id = 'r10'", "missing", 1),
        ("UPDATE labels SET available_at = '2026-03-01 00:00:00' WHERE id = 'r10'", "early", 1),
        ("UPDATE predictions SET available_at = '2027-01-01 00:00:00' WHERE id='r9'", "future", 1),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_outcome_is_counted_and_left_out(connection, statement, kind, n):
    if connection.dialect.name == "sqlite":  # whose driver writes times with their microseconds
        statement = statement.replace(":00:00'", ":00:00.000000'")
    before = asked(connection)[-1].evidence
    connection.execute(sa.text(statement))
    after = asked(connection)[-1].evidence

    def count(seen, name):
        return sum(getattr(seen.total(variant), name) for variant in Variant)

    def outcomes(seen):
        return sum(seen.total(variant).sums("accuracy").n for variant in Variant)

    assert count(after, kind) == count(before, kind) + n
    assert outcomes(after) == outcomes(before) - 1


@pytest.mark.parametrize("connection", ["duckdb:///:memory:"], indirect=True)
def test_a_score_that_is_not_a_number_is_broken(connection):
    """SQLite keeps no NaN: it becomes NULL."""
    connection.execute(sa.text("UPDATE predictions SET score = 'NaN' WHERE id = 'r10'"))
    assert asked(connection)[-1].evidence.total("model_a").broken == 1


def test_users_count_once_however_often_they_ask(connection):
    connection.execute(sa.text("UPDATE predictions SET unit = 'u1' WHERE id IN ('r1', 'r2', 'r3')"))
    before, after = asked(connection), asked(connection, experiment(test={"unit": "user"}))
    a, b = (looks[-1].evidence.total("model_a") for looks in (before, after))
    total = [sum(looks[-1].evidence.total(v).units for v in Variant) for looks in (before, after)]
    assert total[0] - total[1] == 2
    assert b.repeated + after[-1].evidence.total("model_b").repeated == 2
    assert a.repeated == 0


def test_after_the_stop_nobody_is_assigned_any_more(connection):
    stopped = experiment(stopped_at=START + DAY, stopped_because="enough")
    seen = asked(connection, stopped)[-1].evidence
    assert not seen.periods[1].model_a.units
    assert seen.periods[0].model_a.units


def test_a_metric_that_labels_do_not_tell_and_a_column_that_is_missing_are_named(connection):
    odd = experiment(test={"primary": {**PLAIN["primary"], "metric": "revenue"}})
    with pytest.raises(ConfigurationError, match="labels do not tell revenue"):
        asked(connection, odd)
    columns = sa.select(PREDICTIONS.c.id, PREDICTIONS.c.model, PREDICTIONS.c.available_at)
    with pytest.raises(ConfigurationError, match="no column score"):
        looks_from_warehouse(
            connection,
            sa.select(LABELS),
            columns,
            experiment(),
            threshold=0.5,
            moments=MOMENTS,
            clock=CLOCK,
        )


# ---------------------------------------------------------------- a file


def test_a_file_says_what_the_database_says(connection, tmp_path):
    path = save_csv(tmp_path / "outcomes.csv", world())
    found = looks_from_file(path, experiment(), MOMENTS, CLOCK)
    assert as_text(found) == as_text(asked(connection))


def test_csv_and_parquet_and_chunks_of_any_size_are_the_same_to_the_last_byte(
    tmp_path, monkeypatch
):
    path = save_csv(tmp_path / "outcomes.csv", world())
    frame = pd.read_csv(path, parse_dates=["assigned_at", "outcome_at"])
    frame.to_parquet(tmp_path / "outcomes.parquet")
    whole = as_text(looks_from_file(path, experiment(), MOMENTS, CLOCK))
    parquet = looks_from_file(tmp_path / "outcomes.parquet", experiment(), MOMENTS, CLOCK)
    assert as_text(parquet) == whole
    read = ab_outcomes.read_outcome_file
    monkeypatch.setattr(
        ab_outcomes, "read_outcome_file", lambda *asked: read(*asked, chunk_rows=37)
    )
    assert as_text(looks_from_file(path, experiment(), MOMENTS, CLOCK)) == whole


def test_repeated_units_count_once_across_chunks(tmp_path, monkeypatch):
    read = ab_outcomes.read_outcome_file
    monkeypatch.setattr(
        ab_outcomes, "read_outcome_file", lambda *asked: read(*asked, chunk_rows=1_000)
    )
    once = looks_from_file(save_csv(tmp_path / "a.csv", world()), experiment(), MOMENTS, CLOCK)
    twice = pd.concat([world(), world().assign(right=0.0)], ignore_index=True)
    seen = looks_from_file(save_csv(tmp_path / "b.csv", twice), experiment(), MOMENTS, CLOCK)
    for variant in Variant:
        assert seen[-1].evidence.total(variant).metrics == once[-1].evidence.total(variant).metrics
        assert seen[-1].evidence.total(variant).repeated


def test_a_router_that_errs_is_seen_unit_by_unit(tmp_path):
    frame = world(10_000)
    frame.loc[frame.index % 33 == 0, "is_b"] ^= True  # 3 % to the other variant, both ways
    looks = looks_from_file(save_csv(tmp_path / "o.csv", frame), experiment(), MOMENTS, CLOCK)
    found = assess_ab_test(experiment().test, looks, is_over=False)
    assert found.result is Result.INVALID
    assert "other variant" in " ".join(found.reasons)


def test_what_a_unit_did_before_the_test_does_not_count_as_its_first_time(tmp_path):
    before = world().assign(at=naive(START - DAY))
    path = save_csv(tmp_path / "b.csv", pd.concat([before, world()], ignore_index=True))
    plain = save_csv(tmp_path / "a.csv", world())
    looks = [looks_from_file(one, experiment(), MOMENTS, CLOCK) for one in (path, plain)]
    assert as_text(looks[0]) == as_text(looks[1])


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("accuracy", "nan", "broken"),
        ("accuracy", "0.5", "broken"),
        ("brier_score", "inf", "broken"),
        ("accuracy", "", "missing"),
        ("outcome_at", "", "broken"),
        ("outcome_at", "2026-03-01T00:00:00Z", "early"),
        ("outcome_at", "2026-03-09T00:00:00+02:00", "future"),
        ("assigned_at", "2026-03-09T00:00:00Z", "future"),
    ],
)
def test_every_fault_of_a_row_is_counted(tmp_path, column, value, kind):
    path = save_csv(tmp_path / "o.csv", world())
    rows = list(csv.DictReader(path.open()))
    rows[30][column] = value
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    seen = looks_from_file(path, experiment(), MOMENTS, CLOCK)[-1].evidence
    plain = looks_from_file(save_csv(tmp_path / "p.csv", world()), experiment(), MOMENTS, CLOCK)[-1]

    def count(evidence):
        return sum(getattr(evidence.total(variant), kind) for variant in Variant)

    assert count(seen) == count(plain.evidence) + 1


def test_a_covariate_takes_noise_away(tmp_path):
    before = world()["right"] + np.random.default_rng(1).normal(0, 0.1, 2_000)
    path = save_csv(tmp_path / "o.csv", world(), before=before)
    adjusted = experiment(test={"covariate": "before"})
    plain = assess_ab_test(
        experiment().test, looks_from_file(path, experiment(), MOMENTS, CLOCK), is_over=False
    )
    looks = looks_from_file(path, adjusted, MOMENTS, CLOCK)
    found = assess_ab_test(adjusted.test, looks, is_over=False)
    assert found.latest.estimate.variance < 0.5 * plain.latest.estimate.variance


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("unit,variant\n", ConfigurationError, "has no column assigned_at"),
        ("", ConfigurationError, "has no column unit"),
        ("{header}\nu,model_c,2026-03-02,2026-03-02,1,0\n", DataIncident, "'model_c'"),
        ("{header}\nu,model_a,soon,2026-03-02,1,0\n", DataIncident, "soon"),
        ("{header}\nu,model_a,,2026-03-02,1,0\n", DataIncident, "without assigned_at"),
        ("{header}\nu,model_a,2026-03-02\n", DataIncident, "3 cells in a row, expected 6"),
        ("{header}\nu,model_a,2026-03-02,2026-03-02,many,0\n", DataIncident, "many"),
        ("{header}\n,model_a,2026-03-02,2026-03-02,1,0\n", DataIncident, "without unit"),
        ("{header},unit\n", ConfigurationError, "has the column unit twice"),
        ("{header}\n{long},model_a,2026-03-02,2026-03-02,1,0\n", DataIncident, "field larger"),
        ("{header}\nJos\xe9,model_a,2026-03-02,2026-03-02,1,0\n", DataIncident, "'utf-8' codec"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_not_guessed(tmp_path, text, error, told):
    path = tmp_path / "o.csv"
    header = "unit,variant,assigned_at,outcome_at,accuracy,brier_score"
    whole = text.replace("{header}", header).replace("{long}", "u" * 140_000)
    path.write_bytes(whole.encode("latin-1"))
    with pytest.raises(error, match=told):
        looks_from_file(path, experiment(), MOMENTS, CLOCK)


def test_a_file_of_a_spreadsheet_begins_with_a_mark(tmp_path):
    path = save_csv(tmp_path / "o.csv", world())
    plain = as_text(looks_from_file(path, experiment(), MOMENTS, CLOCK))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert as_text(looks_from_file(path, experiment(), MOMENTS, CLOCK)) == plain


def test_times_in_nanoseconds_are_read_as_they_are_written(tmp_path):
    path = save_csv(tmp_path / "o.csv", world())
    plain = as_text(looks_from_file(path, experiment(), MOMENTS, CLOCK))
    frame = pd.read_csv(path)
    for name in ("assigned_at", "outcome_at"):
        moments = pd.to_datetime(frame[name], format="ISO8601", utc=True)
        frame[name] = moments.dt.as_unit("ns") + pd.Timedelta(7, unit="ns")
    frame.to_parquet(tmp_path / "o.parquet")
    assert as_text(looks_from_file(tmp_path / "o.parquet", experiment(), MOMENTS, CLOCK)) == plain


@pytest.mark.parametrize("kept", [0, 12, 5_000])
def test_a_parquet_file_that_is_broken_is_an_incident(tmp_path, kept):
    path = tmp_path / "o.parquet"
    pd.read_csv(save_csv(tmp_path / "o.csv", world())).to_parquet(path)
    path.write_bytes(b"PAR1" + b"x" * kept)
    with pytest.raises(DataIncident, match=r"o\.parquet: a cell cannot be read"):
        looks_from_file(path, experiment(), MOMENTS, CLOCK)


def test_a_parquet_row_without_a_unit_is_an_incident(tmp_path):
    frame = pd.read_csv(save_csv(tmp_path / "o.csv", world()))
    frame.loc[5, "unit"] = None
    frame.to_parquet(tmp_path / "o.parquet")
    with pytest.raises(DataIncident, match="without unit"):
        looks_from_file(tmp_path / "o.parquet", experiment(), MOMENTS, CLOCK)


def test_a_file_that_is_not_there_or_is_something_else(tmp_path):
    with pytest.raises(OutsideError, match="not found"):
        looks_from_file(tmp_path / "o.csv", experiment(), MOMENTS, CLOCK)
    (tmp_path / "o.xlsx").write_text("x")
    with pytest.raises(ConfigurationError, match=r"\.csv or \.parquet"):
        looks_from_file(tmp_path / "o.xlsx", experiment(), MOMENTS, CLOCK)


def test_an_empty_file_is_evidence_of_nothing(tmp_path):
    path = tmp_path / "o.csv"
    path.write_text("unit,variant,assigned_at,outcome_at,accuracy,brier_score\n")
    looks = looks_from_file(path, experiment(), MOMENTS, CLOCK)
    assert len(looks) == 3
    assert json.loads(as_text(looks)[-1])["periods"][0]["model_a"]["units"] == 0
