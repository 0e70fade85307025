"""Folders that outlive a test, as a cached repository must, and not the tests."""

from __future__ import annotations

import atexit
import shutil
from pathlib import Path
from tempfile import mkdtemp


def folder_of_this_process(name: str) -> Path:
    """A new folder that is removed when this process ends."""
    path = Path(mkdtemp(prefix=f"perennial-{name}-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path
