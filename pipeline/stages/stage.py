"""What every pipeline stage shares: how it starts, how it ends and what it cost."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import exit_code_of
from pipeline.jsonio import load_json, save_json
from pipeline.stages.outputs import TIMINGS


def run_stage(name: str, run: Callable[[Path], None]) -> int:
    """Run a stage in the current folder; the exit code of its outcome.

    Seconds, peak memory and when go to artifacts/timings.json, which is no DVC output: they differ
    from run to run, and outputs must not.
    """
    root = Path.cwd()
    started = time.monotonic()
    code = exit_code_of(lambda: run(root))
    if code == 0:
        _record_cost(root / TIMINGS, name, time.monotonic() - started)
    return code


def say(message: str) -> None:
    """One line of progress, at once, also through DVC's pipe."""
    print(f"  {message}", flush=True)


def _record_cost(path: Path, name: str, seconds: float) -> None:
    costs = load_json(path) if path.exists() else {}
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if sys.platform == "darwin":
        peak_kib //= 1024
    costs[name] = {
        "seconds": round(seconds, 2),
        "peak_memory_mb": round(peak_kib / 1024, 1),
        "cores": os.cpu_count(),
        "at": datetime.now(UTC).isoformat(),
    }
    save_json(path, costs)
