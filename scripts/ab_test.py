"""Plan, start, read and stop an A/B test of the champion and a challenger.

    python -m scripts.ab_test plan [--units-a-day N]
    python -m scripts.ab_test start --challenger sha256:… [--apply]
    python -m scripts.ab_test weight --percent 25 [--apply]
    python -m scripts.ab_test status [--outcomes FILE | --provider NAME] [--require-winner]
                                     [--apply]
    python -m scripts.ab_test stop --because TEXT [--apply]
    python -m scripts.ab_test schema

What changes the test prints its plan, writes its file with --apply, and says what to commit: the
commits are the record of who was served by what. `status` reads outcomes from the warehouse
(WAREHOUSE_URL), or from a CSV or Parquet file, or counts as JSON, or asks a metrics provider
(PROMETHEUS_URL, or the address in configs/serving.yaml), and writes artifacts/ab-test/; --apply
keeps the looks beside the test. Look as often as you like: the answer allows for it.

Exit codes: 0 done; 1 refused, or no winner where --require-winner asks for one; 2 bad
configuration; 3 an outside system failed; 4 the outcomes cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pipeline.ab_config import load_ab_test
from pipeline.config import load_usecase, parse_utc
from pipeline.core.abtest.looks import looks_to_json
from pipeline.core.abtest.plan import plan_lines
from pipeline.core.abtest.report import PICTURE, render_ab_test, summary_lines
from pipeline.core.abtest.results import ABTestResults, results_json, results_schema
from pipeline.core.abtest.verdict import Result
from pipeline.errors import ConfigurationError, GateRefused, exit_code_of
from pipeline.experiment import Experiment, experiment_path, looks_path, render_experiment
from pipeline.jsonio import render_json, save_json, save_text
from pipeline.monitoring.ab_looks import take_looks
from pipeline.monitoring.ab_provider import PROVIDERS
from pipeline.monitoring.ab_tests import (
    Bench,
    chosen_test,
    judge,
    must_run,
    new_test,
    running_test,
    stopped,
    with_weight,
)
from pipeline.options import new_parser

ARTIFACTS = Path("artifacts/ab-test")
RESULTS, REPORT = "ab-test-results.json", "ab-test.md"
TEMPLATE = Path("pipeline/templates/ab_test.md.j2")


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and do what it says."""
    verbs: dict[str, Callable[[Bench, argparse.Namespace], int]] = {
        "plan": plan,
        "start": start,
        "weight": set_weight,
        "status": status,
        "stop": stop,
    }
    helps = {name: _first_line(verb) for name, verb in verbs.items()}
    arguments = _parser(helps).parse_args(argv)
    if arguments.command == "schema":
        print(render_json(results_schema()), end="")
        return 0
    return exit_code_of(lambda: verbs[arguments.command](_bench(arguments), arguments))


def _parser(helps: dict[str, str]) -> argparse.ArgumentParser:
    parser = new_parser(__file__, __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    subs = {name: commands.add_parser(name, help=text) for name, text in helps.items()}
    commands.add_parser("schema", help="print the JSON Schema of ab-test-results.json")
    for sub in subs.values():
        sub.add_argument("--at", help="the time that it is (default: now)")
    for name in ("start", "weight", "status", "stop"):
        subs[name].add_argument("--apply", action="store_true", help="write the files")
    subs["plan"].add_argument("--units-a-day", type=int, help="units of both variants a day")
    subs["start"].add_argument("--challenger", required=True, help="the challenger's digest")
    subs["start"].add_argument("--id", help="the test's name, and its salt")
    subs["weight"].add_argument("--percent", type=float, required=True, help="the challenger's")
    source = subs["status"].add_mutually_exclusive_group()
    source.add_argument("--outcomes", type=Path, help="a .csv, .parquet or .json file")
    source.add_argument("--provider", choices=PROVIDERS, help="a live metrics provider")
    subs["status"].add_argument("--id", help="the test (default: the running, or the last one)")
    subs["status"].add_argument("--require-winner", action="store_true", help="else exit with 1")
    subs["stop"].add_argument("--because", required=True, help="for those who read it later")
    return parser


def plan(bench: Bench, arguments: argparse.Namespace) -> int:
    """Say what a test needs, and what it can see."""
    if arguments.units_a_day is not None and arguments.units_a_day < 1:
        fault = f"found {arguments.units_a_day}, expected 1 or more"
        raise ConfigurationError("--units-a-day", [fault])
    print("\n".join(plan_lines(load_ab_test(bench.root), arguments.units_a_day)))
    return 0


def start(bench: Bench, arguments: argparse.Namespace) -> int:
    """Begin a test of the challenger against the champion."""
    experiment = new_test(bench, load_ab_test(bench.root), arguments.challenger, arguments.id)
    running = running_test(bench)
    if running is not None:
        if running.model_b == experiment.model_b and arguments.id in (None, running.id):
            print(f"{running.id} is running already: nothing to do.")
            return 0
        raise GateRefused(f"{running.id} is running. Stop it first: a unit is in one test only.")
    if experiment_path(bench.root, bench.model, experiment.id).exists():
        raise GateRefused(f"{experiment.id} was there already. Name the new test with --id.")
    print("\n".join(plan_lines(experiment.test, None)))
    return _save(bench, experiment, f"Start A/B test {experiment.id}", apply=arguments.apply)


def set_weight(bench: Bench, arguments: argparse.Namespace) -> int:
    """Change the challenger's share of the running test."""
    experiment = must_run(bench)
    is_share = 0 <= arguments.percent <= 100  # NaN is none either
    points = round(arguments.percent * 100) if is_share else -1
    if abs(points - arguments.percent * 100) > 1e-6 or not is_share:
        fault = f"found {arguments.percent:g}, expected 0 to 100 in steps of 0.01"
        raise ConfigurationError("--percent", [fault])
    if experiment.weights[-1].challenger_basis_points == points:
        print(f"{experiment.id} has {arguments.percent:g} % already: nothing to do.")
        return 0
    changed = with_weight(bench, experiment, points)
    message = f"Give the challenger of {experiment.id} {arguments.percent:g} %"
    return _save(bench, changed, message, apply=arguments.apply)


def stop(bench: Bench, arguments: argparse.Namespace) -> int:
    """End the running test: everything goes to the champion."""
    running = running_test(bench)
    if running is None:
        print(f"No A/B test of {bench.model} is running: nothing to do.")
        return 0
    changed = stopped(bench, running, arguments.because)
    return _save(bench, changed, f"Stop A/B test {running.id}", apply=arguments.apply)


def status(bench: Bench, arguments: argparse.Namespace) -> int:
    """Look at a test, and say what can be said."""
    experiment = chosen_test(bench, arguments.id)
    clock = max(bench.at, datetime.now(UTC))
    looks = take_looks(
        bench.root,
        experiment,
        bench.at,
        clock,
        outcomes=arguments.outcomes,
        provider=arguments.provider,
    )
    results = judge(experiment, looks, bench.at)
    print("\n".join(summary_lines(results)))
    write_artifacts(bench.root, experiment, results)
    print(f"Wrote {ARTIFACTS}/.")
    kept = looks_path(bench.root, bench.model, experiment.id)
    if arguments.apply:
        save_json(kept, looks_to_json(experiment.id, looks))
        print(f"Wrote {kept.relative_to(bench.root)}. Commit it to keep the looks.")
    else:
        print("The looks were not kept. --apply keeps them beside the test.")
    is_missing = arguments.require_winner and results.result != Result.MODEL_B
    return GateRefused.exit_code if is_missing else 0


def write_artifacts(root: Path, experiment: Experiment, results: ABTestResults) -> None:
    """The results for programs and people; the picture where matplotlib is installed."""
    picture = _picture(experiment, results)
    if picture is not None:
        (root / ARTIFACTS).mkdir(parents=True, exist_ok=True)
        (root / ARTIFACTS / PICTURE).write_bytes(picture)
    template = (root / TEMPLATE).read_text(encoding="utf-8")
    report = render_ab_test(template, results, has_picture=picture is not None)
    save_text(root / ARTIFACTS / REPORT, report)
    save_json(root / ARTIFACTS / RESULTS, results_json(results))


def _picture(experiment: Experiment, results: ABTestResults) -> bytes | None:
    try:
        from pipeline.ml.plots.abtest import Sequenced, draw_ab_test  # noqa: PLC0415 (heavy)
        from pipeline.ml.plots.style import as_png  # noqa: PLC0415
    except ImportError:  # the light set has no matplotlib; the table tells the same
        return None
    primary = experiment.test.primary
    return as_png(
        draw_ab_test(
            Sequenced(
                metric=primary.metric,
                confidence=results.primary.confidence,
                sign=primary.sign,
                moments=[datetime.fromisoformat(look.at) for look in results.looks],
                estimates=[look.estimate for look in results.looks],
                lows=[look.low for look in results.looks],
                highs=[look.high for look in results.looks],
                changes=[(w.at, w.challenger_basis_points / 100) for w in experiment.weights[1:]],
                margin=primary.equivalence_margin,
            )
        )
    )


def _save(bench: Bench, experiment: Experiment, message: str, *, apply: bool) -> int:
    path = experiment_path(bench.root, bench.model, experiment.id)
    print(f"{message}: model_a {experiment.model_a[:19]}, model_b {experiment.model_b[:19]}")
    for weight in experiment.weights:
        share = weight.challenger_basis_points / 100
        print(f"  from {weight.at:%Y-%m-%d %H:%M} UTC on {share:g} % to the challenger")
    if experiment.stopped_at is not None:
        print(f"  from {experiment.stopped_at:%Y-%m-%d %H:%M} UTC on all to the champion")
    if not apply:
        print("Nothing was changed. --apply writes it.")
        return 0
    save_text(path, render_experiment(experiment))
    name = path.relative_to(bench.root)
    print(f"Wrote {name}. To make it so:\n  git add {name} && git commit -m '{message}'")
    return 0


def _bench(arguments: argparse.Namespace) -> Bench:
    root = Path.cwd()
    at = parse_utc(arguments.at, "--at") if arguments.at else datetime.now(UTC)
    return Bench(root, load_usecase(root).model, at.replace(microsecond=0))


def _first_line(verb: Callable[..., int]) -> str:
    return (verb.__doc__ or "").partition("\n")[0].rstrip(".").lower()


if __name__ == "__main__":
    sys.exit(main())
