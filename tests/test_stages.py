"""`python -m pipeline.stages`, which dvc.yaml calls for each of its stages."""

from pathlib import Path

import pytest
import yaml

from pipeline.stages.__main__ import STAGES, main
from tests.repository import ROOT


def test_dvc_yaml_calls_each_stage_by_its_name_in_their_order() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    commands = {name: stage["cmd"] for name, stage in stages.items()}
    assert list(commands.items()) == [
        (name, f"python -m pipeline.stages {name}") for name in STAGES
    ]


@pytest.mark.parametrize("asked", [[], ["collect", "tune"]], ids=["none", "unknown"])
def test_without_a_known_stage_nothing_runs(
    asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(asked)
    assert ended.value.code == 2
    assert "stage" in capsys.readouterr().err


def test_the_first_stage_that_stops_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["collect", "validate"]) == 2
    said = capsys.readouterr().err
    assert said.count("ConfigurationError") == 1
    assert not (tmp_path / "artifacts").exists()
