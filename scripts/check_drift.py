"""How far is a Parquet file from what the champion learned? PSI of each column, nothing dispatched.

For windows that are files rather than rows of the warehouse: the file is streamed in bounded
memory and counted into the bins of rollouts/<model>/reference.json, with the limits of
configs/triggers.yaml. Exit codes: 0 fewer features drifted than fire, 1 enough did; 2 to 4 as ever.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.config import load_usecase
from pipeline.core.drift import Drift, psi
from pipeline.core.report.escape import clean
from pipeline.core.triggers.datadrift import assess_data_drift
from pipeline.core.triggers.decision import Status
from pipeline.core.triggers.watched import watched_columns
from pipeline.core.triggers.windows import Window
from pipeline.errors import ConfigurationError, GateRefused, exit_code_of
from pipeline.jsonio import save_json
from pipeline.monitoring.parquet_counts import count_parquet
from pipeline.monitoring.production import Monitored, drift_rule_faults, load_monitored
from pipeline.options import new_parser
from pipeline.trigger_config import DataDriftTrigger

PARQUET = b"PAR1"  # how each Parquet file begins


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and compare."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("file", type=Path, help="a Parquet file with the warehouse's columns")
    parser.add_argument("--json", type=Path, help="write the figures and bins here")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: check(Path.cwd(), arguments.file, arguments.json))


def check(root: Path, file: Path, json: Path | None) -> int:
    """Print each column's drift, the largest first. Returns the exit code.

    Raises ConfigurationError without a champion or a Parquet file.
    """
    require_parquet(file)
    monitored = load_monitored(root)
    rule = monitored.policy.triggers.retraining_triggers.data_drift if monitored else None
    if monitored is None or rule is None:
        fault = f"needs a champion of {load_usecase(root).model}, and data_drift to be configured"
        raise ConfigurationError("check_drift", [fault])
    if faults := drift_rule_faults(monitored):
        raise ConfigurationError("configs/triggers.yaml", list(faults))
    drifts = drifts_of(file, monitored, rule)
    for name, drift in sorted(drifts.items(), key=lambda item: -(item[1].value or 0)):
        print(f"  {name:24} {line(drift)}")
    since = monitored.champion.as_of
    answer = assess_data_drift(rule, Window(since, since), drifts)
    print(f"\n{answer.status}: {clean(answer.reason)}")
    if json is not None:
        save_json(json, drifts)
    return GateRefused.exit_code if answer.status is Status.FIRED else 0


def require_parquet(file: Path) -> None:
    """Raises ConfigurationError for a file that is not there, or no Parquet file at all.

    One that begins as Parquet and is broken further on is an incident, and not a wrong argument.
    """
    if not file.is_file():
        found = "a folder" if file.is_dir() else "no such file"
    else:
        with file.open("rb") as opened:
            begin = opened.read(len(PARQUET))
        if begin == PARQUET:
            return
        found = f"a file that begins with {begin!r}"
    raise ConfigurationError(str(file), [f"found {found}, expected a Parquet file"])


def drifts_of(file: Path, monitored: Monitored, rule: DataDriftTrigger) -> dict[str, Drift]:
    """The drift of each watched column of `file`. Raises DataIncident where a column is gone."""
    watched = watched_columns(rule, monitored.reference.columns)
    counted = count_parquet(file, watched)
    limits = {"threshold": rule.psi_threshold, "alpha": rule.alpha}
    return {name: psi(watched[name], counts, **limits) for name, counts in counted.items()}


def line(drift: Drift) -> str:
    """One column's figures, for a terminal."""
    if drift.value is None or drift.limit is None:
        return "no rows"
    word = {True: "drifted", False: "", None: "too few rows to say"}[drift.is_drifted]
    return f"PSI {drift.value:.4f}  limit {drift.limit:.4f}  n {drift.n_current:,.0f}  {word}"


if __name__ == "__main__":
    sys.exit(main())
