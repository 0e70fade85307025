"""Commands that keep running: started as their page says, asked whether they are well, stopped."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM

import pytest

from pipeline.champion import champion_path, render_champion
from tests.docs.conftest import Open
from tests.docs.pages import fences, words
from tests.docs.shell import Shell, Then
from tests.repository import ROOT, commit, git
from tests.rollouts import MODEL, champion_of
from tests.servers.binaries import wait_for, wait_until_ready
from tests.servers.model_server import build_tiny_package
from tests.servers.ports import free_port, stop

RELAY = "python -m scripts.relay_alerts --spool /var/lib/relay"
SERVE = "python -m scripts.serve_model --package artifacts/package --digest sha256:… --port 8081"
ASK = "curl -si -H 'x-user-id: 1' -d '{}' …/predict | grep x-model-version"
RECORD = "python -m scripts.record_metrics --apply"
SERVE_FETCHED = SERVE.replace("artifacts/package", "/srv/models/VERSION")
TRAFFIC = "python serve_traffic.py"
WATCH = "python -m scripts.watch_rollout --apply"
COMMANDS = {RELAY, f"{RELAY} --apply", SERVE, SERVE_FETCHED, ASK, RECORD, TRAFFIC, WATCH}
SERVING = {
    "backends": {"file": "addresses.yaml"},
    "metrics": {"file": "samples.jsonl"},
    "traffic": {"folder": "traffic", "port": 1, "metrics_port": 2},
}


@contextmanager
def started(shell: Shell, typed: str, port: int, path: str = "healthz") -> Iterator[str]:
    """The address of what `typed` serves, while it does."""
    log = shell.folder / f"server-{port}.log"
    with log.open("wb") as output:
        server = subprocess.Popen(words(shell.filled(typed)), stdout=output, stderr=output)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/{path}", server, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(server)
    assert server.returncode in (0, -SIGTERM), log.read_text()  # as the signal asked


@pytest.mark.parametrize("command", [RELAY, f"{RELAY} --apply"])
def test_the_relay_starts(
    command: str, tmp_path: Path, shell: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rollouts/flight-delay").mkdir(parents=True)
    reader, port = shell(tmp_path, **{"/var/lib/relay": "spool"}), free_port()
    for name, value in (
        ("PYTHONPATH", str(ROOT)),
        ("RELAY_SECRET", "good for nothing but this"),
        ("GITHUB_TOKEN", "good-for-nothing"),
        ("GITHUB_REPOSITORY", "octo/model"),
    ):
        monkeypatch.setenv(name, value)
    with started(reader, f"{command} --port {port}", port):
        assert (tmp_path / "spool").exists() == command.endswith("--apply")


def test_the_model_server_starts_and_names_its_version_and_its_counts_are_recorded(
    tmp_path: Path, shell: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, port = build_tiny_package(tmp_path / "artifacts/package"), free_port()
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    reader = shell(tmp_path, **{"sha256:…": digest, "8081": str(port)})
    with started(reader, SERVE, port) as url:
        reader.values = {"…/predict": f"{url}/predict"}
        assert digest[7:19] in reader.check(ASK, Then(says="x-model-version: "))
        version = f"2013-07-02-{digest[7:19]}"
        (tmp_path / "addresses.yaml").write_text(json.dumps({version: f"127.0.0.1:{port}"}))
        assert "not read" not in recorded(tmp_path)


def recorded(folder: Path) -> str:
    """What the recorder says of the servers in addresses.yaml, until it has written its samples."""
    shutil.copytree(ROOT / "configs", folder / "configs")
    serving = json.dumps({"serving": {"default": SERVING}})  # JSON is YAML
    (folder / "configs/serving.yaml").write_text(serving)
    log = folder / "recorder.log"
    with log.open("wb") as output:
        recorder = subprocess.Popen(words(RECORD), cwd=folder, stdout=output, stderr=output)
    try:
        wait_for((folder / "samples.jsonl").exists, 30, log.read_text)
    finally:
        stop(recorder)
    assert recorder.returncode == 0
    return log.read_text()


def test_from_nothing_a_champion_has_users_and_a_watchdog(
    tmp_path_factory: pytest.TempPathFactory, shell: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("n")  # short, as the path of Envoy's socket must be
    package, machine = folder / "package", folder / "machine"
    digest = build_tiny_package(package)
    version = f"2013-07-02-{digest[7:19]}"
    approve(folder / "origin", digest)
    git(folder, "clone", "--quiet", "origin", "machine")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    model, users, metrics = free_port(), free_port(), free_port()
    values = {"8081": model, "8080": users, "9901": metrics, "sha256:…": digest}
    values |= {"/srv/models/VERSION": package, "VERSION": version}
    reader = shell(machine, **{name: str(value) for name, value in values.items()})
    page = ROOT / "docs/traffic.md"
    [start] = fences(page, {"python"})
    [addresses] = [text for text in fences(page, {"yaml"}) if text.startswith("VERSION: ")]
    (machine / "serve_traffic.py").write_text(reader.filled(start))
    with started(reader, SERVE_FETCHED, model), started(reader, TRAFFIC, metrics, "metrics"):
        (machine / ".serving/flight-delay/addresses.yaml").write_text(reader.filled(addresses))
        assert "watching: a look each 5 s" in watched(machine)
        reader.values = {"…/predict": f"http://127.0.0.1:{users}/predict"}
        reader.check(ASK, Then(says=f"x-model-version: {version}"))


def approve(origin: Path, digest: str) -> None:
    """A repository in which a person approved the first champion."""
    shutil.copytree(ROOT / "configs", origin / "configs")
    path = champion_path(origin, MODEL)
    path.parent.mkdir(parents=True)
    path.write_text(render_champion(champion_of("a").model_copy(update={"digest": digest})))
    git(origin, "init", "--quiet", "--initial-branch=main")
    commit(origin, "Approve the first champion")


def watched(folder: Path) -> str:
    """What the watchdog says until a signal stops it."""
    log = folder / "watchdog.log"
    with log.open("wb") as output:
        watchdog = subprocess.Popen(words(WATCH), cwd=folder, stdout=output, stderr=output)
    try:
        wait_for(lambda: "watching" in log.read_text(), 30, log.read_text)
    finally:
        stop(watchdog)
    assert watchdog.returncode == 0
    return log.read_text()
