"""Record what the model servers count, for rollout plans whose metrics.provider is `file`.

For one machine without Prometheus. Every few seconds it reads /metrics of each server in the
addresses file of configs/serving.yaml, and replaces the file of samples there: error_rate,
latency_p95 and accuracy, each over its window in configs/rollout-plan.yaml. Stops on SIGTERM.

Exit codes: 0 stopped; 2 bad option or configuration. A server that is silent, a file of addresses
that cannot be read and a full disk end nothing: they are told, and the next reading tries again.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from pipeline.config import load_usecase
from pipeline.errors import ConfigurationError, exit_code_of
from pipeline.options import new_parser, wait_seconds
from pipeline.rolling.recorder import Recorder
from pipeline.rollout_config import load_rollout_plan
from pipeline.rollout_metrics import DEFAULT_METRICS
from pipeline.serving_config import load_addresses, load_serving


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and record."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--model", help="by default that of configs/usecase.yaml")
    parser.add_argument(
        "--every", type=wait_seconds, default=5.0, help="seconds between readings (5)"
    )
    parser.add_argument("--apply", action="store_true", help="write the file of samples")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: run(Path.cwd(), arguments))


def run(root: Path, arguments: argparse.Namespace) -> int:
    """Record until a signal comes. Returns 0."""
    model = arguments.model or load_usecase(root).model
    recorder = recorder_of(root, model)
    print(f"Records {', '.join(recorder.windows)} of {model} into {recorder.path}", flush=True)
    if not arguments.apply:
        print("Nothing was written. --apply does it.")
        return 0
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    while not stop.is_set():
        try:
            recorder.record()
        except OSError as error:  # such as a full disk: samples grow stale until it is mended
            recorder.tell(f"{recorder.path}: not written ({error}). It is tried again.")
        stop.wait(arguments.every)
    return 0


def recorder_of(root: Path, model: str) -> Recorder:
    """A recorder as the configuration says. Raises ConfigurationError."""
    serving = load_serving(root).of(model)
    if serving.metrics.file is None or serving.backends.file is None:
        fault = "expected metrics.file, for the samples, and backends.file, which names the servers"
        raise ConfigurationError("configs/serving.yaml", [fault])
    queries = load_rollout_plan(root).metrics.queries
    servers = root / serving.backends.file.replace("{model}", model)
    return Recorder(
        path=root / serving.metrics.file.replace("{model}", model),
        windows={name: queries[name].window for name in DEFAULT_METRICS},
        addresses=lambda: load_addresses(servers),
        clock=lambda: datetime.now(UTC),
        tell=lambda line: print(line, file=sys.stderr, flush=True),
    )


if __name__ == "__main__":
    sys.exit(main())
