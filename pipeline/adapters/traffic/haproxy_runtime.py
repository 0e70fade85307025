"""The runtime socket of a HAProxy that runs: the map that decides, and where its servers are."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import OutsideError

_SECONDS = 5.0
_ADDRESS, _PORT = 4, 18  # columns of `show servers state`, format 1


class Runtime:
    """The commands that a traffic change needs. All raise OutsideError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def map_entries(self, file: Path) -> dict[str, str]:
        """The entries of a map, as they are in memory."""
        lines = self._ask(f"show map {file}").splitlines()
        entries = (line.split(" ", 2) for line in lines if line.startswith("0x"))
        return {key: value for _, key, value in entries}

    def set_map(self, file: Path, entries: Mapping[str, str]) -> None:
        """Set `entries`, adding those that are new, in their order."""
        known = self.map_entries(file)
        for key, value in entries.items():
            if known.get(key) != value:
                self._order(f"{'set' if key in known else 'add'} map {file} {key} {value}")

    def servers(self) -> dict[str, tuple[str, int]]:
        """The address and port of each server, which is named backend/server."""
        lines = self._ask("show servers state").splitlines()
        rows = [line.split() for line in lines[1:] if line and not line.startswith("#")]
        try:
            return {f"{row[1]}/{row[3]}": (row[_ADDRESS], int(row[_PORT])) for row in rows}
        except (IndexError, ValueError) as error:
            raise self._error(f"servers that cannot be read ({error})") from error

    def set_server(self, name: str, address: tuple[str, int]) -> None:
        """Move a server. Requests under way end where they are."""
        if self.servers().get(name) != address:
            host, port = address
            told = self._ask(f"set server {name} addr {host} port {port}")
            if self.servers().get(name) != address:
                raise self._error(told)

    def _order(self, command: str) -> None:
        """A command that says nothing where it succeeds."""
        told = self._ask(command).strip()
        if told:
            raise self._error(f"{told!r} to {command!r}")

    def _ask(self, command: str) -> str:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(_SECONDS)
                connection.connect(str(self._path))
                connection.sendall(f"{command}\n".encode())
                return b"".join(iter(lambda: connection.recv(65_536), b"")).decode()
        except (OSError, ValueError) as error:
            raise self._error(f"nothing ({error})") from error

    def _error(self, what: str) -> OutsideError:
        return OutsideError(f"HAProxy at {self._path}: answered {what.strip()}. Is it running?")
