"""The simulation as a user runs it: the timeline in words, the picture, and mistakes said."""

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.core.rollout.simulation import Simulation
from pipeline.manifest import render_rollout, rollout_path
from pipeline.ml.plots.rollout import draw_rollout
from pipeline.ml.plots.style import as_png
from pipeline.rollout_scenario import Behaviour, Event, Scenario
from pipeline.rollout_status import render_record, status_path
from scripts.simulate_rollout import START, main, timeline_of
from tests.rollouts import HOUR, MINUTE, MODEL, spec_of
from tests.test_light import BLOCKED

ROOT = Path(__file__).parent.parent.parent
SCENARIO = """\
tick: 5m
end: 4h
events:
  - {at: 3h, challenger: {error_rate: 0.3}, says: it breaks}
"""


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_it_prints_what_happens_when(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO)
    assert main(["--scenario", str(tmp_path / "s.yaml")]) == 0
    shown = capsys.readouterr().out
    assert "What one window shows at 60 requests a second:" in shown
    assert "3 h  * it breaks" in shown
    assert "RolledBack after" in shown


def test_a_rollout_lasted_until_its_last_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    *_, last, _, end, _ = capsys.readouterr().out.split("\n")
    assert last.endswith("has settled in")
    assert end == "Promoted after 68 h, the challenger with 100 % of the traffic."


def test_one_that_goes_on_lasted_until_the_end_of_the_scenario(tmp_path: Path, capsys) -> None:
    (tmp_path / "s.yaml").write_text("tick: 5m\nend: 4h\n")
    assert main(["--scenario", str(tmp_path / "s.yaml")]) == 0
    assert "Progressing after 4 h, the challenger with 25 % of" in capsys.readouterr().out


def test_a_mistake_in_a_scenario_is_said(tmp_path: Path, capsys) -> None:
    (tmp_path / "s.yaml").write_text("ticks: 5m\n")
    assert main(["--scenario", str(tmp_path / "s.yaml")]) == 2
    assert "did you mean 'tick'" in capsys.readouterr().err
    assert main(["--scenario", str(tmp_path / "none.yaml")]) == 2
    assert main(["--plan", str(tmp_path / "none.yaml")]) == 2


@pytest.mark.parametrize("field", ["tick", "end", "label_delay"])
def test_a_scenario_of_more_than_a_year_is_a_mistake(field: str, tmp_path: Path, capsys) -> None:
    (tmp_path / "s.yaml").write_text(
        f"{field}: 999999w\nevents:\n  - {{at: 999998w, metrics: gone}}\n"
    )
    assert main(["--scenario", str(tmp_path / "s.yaml")]) == 2
    told = capsys.readouterr().err
    for name in (field, "events.0.at"):
        assert re.search(rf"- {name}: found '99999[89]w'; .*expected a year \(52w\) or less", told)


def test_without_matplotlib_the_timeline_is_told_and_no_picture_drawn(tmp_path: Path) -> None:
    picture = tmp_path / "timeline.png"
    (tmp_path / "s.yaml").write_text(SCENARIO)
    arguments = ["--scenario", str(tmp_path / "s.yaml"), "--picture", str(picture)]
    code = f"{BLOCKED}\nfrom scripts.simulate_rollout import main\nsys.exit(main({arguments}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "RolledBack after" in done.stdout
    assert done.stderr == f"No {picture}: matplotlib is not installed.\n"
    assert not picture.exists()


def test_equal_simulations_are_equal_pictures() -> None:
    event = Event(at=HOUR, challenger=Behaviour(error_rate=0.3), says="it breaks")
    scenario = Scenario(tick=5 * MINUTE, end=3 * HOUR, events=(event,))

    def picture() -> bytes:
        simulation = Simulation(spec_of(), scenario, START).run()
        return as_png(draw_rollout(timeline_of(simulation)))

    first = picture()
    assert first.startswith(b"\x89PNG")
    assert picture() == first


def recorded(path: Path, bad_from: timedelta) -> list[str]:
    """Four hours of samples, one a minute, of two versions; the challenger fails from then on."""
    lines = []
    for minute in range(240):
        for version in ("v1", "v2"):
            bad = version == "v2" and minute * MINUTE >= bad_from
            values = {"error_rate": 0.2 if bad else 0.01, "latency_p95": 90.0, "accuracy": 0.78}
            at = (START + minute * MINUTE).isoformat()
            lines += [
                {"name": name, "version": version, "sampled_at": at, "value": value, "n": 2_000}
                for name, value in values.items()
            ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return ["--recorded", str(path), "v1", "v2"]


def test_recorded_samples_are_played_to_the_plan(tmp_path: Path, capsys) -> None:
    arguments = recorded(tmp_path / "samples.jsonl", bad_from=150 * MINUTE)
    assert main([*arguments, "--picture", str(tmp_path / "timeline.png")]) == 0
    shown = capsys.readouterr().out
    assert "2 h  Stage 1 passed every criterion after 2 h." in shown
    assert "2 h 30 min  error rate: 20 % of 2,000" in shown
    assert "RolledBack after" in shown
    assert (tmp_path / "timeline.png").read_bytes().startswith(b"\x89PNG")


def test_a_recording_that_ends_while_a_stage_runs_ends_the_simulation(tmp_path, capsys) -> None:
    assert main(recorded(tmp_path / "samples.jsonl", bad_from=9 * HOUR)) == 0
    assert "Progressing after 3 h 59 min, the challenger with 25 %" in capsys.readouterr().out


def test_a_recording_without_one_of_the_versions_is_a_mistake(tmp_path: Path, capsys) -> None:
    option, path, champion, _ = recorded(tmp_path / "samples.jsonl", bad_from=9 * HOUR)
    assert main([option, path, champion, "v3"]) == 2
    assert "no sample of the challenger, v3" in capsys.readouterr().err
    assert main([option, str(tmp_path / "none"), champion, "v2"]) == 3


STRICT = """\
rollout_strategy:
  type: canary
  canary_stages:
    - {traffic_percentage: 5, duration: 1h, success_criteria: {error_rate_max: 0.001}}
    - {traffic_percentage: 100, duration: 1h, success_criteria: {error_rate_max: 0.001}}
"""


def test_the_evidence_of_a_rollout_is_played_to_its_own_plan_and_to_a_stricter_one(
    tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of()
    took_place = Simulation(spec, Scenario(tick=5 * MINUTE, end=6 * HOUR), START).run()
    path = rollout_path(tmp_path, MODEL)
    status_path(tmp_path, MODEL).mkdir(parents=True)
    path.write_text(render_rollout(spec))
    for commit in took_place.world.commits:
        record = commit.record
        (status_path(tmp_path, MODEL) / record.name).write_text(render_record(record))
    (tmp_path / "strict.yaml").write_text(STRICT)
    (tmp_path / "configs").mkdir()
    for name in ("usecase.yaml", "rollout-plan.yaml"):
        (tmp_path / "configs" / name).write_bytes((ROOT / "configs" / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    assert main(["--records", MODEL]) == 0
    assert "Promoted after 4 h" in capsys.readouterr().out
    assert main(["--records", MODEL, "--plan", "strict.yaml"]) == 0
    assert "RolledBack after" in capsys.readouterr().out
    assert main(["--records", "nobody"]) == 2
