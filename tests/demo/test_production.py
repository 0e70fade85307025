"""The demo reaches nothing outside itself, and starts each of its servers once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.demo.checkout import commit, git, own_environment
from pipeline.demo.production import production

OUT = (
    *("ALERT_WEBHOOK_URL", "GITHUB_REPOSITORY", "GITHUB_STEP_SUMMARY", "GITHUB_TOKEN"),
    *("METRICS_TOKEN", "MLFLOW_TRACKING_TOKEN", "PROMETHEUS_TOKEN", "PROMETHEUS_URL"),
)


def test_no_way_out_of_the_demo_is_in_the_variables_of_its_processes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (*OUT, "WAREHOUSE_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "https://production.example")
    found = own_environment(MORE="x")
    assert "https://production.example" not in found.values()
    assert (found["MORE"], found["PATH"]) == ("x", os.environ["PATH"])


def test_a_user_who_signs_commits_and_has_hooks_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = tmp_path / "hooks" / "pre-commit"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    signs = "[commit]\n gpgSign = true\n[gpg]\n program = /bin/false\n"
    settings = f"{signs}[core]\n hooksPath = {hook.parent}\n"
    (tmp_path / "gitconfig").write_text(settings)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "demo")
    commit(tmp_path / "demo", "Start")
    assert git(tmp_path / "demo", "log", "--format=%s %an") == "Start demo\n"


def test_a_second_rollout_goes_on_with_the_servers_of_the_first(tmp_path: Path) -> None:
    with production(tmp_path, "flight-delay", tmp_path / "logs") as place:
        addresses = []
        for _ in range(2):
            place.start_registry()
            place.start_model("v1", f"sha256:{'a' * 64}")
            addresses.append((place.registry_url, place.labels.address_of("v1")))
    assert addresses[0] == addresses[1]
    assert len(list((tmp_path / "logs").iterdir())) == 2
