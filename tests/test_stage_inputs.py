"""dvc.yaml names all that a stage works with: what it does not name leaves an old result in place.

The gate `code` of a review looks at the same names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.stages import outputs
from pipeline.stages.__main__ import STAGES
from tests.repository import ROOT

FOLLOWED = ("pipeline/core/", "pipeline/ml/", "pipeline/stages/", "pipeline/usecase/")
NAMED = (*FOLLOWED, "pipeline/domain.py")
# Where files are, how a stage starts and ends, and what it says of broken data: no figure.
PLUMBING = {
    "pipeline/ml/incident.py",
    "pipeline/stages/incident.py",
    "pipeline/stages/outputs.py",
    "pipeline/stages/stage.py",
}
# It hands out files after their digests matched; how that is done changes none of them.
LEAVES = {"pipeline/stages/champion.py"}


@cache
def definition() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


@cache
def tree_of(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text())


def file_of(module: str) -> str | None:
    path = f"{module.replace('.', '/')}.py"
    return path if (ROOT / path).is_file() else None


def imported(path: str, *, within_functions: bool) -> Iterator[str]:
    """The files of ours that a file imports; one for types alone is not among them."""
    tree = tree_of(path)
    for node in ast.walk(tree) if within_functions else tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [file_of(name) or file_of(node.module) for name in names]
        elif isinstance(node, ast.Import):
            found = [file_of(alias.name) for alias in node.names]
        else:
            found = []
        yield from filter(None, found)


def code_of(stage: str) -> set[str]:
    """The files whose code makes a stage's outputs, its own among them.

    What a function of another file imports is for some of its callers; the stage's own count.
    """
    own = f"pipeline/stages/{stage}.py"
    seen, waiting = set(), [own]
    while waiting:
        path = waiting.pop()
        if path in seen or path in PLUMBING or not path.startswith(NAMED):
            continue
        seen.add(path)
        if path.startswith(FOLLOWED) and path not in LEAVES:
            waiting += imported(path, within_functions=path == own)
    return seen


def test_the_walk_follows_imports_of_imports_and_of_packages() -> None:
    assert {
        "pipeline/core/comparison/sums.py",
        "pipeline/ml/tables.py",
        "pipeline/stages/holdout.py",
        "pipeline/usecase/model.py",
    } <= code_of("compare") | code_of("train")
    assert "pipeline/ml/curves.py" in code_of("evaluate")


@pytest.mark.parametrize("stage", STAGES)
def test_every_file_whose_code_a_stage_runs_is_named(stage: str) -> None:
    assert code_of(stage) - set(definition()[stage]["deps"]) == set()


@pytest.mark.parametrize("stage", STAGES)
def test_every_dependency_is_a_file_of_ours_or_an_output(stage: str) -> None:
    """A folder would do for DVC; the review compares single files."""
    for path in definition()[stage]["deps"]:
        assert path.startswith(("artifacts/", "rollouts/")) or (ROOT / path).is_file(), path
    assert len(definition()[stage]["deps"]) == len(set(definition()[stage]["deps"]))


@pytest.mark.parametrize("stage", STAGES)
def test_every_output_of_another_stage_that_a_stage_reads_is_named(stage: str) -> None:
    used = {
        getattr(outputs, node.attr).as_posix()
        for node in ast.walk(tree_of(f"pipeline/stages/{stage}.py"))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "outputs"
    }
    own = {
        name if isinstance(name, str) else next(iter(name))
        for kind in ("outs", "metrics")
        for name in definition()[stage].get(kind, ())
    }
    read = {path for path in used - own if Path(path).suffix or path == str(outputs.MODEL)}
    assert read - set(definition()[stage]["deps"]) == set()


@pytest.mark.parametrize("stage", STAGES)
def test_every_parameter_that_a_stage_reads_is_named(stage: str) -> None:
    sections = yaml.safe_load((ROOT / "params.yaml").read_text())
    named = set(definition()[stage]["params"])
    text = (ROOT / f"pipeline/stages/{stage}.py").read_text()
    for section, name in re.findall(r"\bparams\.(\w+?)_?(?:\.(\w+))?\b", text):
        if section not in sections or section in named:
            continue
        told = {one for one in named if one.startswith(f"{section}.")}
        assert f"{section}.{name}" in told if name else told, f"{section}.{name}"
