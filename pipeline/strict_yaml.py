"""YAML as values: no alias (so no billion laughs), no key twice, and never an object of a class.

libyaml reads it where it is there, ten times as fast: a rollout has thousands of records. The
reader that is written in Python is asked for whatever libyaml refuses, since it says where and
why, and for what the two read differently: a tab and a byte order mark.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ConfigurationError

MAX_CONFIG_BYTES = 1_000_000
_FAST: Any = getattr(yaml, "CSafeLoader", None)
_READ_DIFFERENTLY = ("\t", "\ufeff")


def load_yaml(path: Path) -> Any:
    """The value in a YAML file, None for an empty one. Raises ConfigurationError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigurationError(str(path), ["not found, expected a YAML file"]) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(str(path), [f"not UTF-8 text: {error}"]) from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, where: str) -> Any:
    """The value of a YAML document. Raises ConfigurationError with line and column."""
    if len(text.encode()) > MAX_CONFIG_BYTES:
        raise ConfigurationError(where, [f"larger than {MAX_CONFIG_BYTES:,} bytes"])
    if _FAST is not None and not any(part in text for part in _READ_DIFFERENTLY):
        try:
            return _read_fast(text)
        except (yaml.YAMLError, ValueError, TypeError, RecursionError):
            pass
    return _read(text, where)


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice and any alias."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="found an alias (*name), expected the value itself",
                problem_mark=event.start_mark,
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"found the key {key.value!r} twice, expected it once",
                    problem_mark=key.start_mark,
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _read(text: str, where: str) -> Any:
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, ValueError, TypeError) as error:  # TypeError: a list as a key
        mark = getattr(error, "problem_mark", None)
        at = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigurationError(where, [f"{at}{problem}"]) from error
    except RecursionError as error:
        raise ConfigurationError(where, ["nested too deeply"]) from error


def _read_fast(text: str) -> Any:
    """Raises ValueError where something is to be refused."""
    loader = _FAST(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _refuse_repeats(node, set())
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _refuse_repeats(node: yaml.Node, seen: set[int]) -> None:
    """Raise ValueError for a node that is used twice (an alias) and a key that is there twice."""
    if id(node) in seen:
        raise ValueError("an alias")
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys = {key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
        if len(keys) != len(node.value):
            raise ValueError("a key twice, or one that is no scalar")
    if not isinstance(node, yaml.ScalarNode):
        for item in node.value:
            for part in item if isinstance(item, tuple) else (item,):
                _refuse_repeats(part, seen)
