"""Run stages of dvc.yaml in the current folder, one after the other: `python -m pipeline.stages`.

dvc.yaml runs each in a process of its own. Whoever runs several at once imports their libraries,
which take longer than many a stage, once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from pipeline.stages.stage import run_stage

STAGES = ("collect", "validate", "featurize", "split", "train", "evaluate", "compare", "package")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stages named in `arguments` in their order; the first that stops ends it.

    0, or the exit code of the stage that stopped.
    """
    parser = argparse.ArgumentParser("python -m pipeline.stages", description=__doc__)
    parser.add_argument("stage", nargs="+", choices=STAGES, metavar="stage", help=" ".join(STAGES))
    names = parser.parse_args(arguments).stage
    return next((code for name in names if (code := run_stage(name, function_of(name)))), 0)


def function_of(stage: str) -> Callable[[Path], None]:
    """What does the work of a stage. Its libraries are imported here, and not those of others."""
    run: Callable[[Path], None] = import_module(f"pipeline.stages.{stage}").run
    return run


if __name__ == "__main__":
    sys.exit(main())
