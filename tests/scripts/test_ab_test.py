"""An A/B test from its start to its end, and who was served, in a real repository."""

import json
import sqlite3
from pathlib import Path

import pytest
import yaml

from pipeline.champion import champion_path
from pipeline.core.routing import assign, assign_many
from tests.called import call_script
from tests.monitored import DIGEST, MODEL, monitored_repository
from tests.repository import commit, git, python

CHALLENGER = "sha256:" + "b" * 64
START, GROWN, STOP = "2013-04-08T00:00:00Z", "2013-04-15T00:00:00Z", "2013-06-20T00:00:00Z"
FOLDER = f"rollouts/{MODEL}/experiments"
CONFIG = {
    "split": {"model_a": 75, "model_b": 25},
    "unit": "request",
    "duration": "70d",
    "maturity": "2d",
    "primary": {
        "metric": "accuracy",
        "kind": "proportion",
        "direction": "higher_is_better",
        "min_effect": 0.05,
        "expected": 0.78,
    },
    "guardrails": [
        {"metric": "brier_score", "kind": "mean", "direction": "lower_is_better", "margin": 0.05}
    ],
    "test": "confidence_sequence",
    "alpha": 0.05,
    "power": 0.8,
    "burn_in": 50,
    "min_samples": 100,
    "mismatch_alpha": 0.001,
    "max_missing_fraction": 0.1,
    "max_faulty_fraction": 0.001,
    "readers": ["welch"],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A test that was started, grew and was stopped, each step a commit; nobody looked yet."""
    root = monitored_repository(tmp_path_factory.mktemp("ab") / "flights")
    (root / "configs/ab-test.yaml").write_text(yaml.safe_dump({"ab_test": CONFIG}))
    commit(root, "Configure the test")
    for step in (
        ("start", "--challenger", CHALLENGER, "--id", "exp-1", "--at", START),
        ("weight", "--percent", "50", "--at", GROWN),
        ("stop", "--because", "It's time: `enough`", "--at", STOP),
    ):
        done = run(root, *step, "--apply")
        assert done.returncode == 0, done.stderr
        assert "git add rollouts/flight-delay/experiments/exp-1.yaml" in done.stdout
        commit(root, step[0])
    return root


def run(root: Path, *arguments: str):
    return call_script(root, "ab_test", *arguments)


def route(root: Path) -> None:
    """Let the challenger answer what the test gives it, and be right in nine of ten."""
    with sqlite3.connect(root / "warehouse.db") as database:
        rows = database.execute(
            "SELECT p.id, p.available_at, l.label FROM flight_predictions p "
            "LEFT JOIN flight_labels l ON l.id = p.id WHERE p.available_at >= ?",
            (START[:10],),
        ).fetchall()
        buckets = assign_many("exp-1", [row[0] for row in rows])
        for (name, at, label), bucket in zip(rows, buckets.tolist(), strict=True):
            if bucket < (2_500 if at < GROWN[:10] else 5_000):
                score = 0.9 if (label == 1) == (bucket % 10 > 0) else 0.1
                database.execute(
                    "UPDATE flight_predictions SET model = ?, score = ? WHERE id = ?",
                    (CHALLENGER, score, name),
                )
    database.close()


def results(root: Path) -> dict:
    return json.loads((root / "artifacts/ab-test/ab-test-results.json").read_text())


def served(root: Path, unit: str, at: str, *options: str):
    return call_script(root, "who_served", "--user", unit, "--at", at, *options)


def test_its_life_is_in_the_history(made):
    text = (made / FOLDER / "exp-1.yaml").read_text()
    written = yaml.safe_load(text)
    assert [w["challenger_basis_points"] for w in written["weights"]] == [2_500, 5_000]
    assert written["stopped_because"] == "It's time: `enough`"
    assert written["model_a"] == DIGEST
    assert git(made, "log", "--format=%s", "-3").split() == ["stop", "weight", "start"]


def test_the_better_challenger_wins_and_the_page_shows_it(made, tmp_path):
    root = tmp_path / "copy"
    git(made, "clone", "--quiet", str(made), str(root))
    (root / "warehouse.db").write_bytes((made / "warehouse.db").read_bytes())
    route(root)
    done = run(root, "status", "--at", "2013-06-30T00:00:00Z", "--require-winner", "--apply")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "exp-1: model_b" in done.stdout
    found = results(root)
    assert found["variants"]["model_b"]["mean"] == pytest.approx(0.9, abs=0.03)
    assert len(found["looks"]) > 60
    assert (root / "artifacts/ab-test/ab-test.png").read_bytes().startswith(b"\x89PNG")
    assert "The challenger wins" in (root / "artifacts/ab-test/ab-test.md").read_text()
    kept = (root / FOLDER / "exp-1.looks.json").read_bytes()
    again = python(root, "scripts.ab_test", "status", "--at", "2013-06-30T00:00:00Z", "--apply")
    assert again.returncode == 0, again.stderr
    assert (root / FOLDER / "exp-1.looks.json").read_bytes() == kept


def test_looks_that_were_interrupted_end_as_those_that_were_not(made, tmp_path):
    """Killed in the middle and run again, or looked at in one go: the same bytes."""
    roots = [tmp_path / name for name in ("straight", "interrupted")]
    for root in roots:
        git(made, "clone", "--quiet", str(made), str(root))
        (root / "warehouse.db").write_bytes((made / "warehouse.db").read_bytes())
    for root, moments in zip(roots, (["05-20"], ["04-20", "05-01", "05-20"]), strict=True):
        for moment in moments:
            done = run(root, "status", "--at", f"2013-{moment}T00:00:00Z", "--apply")
            assert done.returncode == 0, done.stderr
    looks = [(root / FOLDER / "exp-1.looks.json").read_bytes() for root in roots]
    assert looks[0] == looks[1]


def test_a_challenger_that_never_answered_wins_nothing(made):
    done = run(made, "status", "--at", "2013-06-30T00:00:00Z", "--require-winner")
    assert done.returncode == 1
    assert "exp-1: invalid" in done.stdout
    assert "sample-ratio mismatch" in results(made)["reasons"][0]
    assert not (made / FOLDER / "exp-1.looks.json").exists()


def test_nothing_changes_without_apply_and_each_step_can_be_repeated(tmp_path):
    root = monitored_repository(tmp_path / "flights")
    (root / "configs/ab-test.yaml").write_text(yaml.safe_dump({"ab_test": CONFIG}))
    start = ("start", "--challenger", CHALLENGER, "--id", "exp-1", "--at", START)
    assert "Nothing was changed" in run(root, *start).stdout
    assert not (root / FOLDER).exists()
    assert run(root, "stop", "--because", "x").stdout.strip().endswith("nothing to do.")
    assert run(root, "weight", "--percent", "5").returncode == 1
    assert run(root, *start, "--apply").returncode == 0
    written = (root / FOLDER / "exp-1.yaml").read_bytes()
    again = run(root, *start, "--apply")
    assert (again.returncode, (root / FOLDER / "exp-1.yaml").read_bytes()) == (0, written)
    other = run(root, "start", "--challenger", "sha256:" + "e" * 64, "--apply")
    assert other.returncode == 1
    assert "Stop it first" in other.stderr
    for odd in ("33.333", "nan", "inf"):
        assert run(root, "weight", "--percent", odd, "--apply").returncode == 2
    assert run(root, "start", "--challenger", DIGEST, "--id", "exp-2", "--apply").returncode == 2


def test_the_plan_says_what_the_traffic_can_show(made):
    done = run(made, "plan", "--units-a-day", "100")
    assert done.returncode == 0, done.stderr
    assert "units on average" in done.stdout
    assert "6,800 come in 68 days, enough" in done.stdout
    assert run(made, "plan", "--units-a-day", "-5").returncode == 2


# ---------------------------------------------------------------- who_served


@pytest.mark.parametrize(
    ("at", "weight"),
    [
        ("2013-04-07T23:59:59Z", 0),
        ("2013-04-10T00:00:00Z", 2_500),
        ("2013-05-10T00:00:00Z", 5_000),
        ("2013-06-20T00:00:00Z", 0),
    ],
)
def test_git_alone_says_who_served(made, at, weight):
    (made / FOLDER / "exp-1.yaml").write_text("nonsense")  # the checkout is not asked
    try:
        for unit in ("EWR-1", "ünit"):
            done = served(made, unit, at)
            if weight == 0:
                # Commits are of today: no champion was committed in 2013.
                assert "no model served" in done.stderr
                continue
            assert done.returncode == 0, done.stderr
            is_challengers = assign("exp-1", unit) < weight
            assert done.stdout.splitlines()[0] == (CHALLENGER if is_challengers else DIGEST)
            assert f"below {weight:,}" in done.stdout
    finally:
        git(made, "checkout", "--", FOLDER)


def test_without_a_test_it_is_the_champion_of_that_moment(made):
    done = served(made, "anyone", "2100-01-01T00:00:00Z")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == DIGEST
    assert "the champion of commit" in done.stdout


def test_a_test_whose_file_is_gone_is_found_in_the_history(made, tmp_path):
    root = tmp_path / "copy"
    git(made, "clone", "--quiet", str(made), str(root))
    git(root, "rm", "--quiet", f"{FOLDER}/exp-1.yaml")
    commit(root, "Tidy up")
    before = served(made, "EWR-1", "2013-05-10T00:00:00Z").stdout
    assert served(root, "EWR-1", "2013-05-10T00:00:00Z").stdout == before
    assert CHALLENGER in before or DIGEST in before


def test_a_repository_without_a_champion_says_so(tmp_path):
    root = monitored_repository(tmp_path / "flights")
    champion_path(root, MODEL).write_text("# none yet\n")
    commit(root, "No champion")
    done = served(root, "anyone", "2100-01-01T00:00:00Z")
    assert done.returncode == 1
    assert "no commit has a champion by then" in done.stderr
