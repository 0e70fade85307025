"""Files of a model as values, read fast enough for thousands of records.

The strict reader of pipeline/config.py is written in Python and takes ten milliseconds a record.
The same YAML goes here through libyaml, where it is there, with the same two refusals: no alias,
no key twice. What a value must be is checked by the same classes.
"""

from __future__ import annotations

from typing import Any

import yaml

from pipeline.champion import Champion, parse_pointer
from pipeline.config import parse_section, parse_yaml
from pipeline.manifest import MAX_MANIFEST_BYTES
from pipeline.rollout_status import Record, check_record

_FAST: Any = getattr(yaml, "CSafeLoader", None)


def read_record(text: str, name: str, model: str) -> Record:
    """The record in `text`, of the file `name`. Raises ConfigurationError with every fault."""
    where = f"status/{name}"
    return check_record(parse_section(Record, _value(text, where), where), name, model, where)


def read_champion(text: str) -> Champion | None:
    """The champion, None where the file says nothing. Raises ConfigurationError."""
    return parse_pointer(text, "champion.yaml")


def _value(text: str, where: str) -> Any:
    if _FAST is not None and len(text) <= MAX_MANIFEST_BYTES:
        loader = _FAST(text)
        try:
            node = loader.get_single_node()
            if node is not None and _is_plain(node, set()):
                return loader.construct_document(node)
        except (yaml.YAMLError, ValueError, TypeError, RecursionError):
            pass  # the strict reader says what is wrong, and where
        finally:
            loader.dispose()
    return parse_yaml(text, where)


def _is_plain(node: yaml.Node, seen: set[int]) -> bool:
    """Whether no node is used twice and no mapping has a key twice."""
    if id(node) in seen:
        return False
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        is_each_once = len(set(keys)) == len(node.value)
        return is_each_once and all(_is_plain(value, seen) for _, value in node.value)
    if isinstance(node, yaml.SequenceNode):
        return all(_is_plain(item, seen) for item in node.value)
    return True
