"""The replay script on a small warehouse with a past that is known."""

import io
import json
import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipeline.adapters.warehouse import connect, read_rows, reading
from pipeline.config import load_params
from pipeline.core.triggers.ledger import Ledger
from pipeline.monitoring.history import simulate_reference
from pipeline.monitoring.observe import Source
from pipeline.monitoring.production import load_monitored
from pipeline.stages.reference import profile_rows
from pipeline.usecase import query
from scripts import check_triggers
from scripts.backtest_triggers import main
from tests.scripts import small_history as small

START, END = "2013-03-04", "2013-04-29"
ONSET = f"{small.ONSET:%Y-%m-%dT%H:%MZ}=it breaks"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("history")
    small.write_repository(root)
    return root


@pytest.fixture
def repository(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "repository"
    shutil.copytree(finished, root)
    monkeypatch.chdir(root)
    monkeypatch.delenv("WAREHOUSE_URL", raising=False)
    return root


def replay(*more: str) -> int:
    return main(["--start", START, "--end", END, *more])


def result(root: Path, out: str = "artifacts/backtest"):
    return json.loads((root / out / "backtest.json").read_text(encoding="utf-8"))


def files(root: Path, *, without: str = "artifacts") -> dict[str, bytes]:
    paths = (path for path in root.rglob("*") if path.is_file())
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in paths
        if path.relative_to(root).parts[0] != without
    }


def test_a_known_break_is_seen_in_the_known_minutes(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(repository)
    assert replay("--onset", ONSET, "--wins", "never", "--horizon", "28d") == 0
    found = result(repository)["figures"]
    # the week from the onset on, and a day for its labels
    assert found["onsets"][0]["minutes"] == 8 * 24 * 60
    assert found["onsets"][0]["by_trigger"]["concept_drift"] == 8 * 24 * 60
    assert found["onsets"][0]["by_trigger"]["data_drift"] is None
    assert found["false_alarms"] == []
    assert found["firings"]["scheduled_retrain"] == 2
    assert found["incidents"] == []
    printed = capsys.readouterr()
    assert "1 of 1 onsets seen, 0 false alarms" in printed.out
    assert printed.err == ""
    assert files(repository) == before


def test_replaying_twice_gives_the_same_bytes_and_a_picture_that_is_not_blank(
    repository: Path,
) -> None:
    written = []
    for _ in range(2):
        assert replay("--onset", ONSET, "--suggest", "1/month", "--every", "2d") == 0
        folder = repository / "artifacts" / "backtest"
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]
    assert set(written[0]) == {"report.md", "backtest.json", "timeline.png"}
    picture = np.asarray(Image.open(io.BytesIO(written[0]["timeline.png"])).convert("RGB"))
    assert picture.shape[1] == 1200
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
    assert (picture == 255).all(axis=2).mean() > 0.5


def test_each_moment_is_decided_as_a_live_check_decides_it(repository: Path) -> None:
    assert replay("--wins", "never", "--every", "5d") == 0
    monitored = load_monitored(repository)
    for check in result(repository)["checks"]:
        sight = check_triggers.look(monitored, pd.Timestamp(check["at"]).to_pydatetime())
        live = check_triggers.decide(Ledger(), monitored, sight)
        answers = {d.trigger: str(d.status) for d in live.decisions}
        if check["answers"]["scheduled_retrain"] == "QUIET":  # served already in the replay
            answers["scheduled_retrain"] = "QUIET"
        assert check["answers"] == answers
        assert check["data_faults"] == list(sight.data_faults)


def test_a_simulated_winner_learns_what_a_real_retrain_would_have_profiled(
    repository: Path, tmp_path: Path
) -> None:
    params, at = load_params(repository), small.ONSET
    until = at - timedelta(days=1)
    engine = connect(f"sqlite:///{repository / 'warehouse.db'}")
    chunks = read_rows(
        engine, query.rows(), query.labels(), as_of=at, start=until - timedelta(days=40), end=until,
        chunk_rows=999,
    )  # fmt: skip
    rows = pd.concat(chunks, ignore_index=True)
    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), tmp_path / "rows.parquet")
    judged = rows["event_time"] >= until - timedelta(days=params.split.holdout_days)
    trains = rows.loc[~judged & rows["label"].notna(), "event_time"]
    expected = profile_rows(tmp_path / "rows.parquet", trains.max())
    with reading(engine) as connection:
        source = Source(connection, query.rows(), query.labels())
        found = simulate_reference(source, small.first_reference(repository), params, at)
    assert found.until == until
    for name, profile in found.columns.items():
        assert profile.to_json() == expected[name]


def test_without_the_answers_a_winner_s_performance_is_unknown(repository: Path) -> None:
    assert replay("--no-keep-answers", "--every", "3d", "--out", "a") == 0
    assert replay("--keep-answers", "--every", "3d", "--out", "b") == 0
    without, with_answers = result(repository, "a"), result(repository, "b")
    won = without["retrains"][0]["changed_at"]
    later = [check for check in without["checks"] if check["at"] > won]
    assert later
    assert {check["answers"]["performance_degradation"] for check in later} == {"UNKNOWN"}
    assert {check["champion"] for check in later} <= {
        f"simulated:{retrain['id']}" for retrain in without["retrains"]
    }
    assert with_answers["figures"]["firings"]["performance_degradation"] > 0


def test_a_replay_may_begin_before_the_champion_was_trained(repository: Path) -> None:
    assert main(["--start", "2013-02-18", "--end", "2013-03-11", "--every", "2d"]) == 0
    found = result(repository)
    assert found["checks"][0]["champion"] == "simulated:start"
    assert any("first champion is simulated" in line for line in found["simulated"])


def test_another_configuration_is_replayed_and_named(repository: Path) -> None:
    other = small.TRIGGERS.replace("threshold: 0.7", "threshold: 0.99")
    (repository / "strict.yaml").write_text(other, encoding="utf-8")
    assert replay("--config", "strict.yaml", "--wins", "never", "--every", "2d") == 0
    found = result(repository)
    assert found["config"] == "strict.yaml"
    assert found["figures"]["firings"]["performance_degradation"] == 7  # each week


def test_all_faults_of_the_arguments_are_named_at_once(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "rollouts" / "flight-delay" / "reference.json").unlink()
    arguments = ["--start", END, "--end", START, "--every", "soon", "--onset", "storms"]
    more = ["--suggest", "often", "--retrain-takes", "30d", "--horizon", "0d"]
    assert main([*arguments, *more]) == 2
    error = capsys.readouterr().err
    for word in ("--start", "--every", "--onset", "--suggest", "--retrain-takes", "reference.json"):
        assert word in error
    assert "--horizon" in error
    assert "Traceback" not in error
    assert not (repository / "artifacts").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--start", START, "--end", "2030-01-01"], "newest row"),
        (["--start", "9998-12-01", "--end", "9999-12-31"], "no row from 9998-12-01"),
        (["--start", "2020-01-01", "--end", "2020-02-01"], "no row"),
        (["--start", START, "--end", END, "--onset", "2020-01-01=late"], "--onset"),
        (["--start", START, "--end", END, "--config", "nowhere.yaml"], "nowhere.yaml"),
        (["--start", "noon", "--end", END], "--start"),
    ],
)
def test_a_past_that_is_not_there_is_refused_in_a_sentence(
    repository: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], word: str
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("ConfigurationError")
    assert word in error


def test_without_a_champion_there_is_nothing_to_replay(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "rollouts" / "flight-delay" / "champion.yaml").unlink()
    assert replay() == 2
    assert "set_champion" in capsys.readouterr().err


def test_a_rule_about_columns_that_are_not_there_is_refused_with_the_file_it_is_in(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = repository / "configs/other.yaml"
    text = (repository / "configs/triggers.yaml").read_text(encoding="utf-8")
    other.write_text(text.replace("[weekday]", "[distanse]"))
    assert replay("--config", "configs/other.yaml") == 2
    said = capsys.readouterr().err
    assert "configs/other.yaml: retraining_triggers.data_drift.ignore: 'distanse' is no" in said
    assert "did you mean 'distance'?" in said
