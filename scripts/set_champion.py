"""Make the packaged challenger the champion, because a person says so.

This is how the first model gets in, and how a person overrules a gate: it needs a name and a
reason, and both stay in git. Prints its plan; --apply writes champion.yaml and reference.json
(what monitoring compares with) into rollouts/<model>/, which a commit then makes true.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.adapters.store import tracked_md5
from pipeline.champion import Champion, Text, champion_path, load_champion, render_champion
from pipeline.config import Section, load_params, load_usecase, parse_section
from pipeline.errors import GateRefused, exit_code_of
from pipeline.jsonio import load_json, save_json, save_text
from pipeline.ml.package import Manifest, model_digest, verify_package
from pipeline.monitoring.reference import FILE, reference_path
from pipeline.options import new_parser
from pipeline.paths import PACKAGE


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and set the champion."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--approved-by", required=True, help="the person who says so")
    parser.add_argument("--reason", required=True, help="why, for those who read it later")
    parser.add_argument("--apply", action="store_true", help="write the file")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: set_champion(Path.cwd(), arguments))


def set_champion(root: Path, arguments: argparse.Namespace) -> int:
    """Print the change and, with --apply, write it. Returns 0. Raises ConfigurationError."""
    said = what_was_said(arguments)
    before = load_champion(root, load_usecase(root).model)
    champion = propose_champion(root, before, said.approved_by, said.reason)
    path = champion_path(root, champion.model)
    print(f"Champion of {champion.model}: {before.digest if before else 'none yet'}")
    print(f"            becomes {champion.digest}, approved by {champion.approved_by}")
    if not arguments.apply:
        print("Nothing was changed. --apply writes it.")
        return 0
    reference = {"champion": champion.digest, **load_json(root / PACKAGE / FILE)}
    save_json(reference_path(root, champion.model), reference)
    save_text(path, render_champion(champion))
    print(f"Wrote {path.parent.relative_to(root)}/. Commit it to make it so.")
    return 0


class Said(Section):
    """What the command line says that stays in git."""

    approved_by: Annotated[Text, Field(alias="--approved-by")]
    reason: Annotated[Text, Field(alias="--reason")]


def what_was_said(arguments: argparse.Namespace) -> Said:
    """Name and reason. Raises ConfigurationError for one that is empty or too long for a file."""
    said = {"--approved-by": arguments.approved_by, "--reason": arguments.reason}
    return parse_section(Said, {k: v.strip() for k, v in said.items()}, "the command line")


def propose_champion(
    root: Path, before: Champion | None, approved_by: str, reason: str
) -> Champion:
    """The package in artifacts/ as a champion.

    Raises OutsideError where it is not whole, GateRefused where it is not what is configured.
    """
    manifest = verify_package(root / PACKAGE)
    refuse_other_run(root, manifest)
    digest = model_digest(root / PACKAGE)
    if before is not None and before.digest == digest:
        raise GateRefused(f"{digest} is the champion already: nothing to do.")
    return Champion(
        schema=1,
        model=manifest.model,
        digest=digest,
        package_md5=tracked_md5(root, PACKAGE),
        as_of=manifest.as_of,
        approved_by=approved_by,
        reason=reason,
        previous=before.digest if before else None,
    )


def refuse_other_run(root: Path, manifest: Manifest) -> None:
    """Raise GateRefused for a package that the last run did not make: of another configuration."""
    as_of, threshold = load_params(root).collect.as_of, load_usecase(root).decision_threshold
    faults = []
    if manifest.as_of != as_of:
        faults.append(f"it is as of {manifest.as_of:%F %H:%M}, params.yaml says {as_of:%F %H:%M}")
    if manifest.threshold != threshold:
        told = f"its threshold is {manifest.threshold:g}"
        faults.append(f"{told}, configs/usecase.yaml says {threshold:g}")
    if faults:
        raise GateRefused(
            f"{PACKAGE} is the model of another run: {'; '.join(faults)}. "
            "Run python -m scripts.retrain, and approve what it packages."
        )


if __name__ == "__main__":
    sys.exit(main())
