"""A second reading of concept drift: the stream of the champion's errors, and whether it rose.

ADWIN (Bifet and Gavalda 2007) and DDM (Gama et al. 2004) are the library river's.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from pipeline.adapters.scores import Answers
from pipeline.core.triggers.windows import Window
from pipeline.errors import ConfigurationError


def has_error_rate_risen(
    answers: Answers,
    window: Window,
    threshold: float,
    detector: Literal["ddm", "adwin"],
    *,
    of_positive: bool = False,
) -> bool:
    """Whether the last change that `detector` calls, up to the window's end, is a rise.

    It is fed all errors that `answers` has, from before the window too: a rise that came earlier
    and was not undone since is what the window's drop rests on. A rise: the rate after the call is
    above the rate between the call before it and this one. Rows without a label are left out, and
    with `of_positive` those that neither are positive nor were called so: what the F1 of the
    positive class rests on, 2 (1 - r) / (2 - r) at an error rate of r.
    Raises ConfigurationError where river is not installed.
    """
    seen = answers.between(answers.first_event(window.start), window.end)
    called, positive = seen.score >= threshold, seen.label == 1
    counted = ~np.isnan(seen.label) & (called | positive | (not of_positive))
    wrong = (called != positive)[counted]
    calls = [0, *_calls(wrong, detector)]
    if len(calls) == 1:
        return False
    before, after = wrong[calls[-2] : calls[-1]], wrong[calls[-1] :]
    return bool(len(before)) and float(after.mean()) > float(before.mean())


def _calls(wrong: np.ndarray, detector: str) -> list[int]:
    """The positions at which the detector calls a change."""
    stream = _detector(detector)
    calls = []
    for position, is_wrong in enumerate(wrong):
        stream.update(int(is_wrong))
        if stream.drift_detected:
            calls.append(position)
    return calls


def _detector(name: str) -> Any:
    try:
        from river import drift  # noqa: PLC0415 (heavy, and asked only where accuracy dropped)
    except ImportError as error:
        fault = f"detector: {name} needs the package river, or write detector: none"
        raise ConfigurationError("configs/triggers.yaml", [fault]) from error
    return drift.ADWIN() if name == "adwin" else drift.binary.DDM()
