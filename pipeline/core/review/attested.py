"""Whether a run of `retrain` on main signed the evidence that would be merged.

The evidence names the model by its digest, so a signature of the one is of both. Its signature is
verified outside (see pipeline/adapters/attestations.py); here what was verified is held against
what must have signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.core.proposal.identity import BASE
from pipeline.domain import Gate, Verdict

_WORKFLOW = f".github/workflows/retrain.yml@refs/heads/{BASE}"
_RULE = "A run of retrain.yml on main signed this evidence, which names the model."


def signer_of(server_url: str, repository: str) -> str:
    """Who must have signed, as a certificate names it: the workflow's file, and its branch."""
    return f"{server_url}/{repository}/{_WORKFLOW}"


def assess_attested(verified: Iterable[Any], why_not: str, *, digest: str, signer: str) -> Gate:
    """The gate `attested`: PASS where one of `verified` is by `signer`, about `digest`.

    `verified` are the answers of `gh attestation verify`, `digest` is `sha256:<hex>`. Anything else
    is INCONCLUSIVE, with the words `why_not`: the signature may still come.
    """
    if any(_is_by(answer, digest.removeprefix("sha256:"), signer) for answer in verified):
        return Gate("attested", Verdict.PASS, _RULE, f"Signed by {signer}.")
    said = f" ({why_not})" if why_not else ""
    reason = f"Not signed by it yet{said}: run its job `attest` again and then review, or retrain."
    return Gate("attested", Verdict.INCONCLUSIVE, _RULE, reason)


def unknown(reason: str) -> Gate:
    """The gate where it could not be asked."""
    return Gate("attested", Verdict.ERROR, _RULE, reason)


def _is_by(answer: Any, sha256: str, signer: str) -> bool:
    match answer:
        case {
            "verificationResult": {
                "signature": {"certificate": {"buildSignerURI": str(by)}},
                "statement": {"subject": [*subjects]},
            }
        }:
            return by == signer and any(_is_about(subject, sha256) for subject in subjects)
    return False


def _is_about(subject: Any, sha256: str) -> bool:
    digests = subject.get("digest") if isinstance(subject, Mapping) else None
    return isinstance(digests, Mapping) and digests.get("sha256") == sha256
