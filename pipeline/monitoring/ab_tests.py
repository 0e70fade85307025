"""The A/B tests of one model: which one runs, a new one, and one that is changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.ab_config import ABTest
from pipeline.champion import load_champion
from pipeline.config import parse_section
from pipeline.core.abtest.looks import Look, looks_from_json
from pipeline.core.abtest.results import ABTestResults, results_of
from pipeline.core.abtest.verdict import Assessment, assess_ab_test
from pipeline.core.abtest.wait import how_much_longer
from pipeline.core.routing import Variant
from pipeline.errors import ConfigurationError, GateRefused
from pipeline.experiment import Experiment, load_experiments, looks_path
from pipeline.jsonio import load_json


@dataclass(frozen=True)
class Bench:
    """The repository, its model and the time that it is."""

    root: Path
    model: str
    at: datetime


def running_test(bench: Bench) -> Experiment | None:
    """The one that was not stopped; there is at most one."""
    found = [one for one in load_experiments(bench.root, bench.model) if one.stopped_at is None]
    return found[0] if found else None


def must_run(bench: Bench) -> Experiment:
    """The same. Raises GateRefused where none runs."""
    running = running_test(bench)
    if running is None:
        raise GateRefused(f"No A/B test of {bench.model} is running: start one first.")
    return running


def chosen_test(bench: Bench, name: str | None) -> Experiment:
    """The test `name`, else the running or the last one. Raises GateRefused without one."""
    known = load_experiments(bench.root, bench.model)
    if name is not None:
        known = tuple(one for one in known if one.id == name)
    if not known:
        what = f"test '{name}'" if name else "A/B test"
        raise GateRefused(f"{bench.model} has no {what}: start one first.")
    return running_test(bench) or known[-1] if name is None else known[-1]


def new_test(bench: Bench, test: ABTest, challenger: str, name: str | None) -> Experiment:
    """A test of `challenger` against the champion, from now on. Raises GateRefused without one."""
    champion = load_champion(bench.root, bench.model)
    if champion is None:
        raise GateRefused(f"{bench.model} has no champion yet: there is nothing to compare with.")
    short = challenger.removeprefix("sha256:")[:8]
    name = name or f"{bench.model}-{bench.at:%Y%m%d}-{short}"
    weight = {"at": bench.at, "challenger_basis_points": test.split.challenger_basis_points}
    values = {
        "schema": 1,
        "id": name,
        "model": bench.model,
        "salt": name,
        "model_a": champion.digest,
        "model_b": challenger,
        "started_at": bench.at,
        "weights": (weight,),
        "test": test.model_dump(exclude_none=True),
    }
    return parse_section(Experiment, values, "the test")


def with_weight(bench: Bench, experiment: Experiment, basis_points: int) -> Experiment:
    """The test with another weight of the challenger from now on."""
    weight = {"at": bench.at, "challenger_basis_points": basis_points}
    return _changed(experiment, weights=(*_values(experiment)["weights"], weight))


def stopped(bench: Bench, experiment: Experiment, because: str) -> Experiment:
    """The test, ended now."""
    return _changed(experiment, stopped_at=bench.at, stopped_because=because)


def kept_looks(root: Path, experiment: Experiment) -> tuple[Look, ...]:
    """The looks that are kept beside the test. Raises ConfigurationError for a file of others."""
    path = looks_path(root, experiment.model, experiment.id)
    return read_looks(path, experiment) if path.exists() else ()


def read_looks(path: Path, experiment: Experiment) -> tuple[Look, ...]:
    """The looks at `experiment` in a JSON file. Raises ConfigurationError for anything else."""
    try:
        return looks_from_json(experiment.id, load_json(path))
    except ValueError as error:
        raise ConfigurationError(str(path), [str(error)]) from error


def judge(experiment: Experiment, looks: tuple[Look, ...], at: datetime) -> ABTestResults:
    """The answer from `looks`."""
    ends_at = experiment.ends_at + experiment.test.maturity
    found: Assessment = assess_ab_test(experiment.test, looks, is_over=at >= ends_at)
    wait = how_much_longer(
        experiment.test, found, started_at=experiment.started_at, ends_at=ends_at
    )
    return results_of(
        experiment.test,
        found,
        looks[-1].evidence,
        wait,
        experiment=experiment.id,
        model=experiment.model,
        digests={Variant.MODEL_A: experiment.model_a, Variant.MODEL_B: experiment.model_b},
        started_at=experiment.started_at,
        ends_at=ends_at,
    )


def _values(experiment: Experiment) -> dict[str, tuple[object, ...]]:
    return experiment.model_dump(by_alias=True, exclude_none=True)


def _changed(experiment: Experiment, **changes: object) -> Experiment:
    return parse_section(Experiment, {**_values(experiment), **changes}, experiment.id)
