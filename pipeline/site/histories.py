"""The history of every model, read in a handful of git's processes however long it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pipeline.adapters.git.objects import read_commits, read_objects
from pipeline.config import Identifier, Section, UseCase, parse_section
from pipeline.core.site.facts import ModelHistory
from pipeline.core.triggers.ledger import Ledger
from pipeline.errors import ConfigurationError
from pipeline.manifest import MAX_MANIFEST_BYTES
from pipeline.rolling.model_state import CHAMPION, SPEC, STATUS
from pipeline.rolling.snapshot import ModelTree, Snapshot
from pipeline.site.model_reader import ModelReader
from pipeline.site.packages import read_packages
from pipeline.strict_yaml import parse_yaml
from pipeline.trigger_config import TriggerConfig

_USECASE, _TRIGGERS = "configs/usecase.yaml", "configs/triggers.yaml"


class _Named(Section):
    model: Identifier


def read_histories(snapshot: Snapshot, ledger: Ledger | None) -> tuple[ModelHistory, ...]:
    """Every model whose folder is there, by name. Raises OutsideError where git fails.

    A folder that no model can be named after has no page; nothing is ever rolled out from it.
    """
    trees = [tree for name, tree in snapshot.models.items() if tree.entries and _is_model(name)]
    blobs = read_objects(snapshot.git, _blobs(trees), MAX_MANIFEST_BYTES)
    commits = read_commits(snapshot.git, _commits(trees))
    found = [ModelReader(tree, blobs, commits).history() for tree in trees]
    packages = read_packages(snapshot.git, [m for history in found for m in history.merged])
    limits = _limits(snapshot)
    return tuple(
        replace(
            history,
            merged=tuple(replace(m, evidence=packages[m.commit]) for m in history.merged),
            ledger=ledger,
            max_per_month=limits.get(history.model),
        )
        for history in found
    )


def _is_model(name: str) -> bool:
    try:
        parse_section(_Named, {"model": name}, "rollouts/")
    except ConfigurationError:
        return False
    return True


def _blobs(trees: list[ModelTree]) -> Iterator[str]:
    for tree in trees:
        for touch in tree.history.touches:
            for path, blob in touch.blobs.items():
                if blob and (path in (CHAMPION, SPEC) or path.startswith(STATUS)):
                    yield blob


def _commits(trees: list[ModelTree]) -> Iterator[str]:
    """Those that people made: who they were is shown."""
    for tree in trees:
        for touch in tree.history.touches:
            if touch.blobs.keys() & {CHAMPION, SPEC}:
                yield touch.commit


def _limits(snapshot: Snapshot) -> Mapping[str, int]:
    """The pacing of the model that configs/ speaks of; nothing where configs/ cannot be read."""
    names = [f"{snapshot.commit}:{path}" for path in (_USECASE, _TRIGGERS)]
    found = read_objects(snapshot.git, names, MAX_MANIFEST_BYTES)
    texts = [(found[n].content or b"").decode("utf-8", "replace") for n in names if n in found]
    if len(texts) < len(names):
        return {}
    try:
        usecase = parse_section(UseCase, parse_yaml(texts[0], _USECASE), _USECASE)
        triggers = parse_section(TriggerConfig, parse_yaml(texts[1], _TRIGGERS), _TRIGGERS)
    except ConfigurationError:
        return {}
    return {usecase.model: triggers.pacing.max_per_month}
