"""A real PostgreSQL on 127.0.0.1, in a folder of its own, stopped by its own process id."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.servers.ports import free_port

START_SECONDS = 60
NAMES = count()


@dataclass(frozen=True)
class Postgres:
    """A running server; the password is real and needed."""

    port: int
    password: str

    def new_database(self) -> str:
        """The SQLAlchemy URL of an empty database that sorts text as English does, not by bytes."""
        name = f"warehouse_{next(NAMES)}"
        with self.connect() as connection:
            connection.execute(
                f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
            )
        return self.url(name)

    def url(self, database: str, password: str | None = None) -> str:
        secret = password or self.password
        return f"postgresql+psycopg://postgres:{secret}@127.0.0.1:{self.port}/{database}"

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            password=self.password,
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        )


@contextmanager
def running() -> Iterator[Postgres]:
    """A server for as long as the block lasts; skips without the binaries, but fails in CI."""
    initdb, postgres = _binary("initdb"), _binary("postgres")
    folder = Path(tempfile.mkdtemp(prefix="perennial-postgres-"))  # root's pytest folder is closed
    try:
        with _server(initdb, postgres, folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _server(initdb: str, postgres: str, folder: Path) -> Iterator[Postgres]:
    server = Postgres(free_port(), secrets.token_hex(12))
    secret, log = folder / "password", folder / "log"
    secret.write_text(server.password)
    owner = _owner()
    for path in (folder, secret) if owner else ():
        shutil.chown(path, **owner)
    data = str(folder / "data")
    options = ["--auth=scram-sha-256", f"--pwfile={secret}", "--username=postgres", "--no-sync"]
    subprocess.run(
        [initdb, "-D", data, "--encoding=UTF8", "--locale=C", *options],
        check=True,
        capture_output=True,
        cwd=folder,
        **owner,
    )
    settings = ["-h", "127.0.0.1", "-p", str(server.port), "-k", "", "-F"]  # -F: no fsync
    settings += ["-c", "timezone=America/New_York"]  # a server whose zone is not UTC
    with log.open("wb") as output:
        process = subprocess.Popen(
            [postgres, "-D", data, *settings], stdout=output, stderr=output, cwd=folder, **owner
        )
    try:
        _await(server, process, log)
        yield server
    finally:
        _stop(process)


def _binary(name: str) -> str:
    beside = [str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"))[::-1]]
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *beside]))
    if found is None:
        reason = f"{name} is not in PATH or /usr/lib/postgresql/*/bin: install PostgreSQL's server"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return found


def _owner() -> dict[str, Any]:
    """PostgreSQL refuses to run as root, so root drops to the user postgres."""
    return {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}


def _await(server: Postgres, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.connect().close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start:\n{log.read_text()}")
            time.sleep(0.05)
        else:
            return


def _stop(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGQUIT)  # at once, without a last checkpoint: nothing is kept
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
