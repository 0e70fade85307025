"""dvc.lock as a value: which files went into each stage, which came out, and their digests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from pipeline.config import Section, parse_section
from pipeline.strict_yaml import parse_yaml

Md5 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}(\.dir)?$")]


class _Entry(Section):
    model_config = ConfigDict(extra="ignore")

    path: str
    md5: Md5


class _Stage(Section):
    model_config = ConfigDict(extra="ignore")

    deps: tuple[_Entry, ...] = ()
    outs: tuple[_Entry, ...] = ()
    params: dict[str, dict[str, Any]] = Field(default_factory=dict)


class _File(Section):
    schema_: Annotated[str, Field(alias="schema")]
    stages: dict[str, _Stage]


@dataclass(frozen=True)
class Lock:
    """`deps` and `outs` map paths to the MD5 that DVC recorded (`<hex>.dir` for a folder).

    `params` maps dotted names of params.yaml, such as `collect.as_of` or `train`, to values.
    `conflicts` names each path that two stages recorded differently: no run leaves any.
    """

    deps: Mapping[str, str]
    outs: Mapping[str, str]
    params: Mapping[str, Any]
    conflicts: tuple[str, ...]


def parse_lock(text: str, where: str) -> Lock:
    """The value of a dvc.lock. Raises ConfigurationError naming every fault."""
    stages = parse_section(_File, parse_yaml(text, where), where).stages.values()
    made = [entry for stage in stages for entry in stage.outs]
    outs = {entry.path: entry.md5 for entry in made}
    used = [entry for stage in stages for entry in stage.deps]
    deps = {entry.path: entry.md5 for entry in used if entry.path not in outs}
    seen = {**deps, **outs}
    return Lock(
        deps=deps,
        outs=outs,
        params={
            name: _as_read(value)
            for stage in stages
            for name, value in stage.params.get("params.yaml", {}).items()
        },
        conflicts=tuple(sorted({e.path for e in (*made, *used) if e.md5 != seen[e.path]})),
    )


def _as_read(value: Any) -> Any:
    """Values as YAML gives them: validation makes tuples of lists."""
    if isinstance(value, Mapping):
        return {key: _as_read(item) for key, item in value.items()}
    return [_as_read(item) for item in value] if isinstance(value, list | tuple) else value
