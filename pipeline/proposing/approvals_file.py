"""A file of approvals: whose approval of a pull request counts, by role.

It comes from whoever asked GitHub (scripts/verify_retrain_pr.py), never from the branch itself.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.approvers import Approvers
from pipeline.config import parse_section
from pipeline.jsonio import load_given_json


def load_approvals(path: Path) -> dict[str, tuple[str, ...]]:
    """The logins of each role in the JSON file at `path`.

    Raises ConfigurationError where it is missing, is no JSON, or holds anything but roles with
    lists of logins.
    """
    value = load_given_json(path, 'a JSON file: {"role": ["login", ...]}')
    return dict(parse_section(Approvers, {"roles": value}, str(path)).roles) if value else {}
