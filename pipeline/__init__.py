"""The application, which each of its processes imports before any library.

Most of them live for seconds, in which imports make objects by the hundred thousand and hardly any
garbage. Python's collector would look through them hundreds of times, and once more at the end:
that is a quarter of the time of a script that loads a model.
"""

import atexit
import gc

gc.set_threshold(50_000, 10, 10)  # new objects before a look; Python's own choice is 700
atexit.register(gc.freeze)  # what is left ends with the process
