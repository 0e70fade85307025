"""Who is served by which model: a hash, so that every replica, proxy and auditor agrees.

A unit (a user or request id) has a bucket from 0 to 9,999 in each experiment:

    xxHash64(salt + ":" + unit, seed 0) modulo 10,000

of exactly those bytes: the salt, one colon, the unit, in UTF-8, and nothing around them. It is
what Envoy computes with a route's `hash_policy` on the unit's header, whose `regex_rewrite` of
`^(.*)$` puts `salt:` before the value, and a weighted cluster with `use_hash_policy` and a total
weight of 10,000 that lists the challenger first: Envoy takes the hash modulo the total weight, and
the clusters' ranges in order. Python's own hash() is salted by process and never used.

The challenger has the buckets [0, weight), so that a growing weight only ever moves units from the
champion to the challenger. Other salts give independent buckets.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import xxhash

from pipeline.core.xxhash64 import Bytes, Digests, xxh64_of_rows

BUCKETS = 10_000  # one is a hundredth of a percent: a basis point
CHUNK = 16_384  # units that are hashed together: their words stay in the processor's cache
Buckets = npt.NDArray[np.int16]
Units = Sequence[str] | npt.NDArray[np.bytes_] | npt.NDArray[np.str_]
_SALT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Variant(StrEnum):
    """Which model: A is the champion, B the challenger."""

    MODEL_A = "model_a"
    MODEL_B = "model_b"


def routing_key(salt: str, unit: str) -> bytes:
    """The bytes that are hashed. Raises ValueError for a salt that could run into the unit."""
    return _prefix(salt) + unit.encode()


def assign(salt: str, unit: str) -> int:
    """The bucket of `unit`, from 0 to 9,999. Raises ValueError for a bad salt."""
    return int(xxhash.xxh64_intdigest(routing_key(salt, unit))) % BUCKETS


def variant_of(bucket: int, weight_basis_points: int) -> Variant:
    """The challenger for buckets below its weight (0 to 10,000), else the champion.

    With no active test the weight is 0, and everything goes to the champion. Raises ValueError for
    a weight outside the range: half a configuration must not route anybody.
    """
    if not 0 <= weight_basis_points <= BUCKETS:
        raise ValueError(f"weight: found {weight_basis_points}, expected 0 to {BUCKETS:,}")
    return Variant.MODEL_B if bucket < weight_basis_points else Variant.MODEL_A


def assign_many(salt: str, units: Units) -> Buckets:
    """The bucket of each unit, (n,): what `assign` gives one by one, several times as fast.

    Quickest for an array of bytes. As everywhere in numpy, such an array holds no trailing NULs.
    Beside the units and two bytes for each bucket it needs a megabyte.
    """
    prefix = _prefix(salt)
    buckets = np.empty(len(units), dtype=np.int16)
    for start in range(0, len(units), CHUNK):
        digests = digest_many(prefix, units[start : start + CHUNK])
        buckets[start : start + CHUNK] = digests % np.uint64(BUCKETS)
    return buckets


def digest_many(prefix: bytes, units: Units) -> Digests:
    """The xxHash64 of `prefix` and each unit, (n,); for few enough units to be hashed together."""
    packed = _as_bytes(units)
    width = packed.dtype.itemsize
    text: Bytes = np.ascontiguousarray(packed).view(np.uint8).reshape(len(packed), width)
    lengths = _lengths(text)
    digests = np.empty(len(packed), dtype=np.uint64)
    for length in np.unique(lengths):
        same = lengths == length
        rows = text[:, :length] if same.all() else text[same, :length]
        digests[same] = xxh64_of_rows(prefix, rows)
    return digests


def _lengths(text: Bytes) -> npt.NDArray[np.intp]:
    """The bytes of each row without the NULs that pad it."""
    width = text.shape[1]
    if text[:, -1].all():
        return np.full(len(text), width)
    is_text = text[:, ::-1] != 0
    return np.where(is_text.any(axis=1), width - is_text.argmax(axis=1), 0)


def _as_bytes(units: Units) -> npt.NDArray[np.bytes_]:
    if isinstance(units, np.ndarray) and units.dtype.kind == "S":
        return np.asarray(units, dtype=np.bytes_)
    return np.array([str(unit).encode() for unit in units], dtype=np.bytes_)


@lru_cache(maxsize=1_024)
def _prefix(salt: str) -> bytes:
    if not _SALT.fullmatch(salt):
        raise ValueError(f"salt: found {salt[:70]!r}, expected 1 to 63 of a-z, 0-9 and '-'")
    return f"{salt}:".encode()
