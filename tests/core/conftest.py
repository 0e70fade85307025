"""Fixtures for the tests of the core."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest


@pytest.fixture
def machine_in_tokyo() -> Iterator[None]:
    """A machine whose own zone is nine hours ahead of UTC: no answer may depend on it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()
