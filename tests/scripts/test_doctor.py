"""The doctor as people run it: every check, one line each, and no secret."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.doctoring.examine import CHECKS, FORGE_CHECKS, examine
from pipeline.doctoring.finding import Health, fault
from scripts import doctor
from tests.doctoring.checkouts import NOTHING, make_checkout, situation_of
from tests.repository import ROOT
from tests.servers import github_recorder
from tests.servers.github_standin import GitHubStandIn
from tests.servers.ports import free_port
from tests.test_light import BLOCKED


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "checkout")


def test_every_check_says_something_on_one_line(root: Path, tmp_path: Path) -> None:
    with github_recorder.running(GitHubStandIn(tmp_path / "bare.git")) as github:
        assert isinstance(github, GitHubStandIn)
        findings = list(examine(situation_of(root, github)))
    assert len(findings) >= len(CHECKS) + len(FORGE_CHECKS) - 1
    assert not any("\n" in str(finding) for finding in findings)
    assert all(finding.mend for finding in findings if finding.health is Health.FAULT)


def test_offline_it_looks_at_the_files_of_the_checkout_alone(root: Path) -> None:
    environment = {"GITHUB_TOKEN": "ghs_token", "PROMETHEUS_URL": "http://127.0.0.1:9"}
    seen = situation_of(root, **environment)
    subjects = {finding.subject for finding in examine(seen, is_offline=True)}
    assert subjects == {"configuration", "use case", "dvc.lock"}
    (root / "params.yaml").unlink()
    faults = [f for f in examine(seen, is_offline=True) if f.health is Health.FAULT]
    assert "params.yaml" in {finding.subject for finding in faults}


def test_what_breaks_in_one_check_is_its_finding_and_no_other_misses_out(root: Path) -> None:
    (root / "configs/usecase.yaml").write_text("model: [")
    (root / "params.yaml").unlink()
    found = {finding.subject: finding for finding in examine(situation_of(root))}
    assert found["servers"].health is Health.FAULT
    assert found["configs/usecase.yaml"].health is Health.FAULT
    assert found["params.yaml"].health is Health.FAULT
    assert "python" in found
    assert found["GitHub"].health is Health.SKIPPED


def test_a_check_that_breaks_in_a_way_nobody_foresaw_is_its_finding_too(root: Path) -> None:
    (root / ".dvc/config").write_text("no section\n")
    (root / "dvc.lock").write_bytes(b"\xff\xfe")
    found = {finding.subject: finding for finding in examine(situation_of(root))}
    assert "MissingSectionHeaderError" in found["dvc remote"].text
    assert "UnicodeDecodeError" in found["lock"].text
    assert {found["dvc remote"].health, found["lock"].health} == {Health.FAULT}
    assert {"registry", "metrics", "GitHub"} <= set(found)


def test_a_secret_is_found_in_whatever_form_the_environment_has_it(root: Path) -> None:
    hook = "https://hooks.example/services/T0/B0/x7x7x7"
    url = "http://ann:hun@ter22@127.0.0.1/"
    secrets = situation_of(root, ALERT_WEBHOOK_URL=hook, MLFLOW_TRACKING_URI=url).secrets()
    told = fault(f"sent to {hook}", "hun@ter22 was refused", f"look at {hook}").without(secrets)
    assert not any(secret in str(told) for secret in ("x7x7x7", "ter22"))


def test_what_no_secret_can_be_garbles_no_sentence(root: Path) -> None:
    url = "postgresql+psycopg://ann:e@127.0.0.1:9/db?user=u&sslmode=disable"
    lines = [str(found) for found in examine(situation_of(root, WAREHOUSE_URL=url))]
    [warehouse] = [line for line in lines if "127.0.0.1" in line]
    assert "refused" in warehouse
    assert "ann:e@" not in warehouse


def test_no_secret_is_shown_whatever_fails(root: Path) -> None:
    port = free_port()
    secrets = {
        "WAREHOUSE_URL": f"postgresql+psycopg://ann:hunter22@127.0.0.1:{port}/db",
        "MLFLOW_TRACKING_URI": f"http://ann:hunter22@127.0.0.1:{port}/?token=hunter22",
        "PROMETHEUS_URL": f"http://ann:hunter22@127.0.0.1:{port}/?api_key=tiger-33",
        "PROMETHEUS_TOKEN": "hunter22",
    }
    lines = [str(finding) for finding in examine(situation_of(root, **secrets))]
    assert sum("127.0.0.1" in line for line in lines) == 3
    assert not any("hunter22" in line or "tiger-33" in line for line in lines)


def test_a_fault_is_exit_code_1_and_quiet_leaves_out_what_is_well(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor.run(situation_of(root), is_quiet=True) == 1
    told = capsys.readouterr().out
    assert "\nok " not in f"\n{told.rpartition(chr(10) * 2)[0]}"
    assert "fault" in told.splitlines()[-1]


def test_with_the_light_install_it_runs_and_tells_what_it_did_not_check(root: Path) -> None:
    config = root / ".dvc/config"
    config.write_text(config.read_text().replace("url = storage", "url = s3://bucket/path"))
    code = f"{BLOCKED}\nfrom scripts.doctor import main\nsys.exit(main([]))"
    environment = {**NOTHING, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "light install" in done.stdout
    assert "not checked  DVC remote" in done.stdout
