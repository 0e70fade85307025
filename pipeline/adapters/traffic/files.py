"""The files of a traffic provider: rendered the same each time, replaced whole, safe on disk."""

from __future__ import annotations

import os
import re
from pathlib import Path

import jinja2

from pipeline.adapters.traffic.base import ip_address
from pipeline.errors import ConfigurationError, OutsideError

TEMPLATES = Path(__file__).parents[2] / "templates" / "traffic"
MAX_FOLDER_CHARS = 85  # the kernel takes 107 for a socket, and a name beside it must fit too
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9._/-]*")  # these stand unquoted in a configuration
_HEADER = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def render(template: str, **values: object) -> str:
    """The text of a template in pipeline/templates/traffic.

    Nothing is escaped by itself: in YAML templates every value goes through `tojson`, since JSON
    is YAML. A name that the template uses and `values` lacks raises jinja2.UndefinedError.
    """
    environment = jinja2.Environment(  # noqa: S701 (no HTML comes out of these)
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    source = (TEMPLATES / template).read_text(encoding="utf-8")
    return environment.from_string(source).render(values)


def save_durably(path: Path, text: str) -> bool:
    """Replace `path` by one rename inside its folder; False where it says `text` already.

    The rename is what Envoy watches for. It and the bytes are on disk when this returns. Raises
    OutsideError where the disk does not take it: full, read-only, or gone.
    """
    try:
        return _replaced(path, text)
    except OSError as error:
        raise OutsideError(
            f"{path}: cannot be written ({error.strerror or error}). Make room, or mend the disk "
            "and who may write there; then run again."
        ) from error


def _replaced(path: Path, text: str) -> bool:
    if path.is_file() and path.read_bytes() == text.encode():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True


def check_proxy(title: str, folder: Path, host: str, header: str) -> None:
    """Raises ConfigurationError with every fault of what a proxy's own configuration says."""
    faults = []
    if len(str(folder)) > MAX_FOLDER_CHARS or not _PLAIN_PATH.fullmatch(str(folder)):
        faults.append(
            f"folder: found {str(folder)!a:.120}, expected an absolute path of "
            f"{MAX_FOLDER_CHARS} of A-Z, a-z, 0-9, '.', '_', '-' at most"
        )
    if not _HEADER.fullmatch(header):
        faults.append(f"header: found {header!a:.80}, expected a-z, 0-9 and '-'")
    if ip_address(host) is None:
        faults.append(f"host: found {host!a:.80}, expected an IP address to listen on")
    if faults:
        raise ConfigurationError(title, faults)
