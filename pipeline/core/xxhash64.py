"""xxHash64 of many byte strings at once: the same digests as the C library, in numpy.

Strings of one length are hashed together, one operation a step for all of them. Bytes that all of
them begin with are hashed once. Source: the xxHash specification, XXH64, version 0.1.1, steps 1 to
6, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md (seed 0).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Digests = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]

_P1, _P2, _P3, _P4, _P5 = (
    np.uint64(prime)
    for prime in (
        0x9E3779B185EBCA87,
        0xC2B2AE3D27D4EB4F,
        0x165667B19E3779F9,
        0x85EBCA77C2B2AE63,
        0x27D4EB2F165667C5,
    )
)
_STRIPE, _LANE, _HALF = 32, 8, 4  # bytes


def xxh64_of_rows(prefix: bytes, rows: Bytes) -> Digests:
    """The digest of `prefix` followed by each row's bytes; `rows` is (n, width).

    Digests are (n,). Memory is about 8 (width + len(prefix) + 8) bytes a row at its peak.
    """
    words = _Words(prefix, rows)
    with np.errstate(over="ignore"):  # arithmetic is modulo 2^64
        accumulator, at = _stripes(words)
        accumulator = accumulator + np.uint64(words.length)
        digests = _avalanche(_tail(words, accumulator, at))
    return np.broadcast_to(digests, (len(rows),)).copy()


class _Words:
    """Little-endian words of the strings; one that lies in the prefix has a single element."""

    def __init__(self, prefix: bytes, rows: Bytes) -> None:
        self.length = len(prefix) + rows.shape[1]
        self._prefix = len(prefix)
        self._text = np.empty((len(rows), self.length), dtype=np.uint8)
        self._text[:, : self._prefix] = np.frombuffer(prefix, dtype=np.uint8)
        self._text[:, self._prefix :] = rows

    def at(self, start: int, size: int) -> Digests:
        """The word of `size` bytes at `start`, as (1,) or (n,) unsigned integers."""
        is_shared = start + size <= self._prefix and len(self._text) > 0
        part = self._text[:1, start : start + size] if is_shared else self._text[
            :, start : start + size
        ]  # fmt: skip
        return np.ascontiguousarray(part).view(f"<u{size}")[:, 0].astype(np.uint64)


def _stripes(words: _Words) -> tuple[Digests, int]:
    """Steps 1 to 3: the accumulator after all whole stripes, and where they end."""
    if words.length < _STRIPE:
        return np.array([_P5]), 0
    lanes = [np.array([start]) for start in (_P1 + _P2, _P2, np.uint64(0), -_P1)]
    end = words.length - words.length % _STRIPE
    for start in range(0, end, _STRIPE):
        lanes = [
            _round(lane, words.at(start + place * _LANE, _LANE)) for place, lane in enumerate(lanes)
        ]
    accumulator = sum(
        (_rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)),
        start=np.array([np.uint64(0)]),
    )
    for lane in lanes:
        accumulator = (accumulator ^ _round(np.array([np.uint64(0)]), lane)) * _P1 + _P4
    return accumulator, end


def _tail(words: _Words, accumulator: Digests, at: int) -> Digests:
    """Step 5: what is left after the stripes, by words of 8, 4 and 1 bytes."""
    nothing = np.array([np.uint64(0)])
    while at + _LANE <= words.length:
        mixed = accumulator ^ _round(nothing, words.at(at, _LANE))
        accumulator, at = _rotate(mixed, 27) * _P1 + _P4, at + _LANE
    if at + _HALF <= words.length:
        mixed = accumulator ^ (words.at(at, _HALF) * _P1)
        accumulator, at = _rotate(mixed, 23) * _P2 + _P3, at + _HALF
    for place in range(at, words.length):
        mixed = accumulator ^ (words.at(place, 1) * _P5)
        accumulator = _rotate(mixed, 11) * _P1
    return accumulator


def _round(accumulator: Digests, lane: Digests) -> Digests:
    return _rotate(accumulator + lane * _P2, 31) * _P1


def _rotate(words: Digests, bits: int) -> Digests:
    return (words << np.uint64(bits)) | (words >> np.uint64(64 - bits))


def _avalanche(digests: Digests) -> Digests:
    """Step 6."""
    digests = (digests ^ (digests >> np.uint64(33))) * _P2
    digests = (digests ^ (digests >> np.uint64(29))) * _P3
    return digests ^ (digests >> np.uint64(32))
