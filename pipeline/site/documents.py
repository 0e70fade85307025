"""Files of a model as values, each held against its own name."""

from __future__ import annotations

from pipeline.champion import Champion, parse_pointer
from pipeline.config import parse_section
from pipeline.rollout_status import Record, check_record
from pipeline.strict_yaml import parse_yaml


def read_record(text: str, name: str, model: str) -> Record:
    """The record in `text`, of the file `name`. Raises ConfigurationError with every fault."""
    where = f"status/{name}"
    return check_record(parse_section(Record, parse_yaml(text, where), where), name, model, where)


def read_champion(text: str) -> Champion | None:
    """The champion, None where the file says nothing. Raises ConfigurationError."""
    return parse_pointer(text, "champion.yaml")
