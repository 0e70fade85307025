"""Labels come late: how new they are is told by a query of the plan, to a real Prometheus."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.adapters.prometheus import Prometheus
from pipeline.core.rollout.samples import Reading, Unread, read_sample
from pipeline.rolling.measure import PlannedQueries
from tests.rollouts import HOUR, spec_of
from tests.servers import exporter, prometheus
from tests.servers.binaries import wait_for

ACCURACY = {
    "kind": "proportion",
    "events": 'correct{model_version="{version}"}',
    "count": 'labelled{model_version="{version}"}',
    "newest": 'max(newest_seconds{model_version="{version}"})',
    "max_age": "26h",
}
SPEC = spec_of(metrics={"queries": {"accuracy": ACCURACY}})


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Exporter and reader of a Prometheus that scrapes it."""
    with exporter.running() as source:
        folder = tmp_path_factory.mktemp("prometheus")
        with prometheus.running(folder, targets=[source.address]) as url:
            yield source, url


def read(measured, newest_ago, labelled):
    """What a look believes of labels whose newest answer was given so long ago."""
    source, url = measured
    newest = datetime.now(UTC) - newest_ago
    label = f'{{model_version="{SPEC.version}"}}'
    source.metrics = {
        f"correct{label}": 0.75 * labelled,
        f"labelled{label}": labelled,
        f"newest_seconds{label}": newest.timestamp(),
    }
    client = Prometheus(url)

    def is_scraped():
        now = datetime.now(UTC)
        found = client.query(f"newest_seconds{label}", now)
        return found is not None and abs(found - newest.timestamp()) < 1

    wait_for(is_scraped, 30)
    now = datetime.now(UTC)
    sample = PlannedQueries(client).measure(SPEC, "accuracy", "challenger", now)
    max_age = SPEC.plan.max_age_of("accuracy")
    return read_sample(sample, version=SPEC.version, now=now, max_age=max_age)


def test_labels_of_a_day_ago_are_fresh_where_the_plan_says_so(measured):
    assert read(measured, 25 * HOUR, 400) == Reading(0.75, 400)


def test_labels_that_stopped_coming_are_stale_however_new_the_scrape_is(measured):
    found = read(measured, 27 * HOUR, 400)
    assert isinstance(found, Unread)
    assert found.reason == "stale: its newest data is 27 h old"
    assert not found.is_quiet


def test_before_the_first_label_it_is_quiet_and_not_stale(measured):
    found = read(measured, timedelta(days=20_000), 0)
    assert found == Unread("no request yet", is_quiet=True)


def test_metrics_without_an_age_of_their_own_have_that_of_the_monitoring():
    assert SPEC.plan.max_age_of("error_rate") == SPEC.plan.monitoring.max_age
    assert SPEC.plan.max_age_of("accuracy") == 26 * HOUR


@pytest.mark.parametrize("newest", [2.6e11, -1e300, math.inf])
def test_labels_of_a_time_that_there_is_not_have_none(newest):
    class Client:
        def query(self, expression, _at):
            return newest if "newest" in expression else 400.0

    now = datetime.now(UTC)
    sample = PlannedQueries(Client()).measure(SPEC, "accuracy", "challenger", now)
    found = read_sample(sample, version=SPEC.version, now=now, max_age=26 * HOUR)
    assert found == Unread("no time of its newest data")
