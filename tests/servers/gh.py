"""A stand-in for GitHub's program `gh`, as far as `gh attestation verify` goes.

Nothing is signed: what counts as verified is a list beside the program. Its options, its exit codes
and the shape of its JSON are those of github.com/cli/cli and github.com/sigstore/sigstore-go.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

_SIGNED = "signed.json"
_KINDS = ("as_ever", "before_2_67", "broken")


def install(folder: Path, signed: list[tuple[str, str, str]], kind: str = "as_ever") -> str:
    """Put `gh` into `folder` and return what goes before PATH.

    `signed`: repository, digest (sha256:<hex>) and the signer, a workflow's address with its ref.
    """
    assert kind in _KINDS
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _SIGNED).write_text(json.dumps({"kind": kind, "signed": signed}), encoding="utf-8")
    program = folder / "gh"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "{folder}" "$@"\n')
    program.chmod(0o755)
    return f"{folder}:"


def main(folder: Path, arguments: list[str]) -> int:
    asked = _options().parse_args(arguments)
    kept = json.loads((folder / _SIGNED).read_text(encoding="utf-8"))
    if kept["kind"] == "broken":
        print("Usage: gh attestation verify")
        return 0
    digest = f"sha256:{hashlib.sha256(Path(asked.file).read_bytes()).hexdigest()}"
    listed = [who for where, what, who in kept["signed"] if (where, what) == (asked.repo, digest)]
    verified = [who for who in listed if who == asked.cert_identity]
    if not listed:
        words = f"no attestations found for subject {digest}"
        print(f"Loaded digest {digest}\n✗ {words}\n\nError: {words}", file=sys.stderr)
        return 0 if kept["kind"] == "before_2_67" else 1
    if not verified:
        print("✗ Verification failed\n\nError: verifying with issuer failed", file=sys.stderr)
        return 1
    print(json.dumps([_answer(digest, who) for who in verified]))
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gh", allow_abbrev=False)
    parser.add_argument("group", choices=["attestation"])
    parser.add_argument("command", choices=["verify"])
    parser.add_argument("file")
    parser.add_argument("--repo", required=True)
    parser.add_argument("--cert-identity", required=True)
    parser.add_argument("--format", choices=["json"], required=True)
    return parser


def _answer(digest: str, signer: str) -> dict[str, Any]:
    subject = {"name": "evidence", "digest": {"sha256": digest.removeprefix("sha256:")}}
    certificate = {"subjectAlternativeName": signer, "buildSignerURI": signer}
    statement = {"predicateType": "https://slsa.dev/provenance/v1", "subject": [subject]}
    result = {"signature": {"certificate": certificate}, "statement": statement}
    return {"attestation": {}, "verificationResult": result}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
