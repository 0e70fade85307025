"""Relay the alerts of Alertmanager and Grafana to GitHub, as repository_dispatch events.

Prints its plan and listens; without --apply it only logs what it would dispatch and keeps nothing.
The secrets come from the environment: RELAY_SECRET (16 characters or more, what senders give as
`Authorization: Bearer`), GITHUB_TOKEN and GITHUB_REPOSITORY. See docs/alerts.md.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from pipeline.adapters.github import API_URL, GitHub, Patience
from pipeline.adapters.spool import open_spool
from pipeline.core.triggers.payload import AlertPayload
from pipeline.errors import ConfigurationError, exit_code_of
from pipeline.options import new_parser, port
from pipeline.paths import model_names
from pipeline.relay.delivery import Delivery, told

MIN_SECRET_CHARS = 16
REMEMBERED = 10_000
ONE_TRY = Patience(attempts=1)  # the delivery loop is what is patient


@dataclass(frozen=True)
class Settings:
    """What the environment and the folder say."""

    secret: str
    github: GitHub
    models: tuple[str, ...]


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and relay until stopped."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=port, default=9099, help="port to listen on (9099)")
    parser.add_argument("--spool", type=Path, required=True, help="folder for undelivered alerts")
    parser.add_argument("--apply", action="store_true", help="keep the alerts and dispatch them")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: relay(Path.cwd(), arguments))


def relay(root: Path, arguments: argparse.Namespace) -> int:
    """Print the plan, then listen until a signal stops it. Returns 0."""
    settings = read_settings(os.environ, root)
    listener = socket.create_server((arguments.host, arguments.port))
    print(plan_of(settings, arguments), flush=True)
    # Late, since they need the extra `relay`, which `read_settings` looks for.
    from pipeline.relay.app import Relay  # noqa: PLC0415
    from pipeline.relay.server import serve  # noqa: PLC0415

    if not arguments.apply:
        nothing = {"pending": 0, "refused": 0}
        take = DryRun().take
        serve(Relay(settings.secret, settings.models, take, lambda: nothing, log), listener)
        return 0
    with open_spool(arguments.spool) as spool:
        delivery = Delivery(spool, settings.github.dispatch, models=settings.models, log=log)
        take, health = delivery.take, spool.counts
        serve(Relay(settings.secret, settings.models, take, health, log), listener, delivery)
    return 0


def read_settings(environment: Mapping[str, str], root: Path) -> Settings:
    """The settings, or one ConfigurationError with all that is wrong with them."""
    faults = []
    secret = environment.get("RELAY_SECRET", "")
    if len(secret) < MIN_SECRET_CHARS or not secret.isascii() or secret.strip() != secret:
        faults.append(f"RELAY_SECRET: expected {MIN_SECRET_CHARS} or more ASCII characters")
    github = None
    try:
        github = GitHub(
            environment.get("GITHUB_REPOSITORY", ""),
            environment.get("GITHUB_TOKEN", ""),
            environment.get("GITHUB_API_URL") or API_URL,
            patience=ONE_TRY,
        )
    except ConfigurationError as error:
        faults += [f"GITHUB_{fault}" for fault in map(_variable_first, error.faults)]
    models = model_names(root)
    if not models:
        faults.append(f"{root / 'rollouts'}: no model in it, expected to run in the repository")
    if not all(find_spec(name) for name in ("starlette", "uvicorn")):
        faults.append("starlette, uvicorn: not installed, expected those of requirements/relay.txt")
    if faults or github is None:
        raise ConfigurationError("relay", faults)
    return Settings(secret, github, models)


def plan_of(settings: Settings, arguments: argparse.Namespace) -> str:
    """What will happen, without the secrets."""
    where = f"http://{arguments.host}:{arguments.port}/alerts"
    lines = [
        f"Relay: {where} for alerts of {', '.join(settings.models)}",
        f"  to the repository {settings.github.repository}, with the spool {arguments.spool}",
    ]
    if not _is_loopback(arguments.host):
        lines.append("  Reachable from outside: put a proxy with TLS in front of it.")
    if not arguments.apply:
        lines.append("Dry run: nothing is kept or dispatched. --apply does it.")
    return "\n".join(lines)


def log(line: str) -> None:
    """One line for one event, with the time in UTC."""
    print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}", flush=True)


class DryRun:
    """Says what would be dispatched, each alert once, and keeps nothing on disk."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()

    def take(self, payload: AlertPayload) -> bool:
        """Log an alert; False where it was logged before."""
        is_new = payload.window not in self._seen
        self._seen[payload.window] = None
        self._seen.move_to_end(payload.window)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        if is_new:
            log(f"would dispatch {told(payload)}")
        return is_new


def _is_loopback(host: str) -> bool:
    return host in ("127.0.0.1", "localhost", "::1")


def _variable_first(fault: str) -> str:
    name, _, rest = fault.partition(":")
    return f"{name.upper()}:{rest}"


if __name__ == "__main__":
    sys.exit(main())
