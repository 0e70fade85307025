"""Which challenger a merged manifest names."""

from pathlib import Path

from pipeline.manifest import render_rollout, rollout_path
from pipeline.monitoring.merged import merged_challengers
from tests.rollouts import MODEL, spec_of


def test_a_manifest_names_the_challenger_of_its_retrain(tmp_path: Path) -> None:
    assert merged_challengers(tmp_path, MODEL) == {}
    path = rollout_path(tmp_path, MODEL)
    path.parent.mkdir(parents=True)
    spec = spec_of()
    path.write_text(render_rollout(spec))
    assert merged_challengers(tmp_path, MODEL) == {spec.retrain: spec.challenger.digest}
    path.write_text("half: [of")
    assert merged_challengers(tmp_path, MODEL) is None  # unknown, which is not: none
