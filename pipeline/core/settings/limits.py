"""What an account's plan lacks, what stands in for it, and what a mode costs: said, not hidden.

Sources: GitHub's pages "About rulesets", "Deployments and environments" and "What is GitHub
Pages?". Everything here is there for every public repository.
"""

from __future__ import annotations

from pipeline.core.settings.plan import Item, Mark, shown
from pipeline.core.settings.wish import APP_VARIABLE
from pipeline.repository_config import RepositoryConfig
from pipeline.repository_settings import Account, Found, Key, Kind

REVIEWERS = "reviewers"  # of environments: a part of Kind.ENVIRONMENT that most plans lack
_NEEDS_PAID = {
    Kind.RULESET: "rulesets",
    Kind.PAGES: "pages",
    Kind.ENVIRONMENT: "protected environments",
}
_STAND_INS = {
    Kind.RULESET: "nothing holds main. review.yml still says perennial/verify on each pull "
    "request, and whoever may push can go past it: give few people write access",
    Kind.ENVIRONMENT: "admit_retrain.py checks configs/approvers.yaml itself; secrets go to the "
    "repository's own",
    REVIEWERS: "admit_retrain.py checks configs/approvers.yaml itself: the second person presses "
    "'Re-run all jobs'",
    Kind.POLICY: "retrain starts review for its proposals; what people open is judged once "
    "somebody reviews it, or by hand",
    Kind.PAGES: "the page is an artifact of its workflow, and the dashboard issue is there as well",
}


def lacking_features(account: Account) -> dict[str, str]:
    """Feature -> why it is not there. Nothing where the plan is not told: then GitHub says so."""
    if not account.is_private or account.plan is None or account.plan.startswith("enterprise"):
        return {}
    why = f"a private repository on the plan {account.plan}"
    lacks = {REVIEWERS: f"{why} has no reviewers of environments"}
    if account.plan == "free":
        lacks |= {str(kind): f"{why} has no {words}" for kind, words in _NEEDS_PAID.items()}
    return lacks


def lacking_of(found: Found) -> dict[str, str]:
    """What the plan lacks: by what is known of it, and by what GitHub said."""
    return {**found.lacking, **lacking_features(found.account)}


def limit_items(config: RepositoryConfig, found: Found) -> tuple[Item, ...]:
    """A line for each feature that is not there, and one for the mode without an App."""
    lacking = lacking_of(found)
    if config.pages == "never" or (config.pages == "when_public" and found.account.is_private):
        lacking.pop(Kind.PAGES, None)
    items = [
        Item(Mark.LACKING, f"{feature}: {why}", (stands_in(feature),))
        for feature, why in sorted(lacking.items())
    ]
    if config.app_id is None and Kind.RULESET not in lacking:
        items.append(Item(Mark.LACKING, _WITHOUT_APP[0], _WITHOUT_APP[1:]))
    if config.app_id is None and _APP in found.settings:
        value = shown(found.settings[_APP]["value"])
        items.append(Item(Mark.BY_HAND, f"{_APP} is {value}, and app_id is null", _WHICH))
    return tuple(items)


_APP = Key(Kind.VARIABLE, APP_VARIABLE)
_WHICH = (f"write it into configs/repository.yaml, or `gh variable delete {APP_VARIABLE}`",)


def stands_in(feature: str) -> str:
    """What does the work of a feature that is not there."""
    return f"stands in: {_STAND_INS.get(feature, 'nothing')}"


_WITHOUT_APP = (
    "main takes pushes without a pull request: app_id is null",
    "the reconciler pushes its records with the job's token, which no ruleset lets through.",
    "stands in: perennial/verify is shown on each pull request, and forces nothing; deletion and",
    "rewriting are forbidden to all. A GitHub App makes both hold: docs/github-settings.md.",
)
