"""Whose signature counts, and of what."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.core.review.attested import assess_attested, signer_of, unknown
from pipeline.domain import Gate, Verdict

SIGNER = signer_of("https://github.com", "octo/model")
DIGEST = "sha256:" + "0a" * 32


def answer(signer: Any = SIGNER, subject: Any = None) -> dict[str, Any]:
    about = subject or {"name": "evidence", "digest": {"sha256": "0a" * 32}}
    certificate = {"buildSignerURI": signer}
    statement = {"subject": [about]}
    return {
        "verificationResult": {"signature": {"certificate": certificate}, "statement": statement}
    }


def assess(*answers: Any, why_not: str = "") -> Gate:
    return assess_attested(answers, why_not, digest=DIGEST, signer=SIGNER)


def test_the_signer_is_the_workflow_on_main() -> None:
    assert SIGNER == "https://github.com/octo/model/.github/workflows/retrain.yml@refs/heads/main"


def test_one_signature_of_this_evidence_by_the_workflow_on_main_is_enough() -> None:
    gate = assess(answer("https://github.com/octo/model/x.yml@refs/heads/main"), answer())
    assert (gate.name, gate.verdict) == ("attested", Verdict.PASS)


@pytest.mark.parametrize(
    "other",
    [
        answer(SIGNER.replace("main", "mine")),
        answer(SIGNER.replace("octo", "eve")),
        answer(SIGNER + "-2"),
        answer(None),
        answer(subject={"digest": {"sha256": "0b" * 32}}),
        answer(subject={"digest": "0a" * 32}),
        answer(subject="0a" * 32),
        {"verificationResult": {"signature": {}}},
        {},
        None,
    ],
)
def test_anything_else_waits(other: Any) -> None:
    assert assess(other).verdict is Verdict.INCONCLUSIVE


def test_why_there_is_none_is_told() -> None:
    gate = assess(why_not="no attestations found")
    assert "Not signed by it yet (no attestations found): run its job" in gate.reason
    assert "yet: run its job `attest` again and then review, or" in assess().reason


def test_what_could_not_be_asked_is_an_error() -> None:
    assert unknown("gh: not found.").verdict is Verdict.ERROR
