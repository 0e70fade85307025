"""Roll a model back: revert the merge of its manifest, and reconcile at once.

The challenger goes to 0 % (or the champion of before gets everything again) in one step: no metric
is asked, no window waits. Where that would leave a new champion serving, its promotion is reverted
too. With --version that one is taken back, also where another was merged after it. Run again, it
finds that reverted and only reconciles. Prints its plan; --apply does it.

Exit codes: 0 done, 1 nothing is left to revert and the version is still in its rollout or serves
everyone, 2 bad configuration, 3 an outside system failed: run it again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pipeline.core.rollout.state import current_rollout
from pipeline.errors import GateRefused, OutsideError, exit_code_of
from pipeline.manifest import version_of
from pipeline.options import new_parser
from pipeline.rolling.effects import Hands
from pipeline.rolling.known import known_model, require_version
from pipeline.rolling.model_state import ModelState, load_model
from pipeline.rolling.observe import Eyes
from pipeline.rolling.reconciler import Reconciler
from pipeline.rolling.repository import ATTEMPTS, MAIN, RolloutRepository
from pipeline.rolling.reverting import Revert, latching, plan_revert, promotion_of
from pipeline.rolling.settings import Equipment, utc_now
from pipeline.serving_config import load_serving

ONLY_REVERTED = """\
The merge is reverted in git, and the traffic may be as before: until the rollout workflow or the
watchdog looks, or until this is run again here, which then only reconciles."""

REST = "The rest conflicts with what came since, or changes a workflow, and stays."


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and roll back."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--model", required=True, help="its folder in rollouts/")
    parser.add_argument("--version", default="", help="what must not serve (the newest merge)")
    parser.add_argument("--reason", required=True, help="why: it stays in git")
    parser.add_argument("--by", default="a person at the command line", help="who says so")
    parser.add_argument("--branch", default=MAIN, help=f"where the rollouts are ({MAIN})")
    parser.add_argument("--local", action="store_true", help="this repository's own branch")
    parser.add_argument("--apply", action="store_true", help="do it")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: run(Path.cwd(), arguments, os.environ))


def run(root: Path, arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Revert and reconcile. Returns the exit code. Raises GateRefused where it still rolls out."""
    repository = RolloutRepository(root, None if arguments.local else "origin", arguments.branch)
    revert = revert_merge(repository, arguments)
    if revert is not None and not arguments.apply:
        print("Nothing was changed. --apply does it.")
        return 0
    code = exit_code_of(lambda: reconcile_one(root, repository, arguments, environment))
    if arguments.apply and code != 0:
        print(ONLY_REVERTED, file=sys.stderr)
    elif arguments.apply:
        check_ended(repository, arguments.model, arguments.version, revert)
    return code


def check_ended(
    repository: RolloutRepository, model: str, unwanted: str, revert: Revert | None
) -> None:
    """Raise GateRefused where the challenger's rollout goes on, or it still serves as champion.

    `unwanted` is the version that was named, "" for none.
    """
    snapshot = repository.snapshot()
    state = load_model(snapshot, snapshot.models[model])
    rollout, champion = current_rollout(state.status), state.champion
    if rollout is None or champion is None:
        return
    record = rollout.state
    if not (record.phase.is_ended or record.phase.is_promoted):
        raise GateRefused(
            f"{model}: {record.version} is {record.phase} all the same, and nothing is left to "
            f"revert. `python -m scripts.control_rollout abort --model {model} --reason ... "
            "--apply` ends it."
        )
    serves = version_of(champion.digest, champion.as_of)
    is_newest = champion.digest == record.challenger
    if serves == unwanted or (is_newest and (revert is None or revert.version == record.version)):
        raise GateRefused(f"{model}: {serves} serves everyone all the same. {way_out(state)}")
    print(f"{model}: {serves} serves everyone.", flush=True)
    if promotion_of(state) is not None:
        print(f"If that one is what hurts: {take_back(model, serves)}", flush=True)


def way_out(state: ModelState) -> str:
    """How a person takes a champion back that no newest merge brought."""
    promotion = promotion_of(state)
    if promotion is None:
        return "No promotion made it the champion: put the one of before into champion.yaml."
    return f"To take it back: {take_back(state.model, promotion.version)}"


def take_back(model: str, version: str) -> str:
    """The command that reverts the promotion of what serves."""
    asked = f"--model {model} --version {version} --reason ..."
    return f"`python -m scripts.roll_back {asked} --apply`"


def revert_merge(repository: RolloutRepository, arguments: argparse.Namespace) -> Revert | None:
    """Revert the newest merge; None where that was done. Raises OutsideError."""
    unwanted = arguments.version
    for _ in range(ATTEMPTS):
        snapshot = repository.snapshot()
        tree = known_model(snapshot, arguments.model)
        revert = plan_revert(snapshot, tree, arguments.reason, arguments.by, unwanted)
        if revert is None:
            if unwanted:
                require_version(load_model(snapshot, tree), unwanted)
            what = f"merge of {unwanted}" if unwanted else "merge"
            print(f"{arguments.model}: no {what} to revert. Only reconciling.")
            return None
        print(told(arguments.model, revert), flush=True)
        if not arguments.apply:
            return revert
        if repository.commit_exactly(snapshot, revert.blobs, revert.message):
            return revert
    raise OutsideError(f"{arguments.model}: others came first {ATTEMPTS} times. Run again.")


def told(model: str, revert: Revert) -> str:
    """The plan of a revert, for people to read."""
    whole = "" if revert.is_whole else f"\n  {REST}"
    files = "".join(f"\n  {'-' if b is None else '<'} {path}" for path, b in revert.blobs.items())
    commits = " and ".join(commit[:12] for commit in revert.of)
    return f"{model}: revert {commits}{files}{whole}"


def reconcile_one(
    root: Path,
    repository: RolloutRepository,
    arguments: argparse.Namespace,
    environment: Mapping[str, str],
) -> int:
    """Apply what the revert means, now. Returns the exit code of the worst that failed, or 0."""

    def say(line: str) -> None:
        print(line, flush=True)

    # By its own branch a machine acts where GitHub is down: ahead of what its watchdog follows.
    is_ahead = arguments.local
    equipment = Equipment(
        root, repository, load_serving(root), environment, say, is_beside=is_ahead
    )

    def equip(state: ModelState) -> tuple[Eyes, Hands]:
        eyes, hands = equipment.equip(state)
        return eyes, latching(hands, state, arguments.reason, utc_now()) if is_ahead else hands

    reconciler = Reconciler(repository, equip, utc_now, say, is_applied=arguments.apply)
    found = reconciler.run([arguments.model])
    return max((f.exit_code for result in found for f in result.failures), default=0)


if __name__ == "__main__":
    sys.exit(main())
