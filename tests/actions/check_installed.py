"""In place of `pip install`: is what a requirements file pins installed here?

Only names are compared: a file for another version of Python may pin other versions.
"""

from __future__ import annotations

import argparse
import re
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement


def main(arguments: list[str]) -> int:
    """1 where a package is missing, or has no digest although --require-hashes asks for them."""
    parser = argparse.ArgumentParser(prog="pip install")
    parser.add_argument("--requirement", "-r", action="append", default=[], type=Path)
    parser.add_argument("--require-hashes", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args(arguments)
    faults = [fault for file in options.requirement for fault in _faults(file, options)]
    for fault in faults:
        print(f"ERROR: {fault}", file=sys.stderr)
    return 1 if faults or not options.requirement else 0


def _faults(file: Path, options: argparse.Namespace) -> list[str]:
    faults = []
    text = re.sub(r"\\\n", " ", file.read_text(encoding="utf-8"))
    for line in (line.partition("#")[0].strip() for line in text.splitlines()):
        if not line or line.startswith("-"):
            continue
        words, *hashes = line.split("--hash=")
        wanted = Requirement(words.strip())
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        if options.require_hashes and not hashes:
            faults.append(f"{wanted}: no hash in {file}")
        if not _is_installed(wanted.name):
            faults.append(f"{wanted}: not in the environment that runs the tests")
    return faults


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[4:] if sys.argv[1:4] == ["-m", "pip", "install"] else sys.argv[1:]))
