"""Run stages of dvc.yaml in the current folder, one after the other: `python -m pipeline.stages`.

dvc.yaml runs each in a process of its own. Whoever runs several at once imports their libraries,
which take longer than many a stage, once.
"""

from __future__ import annotations

import argparse
import gc
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
    runs = import_stages(names)
    code = next((code for name in names if (code := run_stage(name, runs[name]))), 0)
    gc.freeze()  # or Python would look for garbage once more as it ends
    return code


def import_stages(names: Sequence[str]) -> dict[str, Callable[[Path], None]]:
    """The function of each stage.

    Imports make objects by the hundred thousand and hardly any garbage: looking for it meanwhile
    takes a sixth of their time, and looking at what they made takes more of it later.
    """
    gc.disable()
    try:
        return {name: import_module(f"pipeline.stages.{name}").run for name in names}
    finally:
        gc.freeze()
        gc.enable()


if __name__ == "__main__":
    sys.exit(main())
