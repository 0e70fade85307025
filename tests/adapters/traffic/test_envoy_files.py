"""Files beside Envoy that it did not write itself: they are none, and never a crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.adapters.traffic import Backend, Weights
from pipeline.adapters.traffic.envoy import Envoy

WEIGHTS = Weights(Backend("v1", "127.0.0.1", 8_001))


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\xfe", b"[", b"resources: 1", b"resources: [1]", b"- a", b"resources: []"]
)
@pytest.mark.parametrize("name", ["routes.yaml", "clusters.yaml"])
def test_a_file_that_is_not_ours_is_written_anew(tmp_path: Path, name: str, raw: bytes) -> None:
    envoy = Envoy(tmp_path, 8_080, 9_901)
    envoy.prepare(WEIGHTS)
    assert envoy.written() == WEIGHTS
    (tmp_path / "watched" / name).write_bytes(raw)
    assert envoy.written() is None
    envoy.prepare(WEIGHTS)
    assert envoy.written() == WEIGHTS
