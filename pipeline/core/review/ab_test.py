"""Whether the A/B test that the rollout plan asks for has been won by what would be merged.

The plan names the test by its id. Its start, weights and looks are files of main, and its answer is
worked out from them by main's own code: what the pull request says of a test is not asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.domain import Gate, Verdict

_RULE = "The challenger won the A/B test that the rollout plan asks for, against this champion."


@dataclass(frozen=True)
class ABTestAnswer:
    """What main's files say of one test at the last look that is kept.

    `result` is that of abtest/verdict.py, None before any look; `is_over` once no outcome is still
    to come; `reason` is why it is that result, without a full stop. `model_a` and `model_b` are the
    digests of champion and challenger.
    """

    id: str
    model_a: str
    model_b: str
    result: str | None = None
    is_over: bool = False
    reason: str = ""


def assess_ab_test(
    wanted: str | None, found: ABTestAnswer | None, *, challenger: str, champion: str | None
) -> Gate:
    """The gate `ab_test`: PASS for `model_b` alone. `wanted` is the plan's id, None for no test.

    INCONCLUSIVE while an answer is still to come; FAIL where it came and is another. A test of
    other models says nothing of these, so that theirs is still to come.
    """
    if wanted is None:
        return Gate("ab_test", Verdict.PASS, _RULE, "None is asked for.")
    missing = _what_is_missing(wanted, found, (champion, challenger))
    if found is None or missing:
        reason = f"Waits for the A/B test {wanted}: {missing}."
        return Gate("ab_test", Verdict.INCONCLUSIVE, _RULE, reason)
    if found.result == "model_b":
        return Gate("ab_test", Verdict.PASS, _RULE, f"{wanted}: {found.reason}.")
    reason = f"{wanted} ended with {found.result}: {found.reason}."
    return Gate("ab_test", Verdict.FAIL, _RULE, reason)


def _what_is_missing(wanted: str, found: ABTestAnswer | None, pair: tuple[str | None, str]) -> str:
    """Why there is no answer about these two models yet; nothing where there is."""
    if found is None or found.id != wanted:
        return "main has none with this id"
    if (found.model_a, found.model_b) != pair:
        told = f"main's compares {_short(found.model_b)} with {_short(found.model_a)}"
        return f"{told}, so give the plan the id of a new one"
    if found.result is None:
        return "main has no look at it"
    return found.reason if found.result == "inconclusive" and not found.is_over else ""


def _short(digest: str) -> str:
    return digest[:19]
