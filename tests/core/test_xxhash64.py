import numpy as np
import pytest
import xxhash

from pipeline.core.xxhash64 import xxh64_of_rows


@pytest.mark.parametrize(
    ("text", "digest"),
    [(b"", 0xEF46DB3751D8E999), (b"a", 0xD24EC4F1A98C6E5B), (b"abc", 0x44BC2CF5AD770999)],
)
def test_the_published_digests(text, digest):
    rows = np.frombuffer(text, dtype=np.uint8).reshape(1, -1)
    assert xxh64_of_rows(b"", rows).tolist() == [digest]
    assert xxh64_of_rows(text, np.empty((1, 0), dtype=np.uint8)).tolist() == [digest]


def test_every_length_and_every_prefix_gives_what_the_library_gives():
    generator = np.random.default_rng(0)
    for prefix in (b"", b"a", b"8 bytes!", b"flight-delay-ab:", b"x" * 31, b"y" * 33, b"z" * 70):
        for width in [*range(42), 63, 64, 65, 200]:
            rows = generator.integers(0, 256, (3, width)).astype(np.uint8)
            expected = [xxhash.xxh64_intdigest(prefix + row.tobytes()) for row in rows]
            assert xxh64_of_rows(prefix, rows).tolist() == expected, (prefix, width)


def test_no_rows_give_no_digests():
    assert xxh64_of_rows(b"salt:", np.empty((0, 5), dtype=np.uint8)).shape == (0,)
