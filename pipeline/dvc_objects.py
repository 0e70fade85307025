"""How DVC names what it keeps: by the MD5 of its content."""

from __future__ import annotations

import hashlib
from pathlib import Path


def file_md5(path: Path) -> str:
    """The MD5 (hex) of a file, as DVC names it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def is_sound(path: Path, name: str) -> bool:
    """Whether the file is there and is what its name says (`<md5>` or `<md5>.dir`)."""
    return path.is_file() and file_md5(path) == name.removesuffix(".dir")
