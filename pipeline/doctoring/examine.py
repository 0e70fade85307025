"""All checks, one after the other: what breaks in one is its finding, and no other misses out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pipeline.doctoring import champion, files, github, machine, outside, rollouts, usecase
from pipeline.doctoring.finding import Finding, fault, skipped
from pipeline.doctoring.situation import Situation
from pipeline.errors import ConfigurationError, PipelineError, in_one_line

Check = Callable[[Situation], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (
    machine.check_python,
    machine.check_git,
    machine.check_git_identity,
    machine.check_remote,
    machine.check_servers,
    files.check_configurations,
    usecase.check_usecase,
    files.check_roles,
    files.check_lock,
    champion.check_champions,
    champion.check_leftovers,
    *outside.OUTSIDE_CHECKS,
    rollouts.check_ledger,
    rollouts.check_rollouts,
    rollouts.check_history,
)
OFFLINE_CHECKS: tuple[Check, ...] = (
    files.check_configurations,
    usecase.check_usecase,
    files.check_lock,
    champion.check_leftovers,
)
FORGE_CHECKS: tuple[Check, ...] = (
    github.check_clock,
    github.check_settings,
    github.check_pushes,
    github.check_people,
    github.check_schedules,
)
_REPORT = "mend what it names; where it names nothing of yours, please report it"


def examine(situation: Situation, *, is_offline: bool = False) -> Iterator[Finding]:
    """Every finding, as it is made; no secret of the environment is in any.

    With `is_offline` only the files of the checkout are looked at, and nobody is asked.
    """
    secrets = situation.secrets()
    missing = None if is_offline else situation.why_no_forge()
    asked = CHECKS if missing else (*CHECKS, *FORGE_CHECKS)
    checks = OFFLINE_CHECKS if is_offline else asked
    for check in checks:
        for finding in examine_one(check, situation):
            yield finding.without(secrets)
    if missing:
        yield skipped("GitHub", missing)


def examine_one(check: Check, situation: Situation) -> Iterator[Finding]:
    """One check; whatever error ends it is what it found."""
    subject = check.__name__.removeprefix("check_").replace("_", " ")
    try:
        yield from check(situation)
    except (PipelineError, OSError) as error:
        yield fault(subject, *_said_and_mend(error))
    except ImportError as error:
        yield skipped(subject, f"needs the training stack ({error})")
    except Exception as error:  # noqa: BLE001 (a broken check must not hide the others)
        yield fault(subject, f"this check broke: {type(error).__name__}: {error}", _REPORT)


def _said_and_mend(error: Exception) -> tuple[str, str]:
    """What went wrong and, as the last sentence of our own errors says, what to do."""
    text = in_one_line(error)
    if isinstance(error, ConfigurationError):
        return text, f"mend {error.where}"
    said, _, advice = text.rstrip(".").rpartition(". ")
    return (said, advice) if said and isinstance(error, PipelineError) else (text, "run again")
