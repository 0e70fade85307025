"""Assignments per second, one by one and many at once, against other hashes; and a long replay.

    python -m benchmarks.bench_routing --peers-python PEERS/bin/python [--ids 1000000] [--runs 3]

The others live in an environment of their own, PEERS; without it they are left out:

    python -m venv PEERS && PEERS/bin/pip install growthbook mmh3

Each part runs in a fresh process, `--runs` times, and the median of its CPU seconds is shown: all
of it is one thread. One by one: a call from Python for each id, from a list of text, as a request
handler does. Many at once: from an array of bytes, or from the list. The replay makes `--replay`
ids chunk by chunk, assigns them and counts buckets; its time without the making of ids stands
beside it. GrowthBook's is FNV-1a in Python (`gbhash`, version 2), mmh3 is MurmurHash3 in C; both
are given salt and id as they want it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# Nothing else is imported up here: the peers' interpreter lacks our packages, and the peak memory
# of a child counts what its parent held.

ROOT = Path(__file__).parent.parent
SALT = "flight-delay-0004"
CHUNK = 1_000_000  # ids of a replay that are in memory at once
LABELS = {
    "one": "ours, one by one",
    "bytes": "ours, many at once, from an array of bytes",
    "list": "ours, many at once, from a list of text",
    "loop": "xxhash's C function in a comprehension",
    "mmh3": "mmh3 (MurmurHash3 in C), one by one",
    "growthbook": "GrowthBook's gbhash, one by one",
}
PEERS = ("mmh3", "growthbook")


def main(arguments: list[str] | None = None) -> int:
    """Measure everything and print Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--ids", type=int, default=1_000_000)
    parser.add_argument("--replay", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers-python", metavar="PATH")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.part:
        print(json.dumps(PARTS[options.part](options)))
        return 0
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, runs: {options.runs}\n")
    parts = [part for part in LABELS if part not in PEERS or options.peers_python]
    taken = {part: [run(part, options) for part in [part] * options.runs] for part in parts}
    print(f"| {options.ids:,} ids | a second | against ours, one by one |\n|---|--:|--:|")
    base = statistics.median(one["seconds"] for one in taken["one"])
    for part in parts:
        seconds = statistics.median(one["seconds"] for one in taken[part])
        print(f"| {LABELS[part]} | {options.ids / seconds:,.0f} | {base / seconds:.2f} |")
    found = run("replay", options)
    print(
        f"\nreplay of {options.replay:,} ids: {found['seconds']:.1f} s, of which making the ids "
        f"{found['making']:.1f} s; {options.replay / (found['seconds'] - found['making']):,.0f} "
        f"assignments a second; peak memory {found['peak']:,.0f} MiB; "
        f"fewest and most in a bucket {found['fewest']:,} and {found['most']:,}"
    )
    return 0


def run(part: str, options: argparse.Namespace) -> dict[str, float]:
    """One part in a fresh process, with its peak memory in MiB."""
    python = options.peers_python if part in PEERS else sys.executable
    sizes = ["--ids", str(options.ids), "--replay", str(options.replay)]
    command = [python, "-m", "benchmarks.bench_routing", "--part", part, *sizes]
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(command, stdout=output, cwd=ROOT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{part} failed with exit code {child.returncode}")
        output.seek(0)
        return {**json.loads(output.read()), "peak": usage.ru_maxrss / 1024}


def timed(work: Callable[[], object]) -> dict[str, float]:
    """CPU seconds of `work`, after its imports and with its input there."""
    start = time.process_time()
    work()
    return {"seconds": time.process_time() - start}


def ids(options: argparse.Namespace) -> list[str]:
    """As many ids as were asked for."""
    return [f"user-{number}" for number in range(options.ids)]


def one(options: argparse.Namespace) -> dict[str, float]:
    """Our function, called for each id."""
    from pipeline.core.routing import assign  # noqa: PLC0415

    units = ids(options)
    return timed(lambda: [assign(SALT, unit) for unit in units])


def many(options: argparse.Namespace, *, as_bytes: bool) -> dict[str, float]:
    """Our function for all ids at once."""
    import numpy as np  # noqa: PLC0415

    from pipeline.core.routing import assign_many  # noqa: PLC0415

    units = ids(options)
    array = np.array([unit.encode() for unit in units])
    return timed(lambda: assign_many(SALT, array if as_bytes else units))


def loop(options: argparse.Namespace) -> dict[str, float]:
    """What the function costs at least."""
    from xxhash import xxh64_intdigest as digest  # noqa: PLC0415

    units, prefix = ids(options), f"{SALT}:"
    return timed(lambda: [digest((prefix + unit).encode()) % 10_000 for unit in units])


def murmur(options: argparse.Namespace) -> dict[str, float]:
    """The same with mmh3."""
    from mmh3 import hash as digest  # noqa: PLC0415

    units, prefix = ids(options), f"{SALT}:"
    return timed(lambda: [digest(prefix + unit, 0, signed=False) % 10_000 for unit in units])


def growthbook(options: argparse.Namespace) -> dict[str, float]:
    """GrowthBook's own."""
    from growthbook.core import gbhash  # noqa: PLC0415

    units = ids(options)
    return timed(lambda: [gbhash(SALT, unit, 2) for unit in units])


def replay(options: argparse.Namespace) -> dict[str, float]:
    """Many ids in bounded memory."""
    import numpy as np  # noqa: PLC0415

    from pipeline.core.routing import BUCKETS, assign_many  # noqa: PLC0415

    counted, making = np.zeros(BUCKETS, dtype=np.int64), 0.0
    start = time.process_time()
    for first in range(0, options.replay, CHUNK):
        before = time.process_time()
        units = np.arange(first, min(first + CHUNK, options.replay)).astype("S12")
        making += time.process_time() - before
        counted += np.bincount(assign_many(SALT, units), minlength=BUCKETS)
    return {
        "seconds": time.process_time() - start,
        "making": making,
        "fewest": int(counted.min()),
        "most": int(counted.max()),
    }


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, float]]] = {
    "one": one,
    "bytes": lambda options: many(options, as_bytes=True),
    "list": lambda options: many(options, as_bytes=False),
    "loop": loop,
    "mmh3": murmur,
    "growthbook": growthbook,
    "replay": replay,
}

if __name__ == "__main__":
    sys.exit(main())
