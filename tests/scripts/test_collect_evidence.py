import json
import shutil

import pytest

from pipeline.core.evidence import MANIFEST, TO_COME
from pipeline.core.quality.facts import TIMINGS
from scripts import assess_gates, rehearse_rollback
from scripts.collect_evidence import EVIDENCE, main
from tests.core import quality_runs as runs
from tests.repository import git
from tests.scripts.finished_run import PNG, challenger_of, change, document, finished_run

SECRET = "postgresql://bob:hunter2@db.example/flights"  # noqa: S105 (a test's)


@pytest.fixture
def root(tmp_path, monkeypatch):
    repository = finished_run(tmp_path / "flights")
    monkeypatch.chdir(repository)
    monkeypatch.delenv("PROMETHEUS_URL", raising=False)
    assert rehearse_rollback.main([]) == 0
    assert assess_gates.main(["--local", f"--retrain={runs.RETRAIN_ID}"]) == 0
    return repository


def home(root):
    return root / EVIDENCE / "flight-delay" / f"2013-07-02-{challenger_of(root)[7:19]}"


def files(folder):
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_without_apply_the_plan_is_printed_and_nothing_is_written(root, capsys):
    assert main([]) == 0
    assert "add reports/model-comparison.md" in capsys.readouterr().out
    assert not (root / "evidence").exists()


def test_it_has_the_structure_of_the_protocol(root):
    assert main(["--apply"]) == 0
    found = files(home(root))
    for path in (
        "configs/trigger-config.yaml",
        "configs/rollout-plan.yaml",
        "configs/gates.yaml",
        "scripts/retraining_pipeline.py",
        "scripts/retraining_pipeline.yaml",
        "reports/model-comparison.md",
        "reports/ab-test-results.json",
        "reports/rollout-plan.md",
        "reports/rollout-summary.md",
        "reports/plots/roc.png",
        "artifacts/model.json",
        "artifacts/evaluation-metrics.json",
        "artifacts/reference.json",
        "artifacts/deployment-checklist.md",
        "artifacts/rollback-rehearsal.json",
        "manifest.json",
    ):
        assert path in found
    copied = (root / "scripts/retrain.py").read_bytes()
    assert found["scripts/retraining_pipeline.py"] == copied
    manifest = json.loads(found[MANIFEST])
    named = {*found, *manifest["absent"]}
    assert {"scripts/ab_testing.py", "scripts/rollout_controller.py"} <= named


def test_what_the_repository_does_not_have_is_named_as_absent(root):
    (root / "pipeline/core/abtest/verdict.py").unlink(missing_ok=True)
    main(["--apply"])
    absent = document(root, home(root) / MANIFEST)["absent"]
    reason = "pipeline/core/abtest/verdict.py is not in this repository"
    assert absent["scripts/ab_testing.py"] == reason


def test_the_manifest_names_the_commit_the_data_and_the_model(root):
    main(["--apply"])
    subject = document(root, home(root) / MANIFEST)["subject"]
    assert subject["commit"] == git(root, "rev-parse", "HEAD").strip()
    assert subject["digest"] == challenger_of(root)
    assert subject["champion"] == runs.CHAMPION
    assert subject["data_digest"] == "sha256:" + "c0de" * 16
    assert subject["changed"] == []
    model = document(root, home(root) / "artifacts/model.json")
    assert model["digest"] == challenger_of(root)
    assert model["package_md5"].endswith(".dir")


def test_code_that_differs_from_the_commit_is_named(root):
    (root / "pipeline/paths.py").write_text("# edited\n")
    main(["--apply"])
    assert document(root, home(root) / MANIFEST)["subject"]["changed"] == ["pipeline/paths.py"]


def test_the_same_run_gives_the_same_bytes_whatever_it_cost(root):
    main(["--apply"])
    first = files(home(root))
    shutil.rmtree(root / "evidence")
    report = root / "artifacts/report/report.md"
    report.write_text(report.read_text().replace("29.8 s", "31.4 s").replace("148.6", "151.2"))
    change(root, TIMINGS, split={"seconds": 3.0, "cores": 2})
    change(root, "artifacts/gates/rollback-rehearsal.json", seconds=99.9)
    main(["--apply"])
    assert files(home(root)) == first


def test_the_report_keeps_its_plots_and_loses_its_costs(root):
    main(["--apply"])
    text = (home(root) / "reports/model-comparison.md").read_text()
    assert '<img src="plots/roc.png" alt="ROC curve"' in text
    assert (home(root) / "reports/plots/roc.png").read_bytes() == PNG
    assert "29.8 s" not in text
    assert "148.6" not in text
    assert "How to reproduce" in text


def test_no_byte_of_data_or_model_is_in_it(root):
    main(["--apply"])
    model = (root / "artifacts/package/model.skops").read_bytes()
    assert all(model not in raw for raw in files(home(root)).values())
    assert not any(path.endswith((".parquet", ".skops", ".pkl")) for path in files(home(root)))


def test_a_second_collection_changes_nothing(root, capsys):
    main(["--apply"])
    before = {p: p.stat().st_mtime_ns for p in home(root).rglob("*")}
    assert main(["--apply"]) == 0
    assert "nothing to change" in capsys.readouterr().out
    assert {p: p.stat().st_mtime_ns for p in home(root).rglob("*")} == before


def test_what_a_killed_run_left_beside_it_is_cleared(root):
    left = home(root).parent / f".{home(root).name}.1.new"
    left.mkdir(parents=True)
    assert main(["--apply"]) == 0
    assert [path.name for path in home(root).parent.iterdir()] == [home(root).name]


def test_a_credential_in_a_configuration_is_refused(root, capsys):
    with (root / "configs/triggers.yaml").open("a") as file:
        file.write(f"# {SECRET}\n")
    assert main(["--apply"]) == 2
    said = capsys.readouterr().err
    assert "configs/trigger-config.yaml: seems to hold a credential" in said
    assert "hunter2" not in said
    assert not (root / "evidence").exists()


def test_every_missing_file_is_named_at_once(root, capsys):
    (root / "artifacts/report/report.md").unlink()
    (root / "artifacts/gates/quality-gates.json").unlink()
    assert main([]) == 3
    said = capsys.readouterr().err
    assert "lacks 2 files" in said
    assert "artifacts/gates/quality-gates.json" in said


# ---------------------------------------------------------------- verify


def test_a_sound_package_verifies_and_says_its_digest(root, capsys):
    main(["--apply"])
    capsys.readouterr()
    assert main(["--verify"]) == 0
    digest = capsys.readouterr().out.split()[-1]
    assert main(["--verify", f"--expect={digest}"]) == 0
    assert main(["--verify", "--expect=sha256:" + "0" * 64]) == 1


def test_every_tampered_file_is_named_at_once(root, capsys):
    main(["--apply"])
    (home(root) / "configs/gates.yaml").write_text("lax: true\n")
    (home(root) / "artifacts/model.json").unlink()
    (home(root) / "reports/extra.md").write_text("trust me\n")
    assert main(["--verify"]) == 1
    said = capsys.readouterr().out
    for path in ("configs/gates.yaml", "artifacts/model.json", "reports/extra.md"):
        assert f"  - {path}: " in said


def test_verifying_needs_to_know_which_where_there_are_several(root, capsys):
    main(["--apply"])
    shutil.copytree(home(root), home(root).parent / "2013-06-01-000000000000")
    assert main(["--verify"]) == 3
    assert "Say which with --version" in capsys.readouterr().err
    assert main(["--verify", f"--version={home(root).name}"]) == 0
    assert main(["--verify", "--version=../../../.."]) == 3


# ---------------------------------------------------------------- complete


def test_completing_adds_what_came_later_and_keeps_every_other_byte(root, capsys):
    main(["--apply"])
    before = files(home(root))
    summary = root.parent / "summary.md"
    summary.write_text("# Promoted\n")
    named = ["--complete", f"rollout-summary.md={summary}"]
    assert main([*named, "--note=Promoted", "--apply"]) == 0
    after = files(home(root))
    changed = {path for path in after if after[path] != before.get(path)}
    assert changed == {"reports/rollout-summary.md", MANIFEST}
    capsys.readouterr()
    assert main(["--verify"]) == 0
    assert "Completed since; at first it was sha256:" in capsys.readouterr().out


def test_the_checklist_is_rendered_again_from_the_gates(root):
    main(["--apply"])
    change(root, "artifacts/gates/quality-gates.json", model="renamed")
    assert main(["--complete", "deployment-checklist.md", "--apply"]) == 0
    text = (home(root) / "artifacts/deployment-checklist.md").read_text()
    assert text.startswith("# Deployment checklist: renamed ")


@pytest.mark.parametrize(
    "named", ["gates.yaml=x", "rollout-summary.md", "../x=y", "manifest.json=x"]
)
def test_only_what_was_to_come_may_be_completed(root, named):
    main(["--apply"])
    assert main(["--complete", named, "--apply"]) == 2


def test_a_completed_package_is_not_collected_anew(root, capsys):
    main(["--apply"])
    summary = root.parent / "summary.md"
    summary.write_text("# Stage 1\n")
    main(["--complete", f"rollout-summary.md={summary}", "--apply"])
    completed = files(home(root))
    assert main(["--apply"]) == 0  # the same run: what was completed stays
    assert files(home(root)) == completed
    change(root, "artifacts/evaluate/metrics.json", accuracy=0.9)
    assert main(["--apply"]) == 2
    assert "was completed since it was collected" in capsys.readouterr().err
    assert files(home(root)) == completed


def test_the_files_to_come_are_those_of_the_protocol():
    assert [path.rpartition("/")[2] for path in TO_COME] == [
        "deployment-checklist.md",
        "ab-test-results.json",
        "rollout-summary.md",
    ]
