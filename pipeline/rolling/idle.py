"""Which models can have nothing to do: told from the names of files in git, before any is read.

A rollout that ended or settled is looked at for another day, since a step that was killed may have
left alias or traffic to mend; so is one whose folder anything touched since. What is done at the
traffic layer is in no file in git: a watchdog finds it (`Watchdog._is_news`), and a job is told.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from pipeline.rolling.history import Touch
from pipeline.rolling.model_state import CHAMPION, SPEC, STATUS
from pipeline.rolling.snapshot import ModelTree
from pipeline.rollout_status import Kind

MENDING = timedelta(days=1)
_QUIET = re.compile(rf"{STATUS}[0-9]{{4,9}}-({Kind.ENDED}|{Kind.SETTLED})\.yaml")
_NOT_OURS = ("reference.json", "traffic/")  # what changes here decides nothing


def is_idle(tree: ModelTree, now: datetime) -> bool:
    """Whether nothing can be due for a model."""
    newest = tree.history.newest
    if newest is None or SPEC not in tree.history.ever(""):
        # Nobody ever merged a manifest, so there is only a champion, who has all of the traffic.
        return set(_deciding(tree)) <= {CHAMPION}
    return _adds(newest, _QUIET) and now - newest.at > MENDING


def _adds(touch: Touch, name: re.Pattern[str]) -> bool:
    return any(blob is not None and name.fullmatch(path) for path, blob in touch.blobs.items())


def _deciding(tree: ModelTree) -> list[str]:
    return [path for path in tree.entries if not path.startswith(_NOT_OURS)]
