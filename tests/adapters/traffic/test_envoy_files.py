"""Files beside Envoy that it did not write itself: they are none, and never a crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.adapters.traffic import Backend, Weights
from pipeline.adapters.traffic.envoy import Envoy
from pipeline.errors import OutsideError

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


@pytest.mark.parametrize(("port", "is_taken"), [(8_001, True), (8_003, False)])
def test_without_its_admin_side_users_go_only_to_a_server_that_envoy_was_told_of(
    tmp_path: Path, port: int, is_taken: bool
) -> None:
    """It may have refused the file that tells of a new one, and nobody could see that."""
    envoy = Envoy(tmp_path, 8_080, 9_901)
    before = Weights(WEIGHTS.champion, Backend("v2", "127.0.0.1", 8_002), 5_000, "salt")
    envoy.prepare(before)
    wanted = Weights(Backend("v1", "127.0.0.1", port))
    with pytest.raises(OutsideError, match="Envoy"):
        envoy.apply(wanted)
    written = envoy.written()
    assert written is not None
    assert (written.challenger is None) is is_taken
