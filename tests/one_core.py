"""One core for each worker: threads that wait for another core spin, half the time of a training.

Imported before all else, since NumPy's libraries look at this once, when they are loaded.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
