"""The commands, `python -m scripts.NAME`. Each process is set up by `pipeline` before all else."""

import pipeline  # noqa: F401
