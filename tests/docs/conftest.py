"""A reader's shell, in the folder that a test names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.shell import Shell

Open = Callable[..., Shell]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Open:
    def opened(folder: Path, **values: str) -> Shell:
        return Shell(folder, monkeypatch, capfd, values)

    return opened
