"""What is asked of `gh attestation verify`, and what of its answer is believed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from pipeline.adapters.attestations import verified_attestations
from pipeline.errors import OutsideError
from tests.servers import gh

CONTENT = b'{"evidence": true}\n'
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
REPOSITORY = "octo/model"
SIGNER = "https://github.com/octo/model/.github/workflows/retrain.yml@refs/heads/main"
OTHER = SIGNER.replace("main", "mine")


def verified(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *signed: tuple[str, str, str],
    kind: str = "as_ever",
) -> tuple[int, str]:
    """How many came back, and why not."""
    path = gh.install(tmp_path / "bin", list(signed), kind) + os.environ["PATH"]
    monkeypatch.setenv("PATH", path)
    found, why_not = verified_attestations(CONTENT, REPOSITORY, SIGNER)
    return len(found), why_not


def test_what_the_signer_signed_of_these_bytes_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verified(tmp_path, monkeypatch, (REPOSITORY, DIGEST, SIGNER)) == (1, "")


@pytest.mark.parametrize(
    ("signed", "why"),
    [
        ((REPOSITORY, DIGEST, OTHER), "Error: verifying with issuer failed"),
        ((REPOSITORY, "sha256:0a", SIGNER), f"no attestations found for subject {DIGEST}"),
        (("octo/other", DIGEST, SIGNER), f"no attestations found for subject {DIGEST}"),
    ],
)
def test_another_signer_file_or_repository_is_none_and_gh_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signed: tuple[str, str, str], why: str
) -> None:
    count, said = verified(tmp_path, monkeypatch, signed)
    assert (count, why in said) == (0, True)


def test_a_gh_that_ends_well_without_an_attestation_has_found_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verified(tmp_path, monkeypatch, kind="before_2_67") == (0, "gh found none")


def test_a_gh_of_other_words_or_none_at_all_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OutsideError, match="not answer in JSON"):
        verified(tmp_path, monkeypatch, kind="broken")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutsideError, match="gh: not found"):
        verified_attestations(CONTENT, REPOSITORY, SIGNER)
