import hashlib
import re
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.champion import Champion, champion_path, render_champion
from pipeline.core.report.inputs import ReportInputs
from pipeline.jsonio import save_json, save_text
from pipeline.ml.tables import save_table
from pipeline.paths import fetched_package
from scripts import render_report
from tests.core import reports

PNGS = ["calibration", "differences", "precision_recall", "roc", "scores"]
ROWS = 600
PARAMS = re.sub(
    r"(?m)^  as_of: *\S+",
    "  as_of: 2013-07-02T00:00:00Z",
    (reports.ROOT / "params.yaml").read_text(encoding="utf-8"),
)


def make_run(root: Path, inputs: ReportInputs | None = None) -> None:
    """A repository with a finished run: what dvc repro leaves behind."""
    inputs = inputs or reports.passing()
    save_text(root / "params.yaml", PARAMS)
    save_text(root / "configs/gates.yaml", reports.GATES)
    save_json(root / "configs/usecase.yaml", reports.USECASE.model_dump())  # JSON is YAML
    for field, name in {**render_report.DOCUMENTS, "timings": render_report.TIMINGS}.items():
        save_json(root / name, getattr(inputs, field))
    save_text(root / render_report.TRIALS, "iter,mean_test_score\n0,-0.5\n")
    rng = np.random.default_rng(1)
    y = (rng.random(ROWS) < 0.36).astype(int)
    ids = [f"flight-{i}" for i in range(ROWS)]
    scores = {k: np.clip(0.3 + k * y + rng.normal(0, 0.15, ROWS), 0, 1) for k in (0.1, 0.2)}
    predictions = pd.DataFrame({"id": ids, "label": y, "challenger": scores[0.2]})
    champion = np.nan if inputs.is_first else scores[0.1]
    save_table(root / render_report.PREDICTIONS, predictions)
    known = pd.DataFrame({"id": ids, "champion": champion}).astype({"champion": float})
    save_table(root / render_report.CHAMPION_SCORES, known)
    if not inputs.is_first:
        save_champion(root)


def undrawn() -> ReportInputs:
    """A run whose scores were refused: the report without pictures, which take their time."""
    found = {**reports.failing().comparison, "metrics": [], "slices": [], "fairness": []}
    return reports.failing(comparison=found)


def save_champion(root: Path) -> None:
    champion = Champion(
        schema=1,
        model="flight-delay",
        digest="sha256:" + "4d1e" * 16,
        package_md5="0" * 32 + ".dir",
        as_of="2013-04-02T00:00:00Z",
        approved_by="maria",
        reason="first model",
    )
    save_text(champion_path(root, "flight-delay"), render_champion(champion))


def render(root: Path, monkeypatch, *arguments: str) -> int:
    monkeypatch.chdir(root)
    return render_report.main(list(arguments))


def contents(root: Path) -> dict[str, str]:
    """A digest of every file below `root`."""
    files = (path for path in root.rglob("*") if path.is_file() and ".git/" not in f"{path}")
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    run = subprocess.run(
        ["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True
    )
    return run.stdout.strip()


def report_of(root: Path, name: str = "report.md") -> str:
    return (root / render_report.REPORT / name).read_text(encoding="utf-8")


def test_a_finished_run_gives_both_texts_and_every_picture(tmp_path, monkeypatch, capsys):
    make_run(tmp_path)
    code = render(tmp_path, monkeypatch, "--trigger-type=data_drift", "--trigger-priority=high")
    assert code == 0
    assert sorted(p.stem for p in (tmp_path / "artifacts/report/plots").iterdir()) == PNGS
    markdown, page = report_of(tmp_path), report_of(tmp_path, "report.html")
    assert markdown.startswith("# ✅ PASS: ")
    assert "data_drift (high)" in markdown
    linked = re.findall(r'src="([^"]+)"', markdown)
    assert len(linked) == 5
    assert all((tmp_path / render_report.REPORT / path).is_file() for path in linked)
    assert page.count('<svg viewBox="0 0') == 5
    assert "var(--challenger)" in page
    assert "approved by maria" in page
    assert "report.html" in capsys.readouterr().out


def test_nothing_outside_the_report_is_changed(tmp_path, monkeypatch):
    make_run(tmp_path)
    before = contents(tmp_path)
    render(tmp_path, monkeypatch)
    after = contents(tmp_path)
    added = {name for name in after if name not in before}
    assert all(name.startswith("artifacts/report/") for name in added)
    assert {name: after[name] for name in before} == before


def test_the_same_run_gives_the_same_bytes_and_leaves_nothing_of_an_earlier_report(
    tmp_path, monkeypatch
):
    make_run(tmp_path)
    render(tmp_path, monkeypatch)
    first = contents(tmp_path)
    save_text(tmp_path / "artifacts/report/plots/old.png", "of an earlier report")
    save_text(tmp_path / "artifacts/.report.1.new/report.md", "of a run that was killed")
    render(tmp_path, monkeypatch)
    assert contents(tmp_path) == first


def test_a_first_model_has_a_report_too(tmp_path, monkeypatch):
    make_run(tmp_path, reports.first())
    assert render(tmp_path, monkeypatch) == 0
    assert "a first model, a person decides" in report_of(tmp_path)
    pictures = sorted(p.stem for p in (tmp_path / "artifacts/report/plots").iterdir())
    assert pictures == [name for name in PNGS if name != "differences"]


def test_refused_scores_make_a_report_without_pictures(tmp_path, monkeypatch):
    make_run(tmp_path, undrawn())
    path = tmp_path / render_report.PREDICTIONS
    save_table(path, pd.read_parquet(path).assign(challenger=np.nan))
    assert render(tmp_path, monkeypatch) == 0
    assert list((tmp_path / "artifacts/report/plots").iterdir()) == []


def test_every_missing_input_is_named_in_one_error(tmp_path, monkeypatch, capsys):
    make_run(tmp_path, undrawn())
    (tmp_path / "artifacts/timings.json").unlink()
    (tmp_path / render_report.PREDICTIONS).unlink()
    assert render(tmp_path, monkeypatch) == 3
    error = capsys.readouterr().err
    assert "lacks 2 of 12 inputs" in error
    assert "artifacts/timings.json" in error
    assert render_report.PREDICTIONS in error
    assert "dvc repro" in error
    assert "Traceback" not in error
    assert not (tmp_path / "artifacts/report").exists()


def test_an_artifact_of_another_version_is_an_error_and_keeps_the_report(
    tmp_path, monkeypatch, capsys
):
    make_run(tmp_path, undrawn())
    render(tmp_path, monkeypatch)
    before = report_of(tmp_path)
    save_json(tmp_path / "artifacts/split/summary.json", {"method": "time"})
    assert render(tmp_path, monkeypatch) == 3
    assert "dvc repro --force" in capsys.readouterr().err
    assert report_of(tmp_path) == before


def test_scores_of_other_rows_are_not_drawn_together(tmp_path, monkeypatch, capsys):
    make_run(tmp_path)
    path = tmp_path / render_report.CHAMPION_SCORES
    save_table(path, pd.read_parquet(path).iloc[::-1].reset_index(drop=True))
    assert render(tmp_path, monkeypatch) == 3
    assert "its rows are not those of" in capsys.readouterr().err


def test_a_broken_configuration_has_its_own_exit_code(tmp_path, monkeypatch):
    make_run(tmp_path, undrawn())
    save_text(tmp_path / "params.yaml", "collect: 1\n")
    assert render(tmp_path, monkeypatch) == 2


def test_the_champions_parameters_are_compared_where_its_package_is_at_hand(tmp_path, monkeypatch):
    make_run(tmp_path, undrawn())
    render(tmp_path, monkeypatch)
    assert "of 4 changed" not in report_of(tmp_path)
    folder = fetched_package(tmp_path, "sha256:" + "4d1e" * 16)
    save_json(folder / "params.json", {"learning_rate": 0.05, "max_iter": 150, "depth": 3})
    render(tmp_path, monkeypatch)
    assert "3 of 4 changed" in report_of(tmp_path)


def test_the_package_is_named_by_the_digest_of_its_manifest(tmp_path, monkeypatch):
    make_run(tmp_path, undrawn())
    save_text(tmp_path / "artifacts/package/manifest.json", "{}\n")
    render(tmp_path, monkeypatch)
    assert f"sha256:{hashlib.sha256(b'{}' + bytes([10])).hexdigest()}" in report_of(tmp_path)


def test_outside_git_the_report_says_that_the_commit_is_not_known(tmp_path, monkeypatch):
    make_run(tmp_path, undrawn())
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    render(tmp_path, monkeypatch)
    assert "the commit is not known" in report_of(tmp_path)
    assert not re.search("^git checkout", report_of(tmp_path), re.MULTILINE)


def test_in_git_the_report_names_the_commit_and_what_differed(tmp_path, monkeypatch):
    make_run(tmp_path, undrawn())
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message=start")
    head = git(tmp_path, "rev-parse", "HEAD")
    save_text(tmp_path / "params.yaml", PARAMS.replace("2013-07-02", "2013-08-02"))
    save_text(tmp_path / "dvc.lock", "what a retrain writes")
    render(tmp_path, monkeypatch)
    assert f"git checkout {head}" in report_of(tmp_path)
    assert "--as-of 2013-08-02T00:00:00Z" in report_of(tmp_path)
    assert "Files differed" not in report_of(tmp_path)

    save_text(tmp_path / "params.yaml", re.sub(r"trials: \d+", "trials: 99", PARAMS))
    save_text(tmp_path / "configs/gates.yaml", reports.GATES + "\n")
    save_text(tmp_path / "new file.py", "")
    render(tmp_path, monkeypatch)
    differed = "configs/gates.yaml, new file.py, params.yaml"
    assert f"Files differed from that commit: {differed}." in report_of(tmp_path)


def test_every_document_that_the_report_reads_is_an_output_of_a_stage():
    pipeline = (Path(__file__).parents[2] / "dvc.yaml").read_text(encoding="utf-8")
    tables = [render_report.PREDICTIONS, render_report.CHAMPION_SCORES, render_report.TRIALS]
    named = [*render_report.DOCUMENTS.values(), render_report.TIMINGS, *tables]
    assert [name for name in named if name not in pipeline] == []
