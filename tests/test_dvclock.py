"""dvc.lock as a value."""

import pytest

from pipeline.dvclock import parse_lock
from pipeline.errors import ConfigurationError

LOCK = """
schema: '2.0'
stages:
  split:
    cmd: python -m pipeline.stages split
    deps:
    - {path: pipeline/stages/split.py, hash: md5, md5: 0123456789abcdef0123456789abcdef, size: 3}
    params:
      params.yaml: {split: {seed: 12, ratio: [0.5, 2.0]}, collect.as_of: '2013-07-02T00:00:00Z'}
    outs:
    - {path: artifacts/holdout.parquet, hash: md5, md5: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, size: 9}
  package:
    cmd: python -m pipeline.stages package
    deps:
    - {path: artifacts/holdout.parquet, hash: md5, md5: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, size: 9}
    outs:
    - {path: artifacts/package, md5: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.dir, nfiles: 3}
"""


def test_what_comes_from_a_stage_is_an_output_and_the_rest_are_inputs() -> None:
    lock = parse_lock(LOCK, "dvc.lock")
    assert lock.deps == {"pipeline/stages/split.py": "0123456789abcdef0123456789abcdef"}
    assert lock.outs == {
        "artifacts/holdout.parquet": "a" * 32,
        "artifacts/package": "b" * 32 + ".dir",
    }
    assert lock.params == {
        "split": {"seed": 12, "ratio": [0.5, 2.0]},
        "collect.as_of": "2013-07-02T00:00:00Z",
    }
    assert lock.conflicts == ()


def test_a_path_with_two_digests_is_a_conflict() -> None:
    first, second = LOCK.split("package:")
    forged = f"{first}package:{second.replace('a' * 32, 'c' * 32)}"
    assert parse_lock(forged, "dvc.lock").conflicts == ("artifacts/holdout.parquet",)


def test_an_output_of_two_stages_with_two_digests_is_a_conflict() -> None:
    again = f"  again:\n    outs: [{{path: artifacts/holdout.parquet, md5: {'c' * 32}}}]\n"
    assert parse_lock(LOCK + again, "dvc.lock").conflicts == ("artifacts/holdout.parquet",)


@pytest.mark.parametrize(
    "text", ["", "[]", "stages: 3", "schema: '2.0'\nstages: {a: {outs: [{}]}}"]
)
def test_what_is_no_lock_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"dvc\.lock"):
        parse_lock(text, "dvc.lock")
