"""What a merge would do: the manifest's difference, and how traffic would move."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.core.pull.facts import ManifestChange, RolloutSummary
from pipeline.core.report.escape import verbatim

SHOWN_LINES = 6  # the version and its digest; the stages are told in words
SHOWN_STAGES = 8
MAX_LINES = 400  # a manifest has fewer than a hundred
_CONTEXT = 3
_HEADERS = ("---", "+++")


@dataclass(frozen=True)
class DiffLine:
    """A line of a difference: `sign` is "+", "-", "@" (a place) or a space (unchanged)."""

    sign: str
    text: str

    @property
    def in_fence(self) -> Markup:
        """The line for a fenced block: our sign as it is, then the text, which cannot end it."""
        return Markup(self.sign) + verbatim(self.text)  # noqa: S704 (one of four signs)


@dataclass(frozen=True)
class Diff:
    """The lines to show before the fold, how many changed lines are not among them, and all."""

    path: str
    shown: tuple[DiffLine, ...]
    hidden: int
    whole: tuple[DiffLine, ...]


def diff_of(change: ManifestChange) -> Diff:
    """The manifest's difference; comments and empty lines wait in the fold."""
    whole = _lines(change, _CONTEXT)
    changed = [line for line in whole if line.sign in "+-"]
    telling = [line for line in changed if line.text.strip() and line.text.strip()[0] != "#"]
    shown = tuple(telling[:SHOWN_LINES])
    return Diff(change.path, shown, len(changed) - len(shown), whole[:MAX_LINES])


def stages_line(rollout: RolloutSummary) -> str:
    """Each weight and how long it holds, and the shortest time to the end of the last stage."""
    stages = [f"{weight:g} % for {bake:,.0f} min" for weight, bake in rollout.stages[:SHOWN_STAGES]]
    more = ["…"] if len(rollout.stages) > SHOWN_STAGES else []
    return f"{' → '.join([*stages, *more])}: {total_time(rollout)} in all"


def total_time(rollout: RolloutSummary) -> str:
    """The sum of the bake times: 2,640 min (44 h)."""
    minutes = sum(bake for _, bake in rollout.stages)
    hours = f" ({minutes / 60:.3g} h)" if minutes >= 60 else ""
    return f"{minutes:,.0f} min{hours}"


def _lines(change: ManifestChange, context: int) -> tuple[DiffLine, ...]:
    before, after = change.before.splitlines(), change.after.splitlines()
    found = difflib.unified_diff(before, after, n=context, lineterm="")
    lines = [line for i, line in enumerate(found) if i >= len(_HEADERS)]
    return tuple(DiffLine(line[0], line[1:]) for line in lines)
