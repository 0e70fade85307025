"""What another job may sign is what the manifest says, and nothing where there is none."""

import pytest

from pipeline.errors import ConfigurationError
from pipeline.manifest import render_rollout
from pipeline.proposing.attested import subjects_of
from tests.rollouts import MODEL, spec_of

PATH = f"rollouts/{MODEL}/rollout.yaml"


def test_the_subjects_are_the_digests_of_the_manifest():
    spec = spec_of()
    assert subjects_of({PATH: render_rollout(spec).encode()}, MODEL) == {
        "version": spec.version,
        "model_digest": spec.challenger.digest,
        "evidence_digest": spec.evidence.digest,
    }


@pytest.mark.parametrize("files", [{}, {PATH: None}])
def test_a_proposal_without_a_manifest_has_no_subject(files):
    assert set(subjects_of(files, MODEL).values()) == {""}


def test_a_manifest_that_is_none_is_refused():
    with pytest.raises(ConfigurationError):
        subjects_of({PATH: b"digest: of whatever I like"}, MODEL)
