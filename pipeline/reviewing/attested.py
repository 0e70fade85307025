"""Whether the evidence of a pull request is signed, where main asks for that."""

from __future__ import annotations

from pathlib import Path

from pipeline.adapters.attestations import verified_attestations
from pipeline.adapters.git.trees import Tree
from pipeline.core.evidence import MANIFEST
from pipeline.core.review.attested import assess_attested, signer_of, unknown
from pipeline.domain import Gate
from pipeline.errors import PipelineError, in_one_line
from pipeline.github_env import forge_of
from pipeline.manifest import RolloutSpec
from pipeline.repository_config import load_repository_config

SWITCH = "PERENNIAL_ATTEST"


def attested_gates(root: Path, head: Tree, spec: RolloutSpec) -> tuple[Gate, ...]:
    """The gate `attested`; none where configs/repository.yaml of main (`root`) asks for no signing.

    The file decides and not the variable of that name: whoever may push may set a variable. Raises
    ConfigurationError for a file that cannot be read.
    """
    if load_repository_config(root).variables.get(SWITCH) != "on":
        return ()
    try:
        forge = forge_of()
        signer = signer_of(forge.server_url, forge.repository)
        manifest = head.read(f"{spec.evidence.folder}/{MANIFEST}") or b""
        found = verified_attestations(manifest, forge.repository, signer)
    except PipelineError as error:
        return (unknown(in_one_line(error)),)
    return (assess_attested(*found, digest=spec.evidence.digest, signer=signer),)
