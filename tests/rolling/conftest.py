"""One world for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rolling.rolled import Rolled, rolled


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Rolled]:
    with rolled(tmp_path / "world") as found:
        yield found
