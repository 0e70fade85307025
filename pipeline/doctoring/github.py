"""The repository on GitHub: its settings, its people, its schedules, and its clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pipeline.adapters.github.settings import GitHubSettings
from pipeline.adapters.github.settings_looks import NotSeen
from pipeline.adapters.github.settings_ruleset import HeldRule
from pipeline.approvers import load_approvers
from pipeline.core.settings.plan import Item, Mark
from pipeline.doctoring.finding import Finding, fault, ok, skipped, warning
from pipeline.doctoring.settings import load_wishes, load_workflows, look_at_settings
from pipeline.doctoring.situation import Situation

SKEW_WARNING = timedelta(seconds=60)  # as pipeline/core/rollout/samples.py: more is a fault there
SKEW_FAULT = timedelta(minutes=5)
IDLE_DAYS, IDLE_WARNING_DAYS = 60, 45  # GitHub disables schedules of idle public repositories
_STOPS_PUSHES = {
    "code_scanning",
    "merge_queue",
    "pull_request",
    "required_deployments",
    "required_signatures",
    "required_status_checks",
    "update",
    "workflows",
}
_STOPS_SOME = {  # the reconciler's records may or may not be as these ask
    "commit_author_email_pattern",
    "commit_message_pattern",
    "committer_email_pattern",
}
_REMOVE = "remove it: the ruleset of configs/repository.yaml is what holds the branch"
_NEEDS_APP = "remove it, or set app_id in configs/repository.yaml and let that App through"
_LET_IN = {  # the rules of a classic protection that an App can be let through
    "required_pull_request_reviews": "let the App bypass required pull requests",
    "restrictions": "add the App to those who may push",
}
_SET_UP = "python -m scripts.set_up_repository --apply"


def check_settings(situation: Situation) -> Iterator[Finding]:
    """As `set_up_repository --check`: one line for each setting that is not as wished."""
    plan = look_at_settings(situation.settings(), load_wishes(situation.root))
    for item in plan.items:
        if item.mark is not Mark.SAME:
            yield _setting(item)
    same = sum(item.mark is Mark.SAME for item in plan.items)
    yield ok("settings", f"{same} are as wished")


def _setting(item: Item) -> Finding:
    notes = "; ".join(item.notes)
    if item.mark is Mark.UNSEEN:
        return skipped("settings", f"{item.what} (an administrator's token sees it)")
    if item.mark is Mark.LACKING:
        return warning("settings", f"{item.what}; {notes}")
    if item.mark is Mark.BY_HAND:
        return fault("settings", item.what, notes)
    word = "is not there" if item.mark is Mark.ADD else f"drifted: {notes}"
    return fault("settings", f"{item.what} {word}", _SET_UP)


def check_pushes(situation: Situation) -> Iterator[Finding]:
    """No ruleset but ours, and no classic protection, is between the reconciler and main."""
    github, wishes = situation.settings(), load_wishes(situation.root)
    branch = github.account().default_branch
    app = wishes.config.app_id
    yield from _rulesets(github, branch, wishes.config.ruleset.name, app)
    yield from _classic(github, branch, app)


def _rulesets(github: GitHubSettings, branch: str, ours: str, app: int | None) -> Iterator[Finding]:
    rules = github.rules_of_others(branch, ours)
    asked = [rule for rule in rules if rule.kind in _STOPS_PUSHES | _STOPS_SOME]
    # A job's own token, which pushes without an App, can be let past none.
    numbers = {rule.ruleset for rule in asked} if app is not None else set()
    passing = {number: github.apps_past(number) for number in numbers}
    found = [
        _stopping(rule, branch, passing.get(rule.ruleset, frozenset()), app)
        for rule in asked
        if app is None or app not in (passing[rule.ruleset] or ())
    ]
    yield from found
    if not found:
        yield ok("main", f"no other ruleset stops the reconciler's pushes to {branch}")


def _stopping(
    rule: HeldRule, branch: str, passing: frozenset[int] | None, app: int | None
) -> Finding:
    """A rule that may be in the way; `passing` is None where who may bypass it is hidden."""
    if passing is None:
        text = (
            f"whether the App may bypass {rule} on {branch} (who may change that ruleset sees it)"
        )
        return skipped("main", text)
    text = f"{rule} holds {branch} too, and the reconciler pushes its records there"
    way = "let the App bypass that ruleset" if app else _NEEDS_APP
    return (warning if rule.kind in _STOPS_SOME else fault)("main", text, way)


def _classic(github: GitHubSettings, branch: str, app: int | None) -> Iterator[Finding]:
    try:
        protection = github.protection_of(branch)
    except NotSeen:
        yield skipped("main", "a classic branch protection (an administrator's token sees it)")
        return
    stopping = [rule for rule, apps in protection.items() if app not in apps]
    for rule in stopping:
        text = f"{rule} of the classic branch protection stops the reconciler's pushes to {branch}"
        way = (_LET_IN[rule] if app else _NEEDS_APP) if rule in _LET_IN else _REMOVE
        yield fault("main", text, f"{way} (Settings > Branches)")
    if not stopping:
        yield ok("main", f"no classic branch protection stops the reconciler's pushes to {branch}")


def check_people(situation: Situation) -> Iterator[Finding]:
    """Everybody in configs/approvers.yaml has an account, and a review of theirs counts."""
    github = situation.settings()
    roles = load_approvers(situation.root).roles
    logins = sorted({login for members in roles.values() for login in members}, key=str.casefold)
    wrong = 0
    for login in logins:
        permission = github.permission_of(login)
        if permission is None:
            wrong += 1
            yield fault("people", f"GitHub has no {login}", "mend configs/approvers.yaml")
        elif permission not in ("write", "admin"):
            wrong += 1
            text = f"{login} may {permission} only: their approval does not count for the ruleset"
            yield warning("people", text, "give them write access, or take them out")
    if logins and not wrong:
        yield ok("people", f"{len(logins)} approvers may approve")


def check_schedules(situation: Situation) -> Iterator[Finding]:
    """No workflow is disabled, and none soon will be for want of commits."""
    github = situation.settings()
    states, ours = github.workflow_states(), set(load_workflows(situation.root))
    off = [name for name in sorted(ours & set(states)) if states[name] != "active"]
    for name in off:
        yield fault("workflows", f"{name} is {states[name]}", f"gh workflow enable {name}")
    for name in sorted(ours - set(states)):
        yield warning("workflows", f"{name} is not on GitHub yet", "push it to the default branch")
    idle = _idle_days(situation)
    if not github.account().is_private and idle > IDLE_WARNING_DAYS:
        text = f"no commit for {idle} days: GitHub stops schedules after {IDLE_DAYS}"
        yield warning("workflows", text, "any commit on the default branch starts the count anew")
    elif not off:
        yield ok("workflows", f"{len(ours & set(states))} are active")


def check_clock(situation: Situation) -> Iterator[Finding]:
    """The clock here against GitHub's: windows, deadlines and an App's tokens need it."""
    theirs = situation.settings().server_time()
    skew = abs(situation.now + situation.elapsed - theirs)
    seconds = f"{skew.total_seconds():.0f} s from GitHub's"
    if skew > SKEW_FAULT:
        yield fault("clock", seconds, "timedatectl set-ntp true")
    elif skew > SKEW_WARNING:
        yield warning("clock", seconds, "timedatectl set-ntp true")
    else:
        yield ok("clock", seconds)


def _idle_days(situation: Situation) -> int:
    stamp = situation.git("log", "-1", "--format=%ct", "HEAD")
    if not stamp.isdecimal():
        return 0
    return (situation.now - datetime.fromtimestamp(int(stamp), UTC)).days
