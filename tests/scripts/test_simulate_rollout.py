"""The simulation as a user runs it: the timeline in words, the picture, and mistakes said."""

from pathlib import Path

import pytest

from pipeline.core.rollout_simulation import Simulation
from pipeline.ml.plot_rollout import draw_rollout
from pipeline.ml.plot_style import as_png
from pipeline.rollout_scenario import Behaviour, Event, Scenario
from scripts.simulate_rollout import START, main, timeline_of
from tests.rollouts import HOUR, MINUTE, spec_of

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


def test_a_mistake_in_a_scenario_is_said(tmp_path: Path, capsys) -> None:
    (tmp_path / "s.yaml").write_text("ticks: 5m\n")
    assert main(["--scenario", str(tmp_path / "s.yaml")]) == 2
    assert "did you mean 'tick'" in capsys.readouterr().err
    assert main(["--scenario", str(tmp_path / "none.yaml")]) == 2
    assert main(["--plan", str(tmp_path / "none.yaml")]) == 2


def test_equal_simulations_are_equal_pictures() -> None:
    event = Event(at=HOUR, challenger=Behaviour(error_rate=0.3), says="it breaks")
    scenario = Scenario(tick=5 * MINUTE, end=3 * HOUR, events=(event,))

    def picture() -> bytes:
        simulation = Simulation(spec_of(), scenario, START).run()
        return as_png(draw_rollout(timeline_of(simulation)))

    first = picture()
    assert first.startswith(b"\x89PNG")
    assert picture() == first
