"""The evidence of an A/B test from a metrics provider, which counts and knows no units.

So a unit must be a request, and a metric a proportion. What cannot be told from counters is not
checked: units that came twice, were routed elsewhere, or have no outcome. The sample ratio is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from pipeline.adapters.metrics.http_json import HttpJsonMetrics, Paths
from pipeline.adapters.prometheus import Prometheus
from pipeline.champion import load_champion
from pipeline.core.abtest.evidence import Cell, Evidence, Period
from pipeline.core.abtest.looks import Look
from pipeline.core.abtest.sums import counts
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.experiment import Experiment
from pipeline.manifest import load_rollout, version_of
from pipeline.monitoring.ab_counts import ANSWERS, Counts, HttpCounts, PrometheusCounts
from pipeline.rollout_config import load_rollout_plan
from pipeline.rollout_status import load_status
from pipeline.serving_config import load_serving

PROVIDERS = ("prometheus", "http")


def provider_of(
    root: Path, model: str, name: str, environment: Mapping[str, str] = os.environ
) -> Counts:
    """The provider `name`, with the plan's queries or the address of configs/serving.yaml.

    Raises ConfigurationError where it is not configured.
    """
    if name == "prometheus":
        if not environment.get("PROMETHEUS_URL"):
            raise ConfigurationError("environment", ["PROMETHEUS_URL: not set"])
        client = Prometheus(environment["PROMETHEUS_URL"], environment.get("PROMETHEUS_TOKEN"))
        return PrometheusCounts(client, load_rollout_plan(root).metrics.queries)
    metrics = load_serving(root).of(model).metrics
    url, paths = metrics.url, Paths(**metrics.paths.model_dump())
    if url is None:
        raise ConfigurationError("configs/serving.yaml", ["metrics.url: not set"])
    token = environment.get("METRICS_TOKEN")
    return HttpCounts(lambda age: HttpJsonMetrics(url, paths, max_age=age, token=token))


def versions_of(root: Path, model: str) -> dict[str, str]:
    """The version's name of each model digest that the files of `model` know."""
    known = {record.challenger: record.version for record in load_status(root, model).records}
    spec, champion = load_rollout(root, model), load_champion(root, model)
    if spec is not None:
        known |= {spec.challenger.digest: spec.version}
        known |= {spec.champion.digest: spec.champion_version}
    if champion is not None:
        known[champion.digest] = version_of(champion.digest, champion.as_of)
    return known


def looks_from_provider(
    experiment: Experiment,
    taken: Sequence[Look],
    moments: Sequence[datetime],
    provider: Counts,
    versions: Mapping[str, str],
) -> tuple[Look, ...]:
    """A look at each of `moments`: the last one `taken`, and what was counted since.

    Raises ConfigurationError for a test that counters cannot answer, OutsideError where the
    provider cannot tell.
    """
    _check(experiment, versions)
    asked = moments[-1:] if provider.is_now_only else moments
    last = taken[-1].at if taken else experiment.started_at
    periods = (Period(weight.challenger_basis_points) for weight in experiment.weights)
    so_far = taken[-1].evidence if taken else Evidence()
    so_far = Evidence(tuple(periods)) + so_far
    looks = []
    for start, end in pairwise((last, *asked)):
        so_far = so_far + _counted(experiment, start, end, provider, versions)
        looks.append(Look(end, so_far))
    return tuple(looks)


def _counted(
    experiment: Experiment,
    start: datetime,
    end: datetime,
    provider: Counts,
    versions: Mapping[str, str],
) -> Evidence:
    """What was counted between two looks, in each period of one weight."""
    parts = dict(_parts(experiment, start, end))
    if provider.is_now_only and len(parts) > 1:
        raise OutsideError(
            f"{experiment.id}: its weight changed since the last look, and this provider tells of "
            "now alone. Look (status --apply) right before each change of weight."
        )
    periods = []
    for index, weight in enumerate(experiment.weights):
        cells = [Cell(), Cell()]
        if index in parts:
            digests = (experiment.model_a, experiment.model_b)
            cells = [_cell(experiment, provider, versions[one], *parts[index]) for one in digests]
        periods.append(Period(weight.challenger_basis_points, *cells))
    return Evidence(tuple(periods))


def _parts(
    experiment: Experiment, start: datetime, end: datetime
) -> Iterator[tuple[int, tuple[datetime, datetime]]]:
    """The stretches of [start, end] by the period that they are in, while the test was active."""
    until = min(end, experiment.stopped_at or end)
    bounds = [weight.at for weight in experiment.weights] + [until]
    for index, (first, last) in enumerate(pairwise(bounds)):
        inside = max(start, first), min(until, last)
        if inside[0] < inside[1]:
            yield index, inside


def _cell(
    experiment: Experiment, provider: Counts, version: str, start: datetime, end: datetime
) -> Cell:
    answers = provider.count(ANSWERS, version, start, end).n
    sums = {}
    for metric in experiment.test.metrics:
        found = provider.count(metric.metric, version, start, end)
        sums[metric.metric] = counts(found.n, found.ones)
    return Cell(units=answers, metrics=sums)


def _check(experiment: Experiment, versions: Mapping[str, str]) -> None:
    test = experiment.test
    faults = [
        f"{metric.metric}: a {metric.kind}, expected a proportion: counters tell no spread"
        for metric in test.metrics
        if metric.kind != "proportion"
    ]
    if test.unit != "request":
        faults.append(f"unit: {test.unit}, expected request: counters tell no users apart")
    if test.covariate is not None:
        faults.append(f"covariate: {test.covariate}, expected none: counters tell no units apart")
    faults += [
        f"no version is known of {digest[:19]}…: champion.yaml and rollout.yaml do not name it"
        for digest in (experiment.model_a, experiment.model_b)
        if digest not in versions
    ]
    if faults:
        raise ConfigurationError(f"{experiment.id} from a metrics provider", faults)
