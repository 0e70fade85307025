"""A real S3-compatible server on 127.0.0.1: moto in a process of its own, stopped by its id."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import requests

from tests.servers.ports import free_port, stop

START_SECONDS = 60


@dataclass(frozen=True)
class S3:
    """A running server. It takes any key pair; `environment` is what its clients need."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": "test-key",
            "AWS_SECRET_ACCESS_KEY": "test-secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self):  # boto3's clients have no type of their own
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id="test-key",
            aws_secret_access_key="test-secret",  # noqa: S106 (a server of our own)
            region_name="us-east-1",
        )


@contextmanager
def running(folder: Path) -> Iterator[S3]:
    """A server for as long as the block lasts; its log is in `folder`."""
    port = free_port()
    log = (folder / "s3.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=folder,
    )
    try:
        server = S3(f"http://127.0.0.1:{port}")
        _wait_until_ready(server, process)
        yield server
    finally:
        stop(process)
        log.close()


def _wait_until_ready(server: S3, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{server.url}/moto-api/", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise RuntimeError(f"the S3 server did not start within {START_SECONDS} s: see s3.log")
