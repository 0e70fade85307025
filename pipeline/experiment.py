"""rollouts/<model>/experiments/<id>.yaml: one A/B test from its start to its end.

Start, changes of weight and stop are commits of this file, so that who was served by which model
at any moment follows from git alone. The test's rules are copied into it when it starts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, model_validator

from pipeline.ab_config import ABTest
from pipeline.champion import Digest, Text
from pipeline.config import Identifier, Section, UtcTime, parse_section
from pipeline.errors import ConfigurationError
from pipeline.strict_yaml import load_yaml, parse_yaml

BasisPoints = Annotated[int, Field(ge=0, le=10_000)]
_UNITS = ((604_800, "w"), (86_400, "d"), (3_600, "h"), (60, "m"))


class Weight(Section):
    """The challenger's weight from `at` on."""

    at: UtcTime
    challenger_basis_points: BasisPoints


class Experiment(Section):
    """One A/B test. `model_a` is the champion's digest, `model_b` the challenger's."""

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    id: Identifier
    model: Identifier
    salt: Identifier
    model_a: Digest
    model_b: Digest
    started_at: UtcTime
    weights: Annotated[tuple[Weight, ...], Field(min_length=1)]
    stopped_at: UtcTime | None = None
    stopped_because: Text | None = None
    test: ABTest

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        moments = [weight.at for weight in self.weights]
        faults = []
        if self.model_a == self.model_b:
            faults.append("model_a and model_b are one model: it cannot be better than itself")
        if moments[0] != self.started_at:
            faults.append("the first weight must be from started_at on")
        if any(late <= early for early, late in pairwise(moments)):
            faults.append("weights: expected ascending times")
        if (self.stopped_at is None) != (self.stopped_because is None):
            faults.append("stopped_at and stopped_because belong together")
        if self.stopped_at is not None and self.stopped_at < moments[-1]:
            faults.append("stopped_at is before the last change of weight")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def ends_at(self) -> datetime:
        """When it stopped, or else when its duration is over."""
        return self.stopped_at or self.started_at + self.test.duration

    def is_active(self, at: datetime) -> bool:
        """From its start on, until it is stopped: a test that is only overdue still routes."""
        return self.started_at <= at and (self.stopped_at is None or at < self.stopped_at)

    def weight_at(self, at: datetime) -> int:
        """The challenger's basis points; 0 while the test is not active: all to the champion."""
        if not self.is_active(at):
            return 0
        return [w.challenger_basis_points for w in self.weights if w.at <= at][-1]


def parse_experiment(text: str, where: str) -> Experiment:
    """The experiment in a YAML document. Raises ConfigurationError naming every fault."""
    return parse_section(Experiment, parse_yaml(text, where), where)


def render_experiment(experiment: Experiment) -> str:
    """`experiment` as YAML that reads back equal: equal experiments are equal bytes."""
    values = _plain(experiment.model_dump(by_alias=True, exclude_none=True))
    body = yaml.safe_dump(values, sort_keys=False, allow_unicode=False, width=100)
    return f"# An A/B test, written by scripts/ab_test.py. Commits say who was served what.\n{body}"


def experiment_path(root: Path, model: str, experiment: str) -> Path:
    """Where an experiment of `model` is in the repository at `root`."""
    return root / "rollouts" / model / "experiments" / f"{experiment}.yaml"


def looks_path(root: Path, model: str, experiment: str) -> Path:
    """Where the looks at it are kept."""
    return experiment_path(root, model, experiment).with_suffix(".looks.json")


def load_experiments(root: Path, model: str) -> tuple[Experiment, ...]:
    """All experiments of `model`, by their start, then id.

    Raises ConfigurationError for a file that is not valid, is not named by its id, or is another
    model's; and where two are active at once: a unit would be in both.
    """
    folder = experiment_path(root, model, "x").parent
    found = [_load(path, model) for path in sorted(folder.glob("*.yaml"))]
    active = [one.id for one in found if one.stopped_at is None]
    if len(active) > 1:
        fault = f"{', '.join(active)} are active at once, expected one: stop the others"
        raise ConfigurationError(str(folder), [fault])
    return tuple(sorted(found, key=lambda one: (one.started_at, one.id)))


def _load(path: Path, model: str) -> Experiment:
    found = parse_section(Experiment, load_yaml(path), str(path))
    if (found.model, found.id) != (model, path.stem):
        fault = f"found {found.model}/{found.id}, expected {model}/{path.stem}, as it is named"
        raise ConfigurationError(str(path), [fault])
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        return next(f"{seconds // size}{unit}" for size, unit in _UNITS if seconds % size == 0)
    return value
