"""What GitHub signed of a file, as `gh attestation verify` finds and verifies it.

GitHub lists what anybody with the right to write put there, so a list alone proves nothing. `gh`,
which GitHub's own runners have, verifies the signature, its certificate and the log of it, by roots
of trust that it keeps up to date. Nothing of that is done again here.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.errors import OutsideError

_SECONDS = 120
_MOST_CHARS = 200  # of what gh says: it may quote what others wrote


def verified_attestations(
    content: bytes, repository: str, signer: str
) -> tuple[tuple[Any, ...], str]:
    """Those of a file with this `content` in `repository` that `signer` signed, as JSON values.

    `signer` is the address of a workflow's file with its ref, and must be that of the certificate.
    Where there is none, the text is gh's reason. Raises OutsideError where gh cannot be asked.
    """
    with TemporaryDirectory(prefix="perennial-attested-") as folder:
        file = Path(folder) / "manifest.json"
        file.write_bytes(content)
        done = _gh("attestation", "verify", str(file), "--repo", repository, *_only(signer))
    if done.returncode != 0:
        return (), _last_line(done.stderr)
    # Before 2.67 gh ended with 0, and without a word, where there was nothing to verify.
    try:
        found = json.loads(done.stdout or "[]")
    except ValueError as error:
        raise OutsideError("gh: did not answer in JSON. Install a newer version.") from error
    if not isinstance(found, list):
        raise OutsideError("gh: did not answer with a list. Install a newer version.")
    return tuple(found), "" if found else "gh found none"


def _only(signer: str) -> tuple[str, ...]:
    return "--cert-identity", signer, "--format", "json"


def _gh(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["gh", *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise OutsideError("gh: not found. Install it: https://cli.github.com") from error
    except subprocess.TimeoutExpired as error:
        raise OutsideError(f"gh: no answer in {_SECONDS} seconds. Run again.") from error


def _last_line(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return lines[-1][:_MOST_CHARS] if lines else "gh does not say why"
