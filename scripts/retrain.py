"""Retrain once: run the pipeline as of a moment, judge the challenger, write the report.

The run itself only writes artifacts/ and, with --as-of, one line of params.yaml. What leaves this
folder (the package to the DVC remote, the challenger to the model registry) is printed as a plan
and happens with --apply. A challenger that passed is then ready for scripts/open_retrain_pr.py: its
rollback is rehearsed, the quality gates are assessed and the evidence is collected.

Exit codes: 0 the challenger passed, 1 a gate says no, 2 bad configuration, 3 an outside system
failed, 4 data incident, 70 the code has a bug.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

from pipeline.approvers import load_approvers
from pipeline.champion import champion_path
from pipeline.config import load_all, load_params, load_schema, load_usecase, parse_utc
from pipeline.core.pull.body import build_pull_text
from pipeline.core.report.escape import clean
from pipeline.core.triggers.ledger import Ledger, causes_of
from pipeline.domain import Verdict
from pipeline.errors import Bug, ConfigurationError, GateRefused, OutsideError, exit_code_of
from pipeline.gates_config import check_data_age, load_quality_policy
from pipeline.github_env import add_summary, set_outputs
from pipeline.jsonio import load_json, save_text
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.options import new_parser
from pipeline.params_file import set_as_of
from pipeline.proposing.finished import TEMPLATE, by_hand
from pipeline.proposing.run_files import load_pull_facts
from pipeline.rollout_config import load_rollout_plan
from pipeline.stages.outputs import TIMINGS
from pipeline.trigger_config import load_triggers

CLOCK_SKEW = timedelta(minutes=1)
NO_CHAMPION = (
    "# No model serves yet: a person approves the first one, with python -m scripts.set_champion.\n"
)
# All that any part of the run reads, up to the manifest: a fault must not wait for the training.
CONFIGURATION = (
    load_params,
    load_usecase,
    load_schema,
    load_quality_policy,  # the whole of gates.yaml
    load_approvers,
    load_triggers,
    load_rollout_plan,
    check_data_age,
)
# How the trigger ledger calls the ends of a run, as scripts/settle_retrain.py takes them.
OUTCOMES = {0: "proposed", 1: "lost", 4: "incident"}
STAGE_EXIT = re.compile(r"exited with (-?\d+)")


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and retrain."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument(
        "--as-of", help="a past time such as 2013-07-02, or now (default: as it stands)"
    )
    parser.add_argument("--trigger-type", default="manual_retrain", help="why this retrain runs")
    parser.add_argument("--trigger-priority", default="medium", help="how urgent that is")
    parser.add_argument("--retrain", help="its id in the trigger ledger (default: run by hand)")
    parser.add_argument("--local", action="store_true", help="use this repository's own ledger")
    parser.add_argument(
        "--accept-loss", action="store_true", help="exit with 0, not 1, where the champion stays"
    )
    parser.add_argument(
        "--recollect", action="store_true", help="read the warehouse again for the same as-of"
    )
    parser.add_argument("--apply", action="store_true", help="push the package and register it")
    arguments = parser.parse_args(argv)
    code = exit_code_of(lambda: retrain(Path.cwd(), arguments))
    set_outputs({"outcome": OUTCOMES.get(code, "failed"), "note": note_of(Path.cwd(), code)})
    is_fine = arguments.accept_loss and code == GateRefused.exit_code
    return 0 if is_fine else code


def retrain(root: Path, arguments: argparse.Namespace) -> int:
    """Run, report and (with --apply) push and register. Returns the exit code."""
    if arguments.as_of is not None:
        set_as_of(root / "params.yaml", parse_as_of(arguments.as_of))
    params, usecase, *_ = load_all(root, *CONFIGURATION)
    as_of = no_later_than_now(params.collect.as_of, "params.yaml: collect.as_of")
    start_model(champion_path(root, usecase.model))
    print(f"Retraining as of {as_of:%Y-%m-%d %H:%M} UTC", flush=True)
    started = datetime.now(UTC)
    code = recollect(root, is_asked=arguments.recollect) or reproduce(root)
    if code != 0:
        return code
    tell_old_rows(root, started)
    trigger = [
        f"--trigger-type={arguments.trigger_type}",
        f"--trigger-priority={arguments.trigger_priority}",
    ]
    apply = ["--apply"] * arguments.apply
    verdict = Verdict(load_json(root / "artifacts/compare/comparison.json")["verdict"])
    steps = [
        ["scripts.render_report", *trigger],
        ["scripts.push_package", *apply],
        ["scripts.register_challenger", *trigger, *apply],  # or log it, where it lost
    ]
    if verdict is Verdict.PASS and arguments.apply:
        steps += [
            ["scripts.rehearse_rollback"],
            ["scripts.assess_gates", *known_to_the_ledger(arguments)],
            ["scripts.collect_evidence", "--apply"],
        ]
    code = run_steps(steps)
    if code != 0:
        return code
    if verdict is Verdict.PASS:
        return 0
    summarise(root, arguments.retrain, is_local=arguments.local)
    return GateRefused.exit_code


def run_steps(steps: Iterable[list[str]]) -> int:
    """Call each module's `main` with its options, up to one that does not end with 0.

    Returns the last code. In this process: together they import what each of them alone takes a
    second for, and a bug in one is raised, not taken for a code.
    """
    for module, *options in steps:
        code = int(import_module(module).main(options))
        sys.stdout.flush()  # what it said is seen while the next one works
        if code != 0:
            return code
    return 0


def summarise(root: Path, retrain: str | None, *, is_local: bool) -> None:
    """Say in the job's summary why nothing is proposed: in the words of a pull request."""
    name = retrain or by_hand(root, load_usecase(root).model)
    ledger = LedgerStore(root, is_local=is_local).read() if retrain else Ledger()
    facts = load_pull_facts(root, retrain=name, causes=causes_of(ledger, name))
    add_summary(build_pull_text(facts, TEMPLATE.read_text(encoding="utf-8")).body)


def note_of(root: Path, code: int) -> str:
    """The sentence for the trigger ledger: why the verdict is what it is, where there is one."""
    is_judged = code in (0, GateRefused.exit_code)
    path = root / "artifacts/compare/comparison.json"
    return clean(load_json(path)["summary"]) if is_judged and path.is_file() else ""


def known_to_the_ledger(arguments: argparse.Namespace) -> list[str]:
    """Which retrain of which ledger this is, for the gate that asks why it runs."""
    return ["--local"] * arguments.local + (
        ["--retrain", arguments.retrain] if arguments.retrain else []
    )


def start_model(champion: Path) -> None:
    """Give a new model its champion file, which says that there is none; the stages look at it."""
    if not champion.exists():
        save_text(champion, NO_CHAMPION)


def parse_as_of(text: str) -> datetime:
    """The moment that `--as-of` means. Raises ConfigurationError, also for one yet to come."""
    if text == "now":
        return datetime.now(UTC)
    return no_later_than_now(parse_utc(text, "--as-of"), "--as-of")


def no_later_than_now(as_of: datetime, where: str) -> datetime:
    """`as_of`, unless it is yet to come: a run that sees a window half full cannot be repeated.

    Whoever names the moment may have a clock that is CLOCK_SKEW ahead. Raises ConfigurationError.
    """
    now = datetime.now(UTC)
    if as_of > now + CLOCK_SKEW:
        fault = f"found {as_of:%Y-%m-%d %H:%M} UTC, expected no time later than now, {now:%F %H:%M}"
        raise ConfigurationError(where, [fault])
    return as_of


def recollect(root: Path, *, is_asked: bool) -> int:
    """Read the warehouse again where that is asked, or the last run was an incident.

    DVC keeps what it read before as long as as_of stays, so that data which was mended in the
    warehouse would never be seen. Returns an exit code.
    """
    if any(root.glob("artifacts/*/incident.md")):
        print("The last run was an incident: reading the warehouse again", flush=True)
    elif not is_asked:
        return 0
    return reproduce(root, "--force", "--no-run-cache", "--single-item", "collect")


def tell_old_rows(root: Path, started: datetime) -> None:
    """Say so where the warehouse was not read since `started`: it may hold others by now."""
    path = root / TIMINGS
    read = (load_json(path) if path.exists() else {}).get("collect", {}).get("at")
    if read is not None and datetime.fromisoformat(read) >= started:
        return
    when = f"as read on {datetime.fromisoformat(read):%F %H:%M} UTC or before" if read else "of DVC"
    print(f"Rows {when}, not read now: --recollect reads the warehouse again", flush=True)


def reproduce(root: Path, *options: str) -> int:
    """Run `dvc repro`. Returns the exit code of the stage that failed, or 0."""
    command = [sys.executable, "-m", "dvc", "repro", *options]
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": beside}  # the `python` of dvc.yaml is this one
    with subprocess.Popen(
        command, cwd=root, env=environment, stderr=subprocess.PIPE, text=True
    ) as run:
        said = []
        for line in run.stderr or ():
            sys.stderr.write(line)
            said.append(line)
    if run.returncode == 0:
        return 0
    stage_exit = STAGE_EXIT.search("".join(said))
    if stage_exit is None:
        raise OutsideError("dvc repro failed before a stage did; its own words are above.")
    # No stage gives a verdict, so 1 is Python's own: what a stage imports is broken or not there.
    code = int(stage_exit.group(1))
    if code in (1, Bug.exit_code):
        return Bug.exit_code
    return code if code in (2, 3, 4) else OutsideError.exit_code  # a signal, for example


if __name__ == "__main__":
    sys.exit(main())
