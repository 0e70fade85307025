import shutil

import pytest

from pipeline.champion import load_champion
from pipeline.core.quality.facts import REHEARSAL
from pipeline.jsonio import save_json
from scripts.rehearse_rollback import main
from tests.core import quality_runs as runs
from tests.repository import commit, git
from tests.scripts.finished_run import challenger_of, change, document, finished_run, store_package

MANIFEST = "rollouts/flight-delay/rollout.yaml"


@pytest.fixture
def root(tmp_path, monkeypatch):
    repository = finished_run(tmp_path / "flights")
    monkeypatch.chdir(repository)
    return repository


def steps(root):
    return {step["name"]: step["verdict"] for step in document(root, REHEARSAL)["steps"]}


def everything(root):
    """Every file and reference of the checkout but the record of the rehearsal."""
    files = {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}
    return {p: raw for p, raw in files.items() if p != root / REHEARSAL and p.name != "index"}


def test_a_sound_proposal_comes_back_as_it_was(root, capsys):
    assert main([]) == 0
    found = document(root, REHEARSAL)
    assert found["verdict"] == "PASS"
    assert found["challenger"] == challenger_of(root)
    assert found["champion"] == runs.CHAMPION
    assert found["base"] == git(root, "rev-parse", "HEAD").strip()
    assert steps(root) == dict.fromkeys(
        (
            "the proposal is a commit",
            "it merges",
            "the merge is reverted",
            "the champion is the same",
            "it is reverted after a stage went by",
            "the controller goes back",
            "the champion's package can be had",
        ),
        "PASS",
    )
    assert "Rollback of flight-delay 2013-07-02-" in capsys.readouterr().out


def test_the_checkout_is_not_touched(root):
    before, status = everything(root), git(root, "status", "--porcelain")
    assert main([]) == 0
    assert everything(root) == before
    added = set(git(root, "status", "--porcelain").splitlines()) - set(status.splitlines())
    assert added <= {"?? artifacts/gates/"}


def test_a_second_rehearsal_says_the_same_but_for_the_time_it_took(root):
    main([])
    first = document(root, REHEARSAL)
    main([])
    second = document(root, REHEARSAL)
    assert first.pop("seconds") >= 0
    assert second.pop("seconds") >= 0
    assert first == second


def test_a_branch_is_rehearsed_as_it_is(root):
    git(root, "checkout", "--quiet", "-b", "proposal")
    (root / MANIFEST).write_text("not: a manifest\n")
    commit(root, "Propose")
    git(root, "checkout", "--quiet", "main")
    assert main(["--base=main", "--branch=proposal"]) == 1
    assert steps(root)["the controller goes back"] == "FAIL"
    assert steps(root)["the merge is reverted"] == "PASS"


def test_a_branch_that_no_longer_merges_fails(root):
    git(root, "checkout", "--quiet", "-b", "proposal")
    (root / MANIFEST).write_text("one: 1\n")
    commit(root, "Propose")
    git(root, "checkout", "--quiet", "main")
    (root / MANIFEST).write_text("another: 2\n")
    git(root, "add", MANIFEST)
    git(root, "commit", "--quiet", "--message=Meanwhile")
    assert main(["--base=main", "--branch=proposal"]) == 1
    assert steps(root)["it merges"] == "FAIL"


def test_a_branch_that_changes_nothing_that_serves_is_no_rehearsal(root):
    git(root, "branch", "proposal")
    assert main(["--branch=proposal"]) == 0
    found = document(root, REHEARSAL)
    assert found["verdict"] == "INCONCLUSIVE"
    assert list(steps(root)) == ["the proposal is a commit", "the champion's package can be had"]


# ---------------------------------------------------------------- the champion's package


def forget_package(root):
    shutil.rmtree(root / ".dvc/cache")
    (root / ".dvc/cache").mkdir()


def test_a_champion_whose_package_is_gone_fails(root):
    forget_package(root)
    assert main([]) == 1
    assert steps(root)["the champion's package can be had"] == "FAIL"


def test_a_champion_whose_package_is_damaged_fails(root):
    md5 = load_champion(root, runs.MODEL).package_md5
    (root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).write_text("[]")
    assert main([]) == 1


def test_a_package_in_a_remote_that_is_a_folder_passes(root):
    forget_package(root)
    store_package(root, "storage", {"manifest.json": b"{}", "model.skops": b"m"})
    assert main([]) == 0
    assert "is whole in the DVC remote." in document(root, REHEARSAL)["steps"][-1]["reason"]


def test_a_package_that_may_be_in_a_bucket_is_inconclusive(root):
    forget_package(root)
    (root / ".dvc/config").write_text(
        "[core]\n    remote = s\n['remote \"s\"']\n    url = s3://b\n"
    )
    assert main([]) == 0
    assert document(root, REHEARSAL)["verdict"] == "INCONCLUSIVE"


def test_a_machine_without_packages_keeps_what_another_one_found(root):
    assert main([]) == 0
    shutil.rmtree(root / ".dvc/cache")
    assert main([]) == 0
    assert document(root, REHEARSAL)["verdict"] == "PASS"


def test_what_was_found_of_another_champion_counts_for_nothing(root):
    assert main([]) == 0
    change(root, REHEARSAL, champion=runs.OTHER)
    shutil.rmtree(root / ".dvc/cache")
    assert main([]) == 0
    assert document(root, REHEARSAL)["verdict"] == "INCONCLUSIVE"


def test_a_package_that_is_gone_is_not_found_by_what_was_recorded(root):
    assert main([]) == 0
    forget_package(root)
    (root / ".dvc/storage").mkdir()
    assert main([]) == 1


# ---------------------------------------------------------------- what cannot be rehearsed


def test_without_a_champion_there_is_nothing_to_go_back_to(root):
    (root / "rollouts/flight-delay/champion.yaml").write_text("# none yet\n")
    commit(root, "Start over")
    assert main([]) == 0
    assert document(root, REHEARSAL)["verdict"] == "INCONCLUSIVE"


def test_without_a_package_it_is_an_error_that_says_what_to_do(root, capsys):
    shutil.rmtree(root / "artifacts/package")
    assert main([]) == 3
    assert "run `dvc repro`" in capsys.readouterr().err
    assert not (root / REHEARSAL).exists()


def test_hooks_and_settings_of_the_person_are_left_out(root, monkeypatch, tmp_path):
    settings = tmp_path / "gitconfig"
    settings.write_text("[commit]\n    gpgsign = true\n[user]\n    signingkey = nobody\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    hook = root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    assert main([]) == 0


def test_a_shallow_clone_can_be_rehearsed(root, tmp_path, monkeypatch):
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{root}", "shallow")
    shallow = tmp_path / "shallow"
    shutil.copytree(root / "artifacts", shallow / "artifacts")
    shutil.copytree(root / ".dvc/cache", shallow / ".dvc/cache")
    shutil.copyfile(root / "dvc.lock", shallow / "dvc.lock")
    monkeypatch.chdir(shallow)
    assert main([]) == 0
    assert document(shallow, REHEARSAL)["verdict"] == "PASS"


def test_the_record_of_an_earlier_rehearsal_is_no_part_of_what_is_compared(root):
    save_json(root / REHEARSAL, {"verdict": "FAIL"})
    assert main([]) == 0
