"""Collect the evidence package of the last pipeline run, as protocol 24 lists it.

Goes to evidence/protocol-24-retraining/<model>/<version>/ and holds texts and plots: of data and
models the digests alone. The same run gives the same bytes. --complete puts in what is known only
later, NAME=FILE with one of the files to come (deployment-checklist.md needs no FILE); --verify
works everything out again and changes nothing. Prints its plan; --apply writes.

Exit codes: 0 done, 1 --verify found faults, 2 bad configuration or a file that may not be in it, 3
a file is missing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from pipeline.config import load_usecase
from pipeline.core.evidence import (
    MANIFEST,
    TO_COME,
    build_evidence,
    complete_evidence,
    first_digest,
    outcomes_of,
    package_digest,
    package_faults,
)
from pipeline.errors import ConfigurationError, GateRefused, OutsideError, exit_code_of
from pipeline.options import new_parser
from pipeline.proposing.evidence_files import checklist_of, collect
from pipeline.wording import counted

EVIDENCE = Path("evidence/protocol-24-retraining")
CHECKLIST = "artifacts/deployment-checklist.md"


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and collect, complete or verify."""
    parser = new_parser(__file__, __doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--complete", nargs="+", metavar="NAME=FILE", help="add what came later")
    what.add_argument("--verify", action="store_true", help="check that nothing was changed")
    parser.add_argument("--version", help="of which version (default: the one in artifacts/)")
    parser.add_argument("--note", default="", help="with --complete: why, for those who read it")
    parser.add_argument("--expect", help="with --verify: the digest that the package must have")
    parser.add_argument("--apply", action="store_true", help="write it")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: run(Path.cwd(), arguments))


def run(root: Path, arguments: argparse.Namespace) -> int:
    """Do what is asked. Returns 0. Raises GateRefused where --verify finds faults."""
    if arguments.verify:
        return verify(folder_of(root, arguments.version), arguments.expect)
    if arguments.complete:
        folder = folder_of(root, arguments.version)
        before = read_files(folder)
        changes = changes_of(root, arguments.complete)
        files = complete_evidence(before, changes, arguments.note)
    else:
        found = collect(root)
        folder = root / EVIDENCE / found.subject.model / found.subject.version
        before = read_files(folder)
        files = build_evidence(found.subject, found.files, found.absent) | outcomes_of(before)
        refuse_rewrite(folder, before, files)
    tell(root, folder, before, files)
    if not arguments.apply:
        print("Nothing was written. --apply writes it.")
    elif files != before:
        write(folder, files)
        print("Written.")
    return 0


def verify(folder: Path, expected: str | None) -> int:
    """Work everything out again and print every fault."""
    files = read_files(folder)
    faults = package_faults(files, expected)
    for fault in faults:
        print(f"  - {fault}")
    if faults:
        found = counted(len(faults), "fault")
        raise GateRefused(f"{folder}: {found}, so this is not the evidence it was.")
    print(f"{len(files)} files are as {MANIFEST} says: {package_digest(files)}")
    if first_digest(files) != package_digest(files):
        print(f"Completed since; at first it was {first_digest(files)}")
    return 0


def folder_of(root: Path, version: str | None) -> Path:
    """The folder of a version's package. Raises OutsideError where it is not plain which."""
    home = root / EVIDENCE / load_usecase(root).model
    known = sorted(path.name for path in home.iterdir()) if home.is_dir() else []
    if version is None and len(known) == 1:
        version = known[0]
    if version not in known:
        raise OutsideError(
            f"{home}: found {', '.join(known) or 'no package'}, expected {version or 'just one'}. "
            "Say which with --version."
        )
    return home / version


def changes_of(root: Path, named: list[str]) -> dict[str, bytes]:
    """The new content of each file that was named. Raises ConfigurationError for another name."""
    by_name = {path.rpartition("/")[2]: path for path in TO_COME}
    changes, faults = {}, []
    for item in named:
        name, _, file = item.partition("=")
        path = by_name.get(name)
        if path is None or not (file or path == CHECKLIST):
            faults.append(f"{item}: expected NAME=FILE, NAME one of {', '.join(sorted(by_name))}")
        else:
            changes[path] = Path(file).read_bytes() if file else checklist_of(root).encode()
    if faults:
        raise ConfigurationError("--complete", faults)
    return changes


def refuse_rewrite(folder: Path, before: dict[str, bytes], files: dict[str, bytes]) -> None:
    """A package that was completed is history. Raises ConfigurationError."""
    if before and not package_faults(before) and first_digest(before) != package_digest(before):
        if first_digest(before) != package_digest(files):
            fault = "was completed since it was collected: complete it further, or delete it"
            raise ConfigurationError(str(folder), [fault])
        files.clear()
        files.update(before)


def tell(root: Path, folder: Path, before: dict[str, bytes], files: dict[str, bytes]) -> None:
    """Print what would change."""
    changed = [path for path in sorted(files) if before.get(path) != files[path]]
    gone = sorted(set(before) - set(files))
    print(f"{folder.relative_to(root)}: {len(files)} files, {package_digest(files)}")
    for path in changed:
        print(f"  {'change' if path in before else 'add'} {path} ({len(files[path]):,} bytes)")
    for path in gone:
        print(f"  remove {path}")
    if not changed and not gone:
        print("  nothing to change")


def read_files(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`, by its path in there; none where there is no folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Replace the package: whoever looks sees the one before, none, or the new one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for leftover in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(leftover, ignore_errors=True)  # of a run that was killed
    new, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{tag}") for tag in ("new", "old"))
    try:
        for path, raw in files.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_bytes(raw)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    finally:
        for rest in (new, old):
            shutil.rmtree(rest, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
