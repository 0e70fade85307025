"""Set up the GitHub repository as configs/repository.yaml wishes: rules, environments, labels, ...

Prints the plan: + to add, ~ to change, = as wished, ! by hand, - not in the account's plan, ? not
seen by this token. --apply does it, and may be repeated or killed at any point. What would protect
less than it does now is refused without --allow-weaker. Needs an administrator's token in
GITHUB_TOKEN (`export GITHUB_TOKEN=$(gh auth token)`); secrets are looked up by name alone.

Exit codes: 0 done, 1 drifted (--check) or refused, 2 bad configuration, 3 GitHub failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from pipeline.adapters.github.settings import GitHubSettings
from pipeline.adapters.github.settings_looks import PlanLacks
from pipeline.core.settings.limits import REVIEWERS, stands_in
from pipeline.core.settings.plan import Item, SettingsPlan
from pipeline.doctoring.examine import examine_one
from pipeline.doctoring.outside import check_dvc_remote, check_registry
from pipeline.doctoring.settings import Wishes, load_wishes, look_at_settings
from pipeline.doctoring.situation import Situation, load_situation
from pipeline.errors import GateRefused, OutsideError, exit_code_of
from pipeline.options import new_parser
from pipeline.repository_settings import Key, Kind

_UNSEEN = (
    "This token does not see everything, so nothing of that was set or checked. Use an "
    "administrator's."
)


def main(argv: list[str] | None = None) -> int:
    """Parse the command line, plan, and apply or check."""
    arguments = parse(argv)
    return exit_code_of(
        lambda: run(load_situation(Path.cwd(), os.environ, arguments.repository), arguments)
    )


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line as values."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--repository", help="owner/name (that of the remote origin)")
    does = parser.add_mutually_exclusive_group()
    does.add_argument("--apply", action="store_true", help="set what the plan says")
    does.add_argument("--check", action="store_true", help="exit with 1 where anything drifted")
    weaker = "also set what protects less than what is set now"
    parser.add_argument("--allow-weaker", action="store_true", help=weaker)
    return parser.parse_args(argv)


def run(situation: Situation, arguments: argparse.Namespace) -> int:
    """Returns the exit code. Raises PipelineError."""
    wishes = load_wishes(situation.root)
    github = situation.settings()
    plan = look_at_settings(github, wishes)
    print(f"{situation.repository}: {len(plan.drifted)} of its settings are not as wished\n")
    print(plan)
    _print_reachable(situation)
    if arguments.apply:
        return _apply(github, wishes, plan, allow_weaker=arguments.allow_weaker)
    if plan.unseen and not plan.drifted and arguments.check:
        raise OutsideError(_UNSEEN)
    if plan.settable and not arguments.check:
        print("Nothing was changed. --apply sets what is marked + and ~.")
    return int(arguments.check and bool(plan.drifted))


def _apply(
    github: GitHubSettings, wishes: Wishes, plan: SettingsPlan, *, allow_weaker: bool
) -> int:
    """Set one after the other, going on after a refusal. Raises GateRefused, OutsideError."""
    if plan.weaker and not allow_weaker:
        lines = "\n".join(f"  - {line}" for line in plan.weaker)
        raise GateRefused(
            f"nothing was changed: this would protect less than now.\n{lines}\n"
            "Change configs/repository.yaml, or run again with --allow-weaker."
        )
    faults = [fault for item in plan.settable if (fault := _set(github, item))]
    if faults:
        raise OutsideError("\n".join(["not everything was set:", *faults]))
    left = look_at_settings(github, wishes).settable if plan.settable else ()
    for item in left:
        print(f"GitHub took it and shows something else:\n{item}")
    if plan.unseen:
        raise OutsideError(_UNSEEN)
    return int(bool(left))


def _set(github: GitHubSettings, item: Item) -> str | None:
    """Set one. Returns what went wrong, if anything did."""
    assert item.key is not None  # noqa: S101 (an item that can be set has one)
    try:
        github.set(item.key, item.wished)
    except PlanLacks as error:
        return _without_reviewers(github, item.key, item, error)
    except OutsideError as error:
        return f"  - {item.what}: {error}"
    print(f"set {item.what}")
    return None


def _without_reviewers(
    github: GitHubSettings, key: Key, item: Item, error: PlanLacks
) -> str | None:
    """Where GitHub did not tell the plan beforehand: an environment is worth having without."""
    hint = "set `plan` in configs/repository.yaml, so that it is no drift"
    if key.kind is not Kind.ENVIRONMENT or not item.wished["reviewers"]:
        return f"  - {item.what}: {error} {hint}"
    bare = {**item.wished, "reviewers": (), "prevents_self_review": False}
    fault = _set(github, replace(item, wished=bare))
    print(f"{item.what} without reviewers: {error} {stands_in(REVIEWERS)}; {hint}")
    return fault


def _print_reachable(situation: Situation) -> None:
    print("\nFrom this machine:")
    secrets = situation.secrets()
    for check in (check_dvc_remote, check_registry):
        for finding in examine_one(check, situation):
            print(finding.without(secrets))
    print()


if __name__ == "__main__":
    sys.exit(main())
