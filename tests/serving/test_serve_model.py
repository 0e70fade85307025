"""scripts/serve_model.py as a process."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.servers import load, model_server
from tests.servers.binaries import wait_for

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package") / "package"
    return folder, model_server.build_tiny_package(folder)


def test_it_serves_the_package_and_a_term_answers_what_is_under_way(package, tmp_path):
    with model_server.running(tmp_path, *package, faulty=True) as server:
        assert requests.post(f"{server.url}/predict", data=model_server.BODY, timeout=10).ok
        server.misbehave(delay_seconds=0.5)
        with load.running(server.port, ["a"], workers=1, body=model_server.BODY) as users:
            time.sleep(0.2)
            server.process.terminate()
            wait_for(lambda: users.answers, 30)
        assert users.answers[0].status == 200
        assert server.process.wait(30) in (0, -15)


def test_a_wrong_digest_is_said_and_nothing_listens(package):
    folder, _ = package
    digest = "sha256:" + "0" * 64
    arguments = ["--package", str(folder), "--digest", digest, "--port", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "scripts.serve_model", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert f"expected {digest}" in done.stderr
    assert "Traceback" not in done.stderr
