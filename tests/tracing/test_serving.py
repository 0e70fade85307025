"""Who served at a moment where an A/B test, a mirror or a person had a say."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from pipeline.ab_config import load_ab_test
from pipeline.champion import champion_path, render_champion
from pipeline.config import parse_section
from pipeline.experiment import Experiment, experiment_path, render_experiment
from pipeline.tracing.past import Past
from pipeline.tracing.serving import answered, serving_at
from scripts.trace import main
from tests.rollouts import DAY, HOUR, MODEL, START, champion_of
from tests.tracing.traced import Traced, commit, git, traced, write

ROOT = Path(__file__).parents[2]


def experiment(world: Traced, *weights: int) -> Experiment:
    """A test of the promoted model against the one before, which grew each day."""
    moments = [START + 3 * DAY + n * DAY for n in range(len(weights))]
    values = {
        "schema": 1,
        "id": "exp-1",
        "model": MODEL,
        "salt": "exp-1",
        "model_a": world.spec.challenger.digest,
        "model_b": world.spec.champion.digest,
        "started_at": moments[0],
        "weights": tuple(
            {"at": at, "challenger_basis_points": points}
            for at, points in zip(moments, weights, strict=True)
        ),
        "test": load_ab_test(ROOT).model_dump(exclude_none=True),
    }
    return parse_section(Experiment, values, "the test")


def keep(world: Traced, test: Experiment) -> None:
    path = experiment_path(world.root, MODEL, test.id)
    write(world.root, {path.relative_to(world.root).as_posix(): render_experiment(test)})
    commit(world.root, "Look at both", test.weights[-1].at)


def trace(capsys: pytest.CaptureFixture[str], at: str) -> tuple[int, dict]:
    code = main([at, "--json", "--local"])
    return code, json.loads(capsys.readouterr().out)


def test_an_active_test_decides_and_only_ever_grew(world, capsys):
    keep(world, experiment(world, 1_000))
    keep(world, experiment(world, 1_000, 5_000))
    code, found = trace(capsys, (START + 4 * DAY + HOUR).isoformat())
    assert code == 0
    assert found["serving"]["why"] == "A/B test exp-1"
    assert [(s["role"], s["points"]) for s in found["serving"]["models"]] == [
        ("challenger", 5_000),
        ("champion", 5_000),
    ]
    assert [link["state"] for link in found["links"]] == ["verified"]


def test_a_test_whose_past_was_rewritten_is_found(world, capsys):
    keep(world, experiment(world, 1_000))
    keep(world, experiment(world, 9_000, 9_500))
    code, found = trace(capsys, (START + 4 * DAY + HOUR).isoformat())
    assert code == 1
    bad = [check["found"] for check in found["links"][0]["checks"] if not check["is_good"]]
    assert bad == ["rewrites the one before"]


def test_a_mirrored_challenger_answers_nobody(tmp_path):
    found = traced(tmp_path / "flights", mirror=True)
    past = Past(found.root, MODEL)
    mirrored = next(r for r in found.records if r.stage == 1)
    serving = serving_at(past, mirrored.at + timedelta(minutes=1))
    assert (serving.challenger, serving.points) == (found.spec.challenger.digest, 0)
    assert answered(serving, "7")[0] == found.spec.champion.digest


def test_a_champion_that_a_person_put_there_after_a_rollout_serves(world):
    third = champion_of("e", previous=world.spec.challenger.digest)
    champion_path(world.root, MODEL).write_text(render_champion(third))
    commit(world.root, "Approve another one by hand", START + 5 * DAY)
    past = Past(world.root, MODEL)
    assert serving_at(past, START + 4 * DAY).champion == world.spec.challenger.digest
    assert serving_at(past, START + 6 * DAY).champion == third.digest


def test_files_that_never_were_valid_were_never_acted_on(world, capsys):
    folder = f"rollouts/{MODEL}"
    write(
        world.root,
        {f"{folder}/status/0099-stage-1.yaml": "phase: [", f"{folder}/rollout.yaml": "x"},
    )
    write(world.root, {f"{folder}/champion.yaml": yaml.safe_dump({"digest": "none"})})
    commit(world.root, "Rubbish", START + DAY)
    code, found = trace(capsys, (START + 2 * DAY).isoformat())
    assert (code, found["models"][0]["digest"]) == (0, world.spec.challenger.digest)


def test_a_commit_that_is_not_here_cannot_be_believed(world, capsys):
    assert main(["2013-07-09", "--ref=--all", "--local"]) == 3
    assert "Fetch it" in capsys.readouterr().err
    assert git(world.root, "status", "--porcelain") == ""
