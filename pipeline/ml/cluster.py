"""Where the search runs: this machine's cores, or a Dask cluster."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import joblib

from pipeline.config import TrainParams
from pipeline.errors import ConfigurationError, OutsideError


@contextlib.contextmanager
def joblib_backend(params: TrainParams) -> Iterator[None]:
    """Run the search on this machine's cores, or on the Dask cluster that the environment names."""
    if params.joblib_backend != "dask":
        # The trials are the parallelism already; threads inside them only get in the way.
        threads = {"inner_max_num_threads": 1} if params.joblib_backend == "loky" else {}
        with joblib.parallel_config(backend=params.joblib_backend, n_jobs=params.n_jobs, **threads):
            yield
        return
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    if not address:
        raise ConfigurationError(
            "params.yaml",
            ["train.joblib_backend: found 'dask', which needs DASK_SCHEDULER_ADDRESS to be set"],
        )
    try:
        from distributed import Client  # noqa: PLC0415 (an optional dependency)

        client = Client(address, timeout=10)
    except ImportError as error:
        raise ConfigurationError(
            "params.yaml", ["train.joblib_backend: dask: install it"]
        ) from error
    except (OSError, TimeoutError) as error:
        raise OutsideError(f"Dask scheduler {address} does not answer: {error}") from error
    with client, joblib.parallel_config(backend="dask"):
        yield
