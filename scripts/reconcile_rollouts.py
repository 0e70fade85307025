"""Bring every rollout to where git says it should be: one step of one model is one commit.

Looks at the newest commit of --branch (of origin, or with --local of this repository itself), asks
the traffic layer, the metrics and the registry of each model that something can be due for, and
prints what follows; --apply does it. Safe to repeat, to be killed and to run twice at once. See
docs/rollouts.md, and docs/runbook.md for nights.

Exit codes: 0 done, 1 traffic was stopped or set by somebody else meanwhile, 2 bad configuration or
a manifest that is refused, 3 an outside system failed. Run again: nothing is lost.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from pipeline.core.rollout.observation import Stop
from pipeline.errors import ConfigurationError, PipelineError, exit_code_of
from pipeline.forge import Forge
from pipeline.github_env import forge_of, load_event
from pipeline.options import new_parser
from pipeline.rolling.reconciler import Reconciler, due_models
from pipeline.rolling.reports import stops_in
from pipeline.rolling.repository import MAIN, RolloutRepository
from pipeline.rolling.settings import Equipment, utc_now
from pipeline.serving_config import load_serving


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and reconcile."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--model", action="append", default=[], help="only this one (repeatable)")
    parser.add_argument("--branch", default=MAIN, help=f"where the rollouts are ({MAIN})")
    parser.add_argument("--local", action="store_true", help="this repository's own branch")
    parser.add_argument("--no-issues", action="store_true", help="alerts go to the chat alone")
    parser.add_argument("--apply", action="store_true", help="do it")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: run(Path.cwd(), arguments, os.environ))


def run(root: Path, arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Reconcile, and print each step as it is taken. Returns the exit code."""
    remote = None if arguments.local else "origin"
    repository = RolloutRepository(root, remote, arguments.branch)
    models = [name for name in arguments.model if name]
    stops = stops_of_job(environment)
    if not models and is_quiet(repository, environment, stops):
        print("Nothing rolls out.")
        return 0
    equipment = Equipment(
        root=root,
        repository=repository,
        serving=load_serving(root),
        environment=environment,
        tell=say,
        forge=None if arguments.no_issues else forge_maker(environment),
        stops=stops,
    )
    reconciler = Reconciler(repository, equipment.equip, utc_now, say, arguments.apply, stops)
    found = reconciler.run(models)
    if not arguments.apply and any(result.steps for result in found):
        print("Nothing was changed. --apply does it.")
    return exit_code_for([failure for result in found for failure in result.failures])


def is_quiet(
    repository: RolloutRepository, environment: Mapping[str, str], stopped: Collection[str]
) -> bool:
    """Whether the job's own checkout says that nothing is due: then no server is asked.

    Of the models in `stopped` a watchdog says that something is.
    """
    commit = environment.get("GITHUB_SHA")
    snapshot = repository.checked_out(commit) if commit else None
    return snapshot is not None and not due_models(snapshot, stopped, utc_now())


def stops_of_job(environment: Mapping[str, str]) -> dict[str, Stop]:
    """What a watchdog reported to this job. Raises ConfigurationError for a hostile payload."""
    if environment.get("GITHUB_EVENT_NAME") != "repository_dispatch":
        return {}
    return stops_in(load_event(environment).body)


def forge_maker(environment: Mapping[str, str]) -> Callable[[], Forge] | None:
    """A way to GitHub, used once something is to be said; None outside a job."""
    if not environment.get("GITHUB_REPOSITORY") or not environment.get("GITHUB_TOKEN"):
        return None

    def make() -> Forge:
        from pipeline.adapters.github import GitHubForge  # noqa: PLC0415 (slow to import)

        found = forge_of(environment)
        return GitHubForge(found.repository, found.token, found.api_url)

    return make


def exit_code_for(failures: Sequence[PipelineError]) -> int:
    """0 without a failure; else that of the first one that is configuration, or the first one."""
    ours = [error for error in failures if isinstance(error, ConfigurationError)]
    return (ours or failures)[0].exit_code if failures else 0


def say(line: str) -> None:
    """Print at once: several models speak, and a job that is killed must have told."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
