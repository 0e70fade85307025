"""How much of the holdout may go unjudged: the same for slices and for groups.

What is too small to judge must not keep every challenger out for ever: one rare airport would. What
is not looked at must not pass either: a column of small values alone would never be judged. So a
tail of small values is tolerated, and more than a tail is INCONCLUSIVE.
"""

from __future__ import annotations

MAX_UNJUDGED_SHARE = 0.05  # of the rows; exactly so much is fine


def is_too_much_unjudged(share: float) -> bool:
    """Whether `share` (0 to 1) of the rows, in values too small to judge, is too much; NaN is."""
    return not share <= MAX_UNJUDGED_SHARE


def render_share(share: float) -> str:
    """For sentences: 12.3 % of all."""
    return f"{100 * share:.1f} % of all"
