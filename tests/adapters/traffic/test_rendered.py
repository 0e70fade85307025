import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from pipeline.adapters.traffic import Backend, Weights
from pipeline.adapters.traffic.rendered import Cluster, Kind, Rendered
from pipeline.errors import ConfigurationError, OutsideError

SCHEMAS = json.loads(Path(__file__).with_name("kubernetes_schemas.json").read_text())
CLUSTER = Cluster("flight-delay", "models", storage="s3://models/{version}")
CHAMPION, CHALLENGER = Backend("v1", "champion-v1", 80), Backend("v2", "challenger-v2", 8080)
WEIGHTS = [
    Weights(CHAMPION),
    Weights(CHAMPION, CHALLENGER, 0, "salt"),
    Weights(CHAMPION, CHALLENGER, 2_500, "salt"),
    Weights(CHAMPION, CHALLENGER, 10_000, "salt"),
]


@pytest.fixture(params=list(Kind))
def provider(request, tmp_path):
    return Rendered(tmp_path, request.param, CLUSTER)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_the_file_fits_the_schema_and_says_the_weights(provider, weights):
    document = yaml.safe_load(provider.render(weights))
    jsonschema.validate(document, SCHEMAS[provider.kind])
    assert served_of(document) == weights.challenger_basis_points


def served_of(document):
    """The challenger's basis points, by the fields that the cluster's controller reads."""
    spec = document["spec"]
    if document["kind"] == "InferenceService":
        predictor = spec["predictor"]
        newest = "v2" if "canaryTrafficPercent" in predictor else "v1"
        assert predictor["model"]["storageUri"] == f"s3://models/{newest}"
        return predictor.get("canaryTrafficPercent", 0) * 100
    if document["kind"] == "HTTPRoute":
        found = {one["name"]: one["weight"] for one in spec["rules"][0]["backendRefs"]}
    else:
        routes = spec["http"][0]["route"]
        found = {one["destination"]["host"]: one["weight"] for one in routes}
    assert found["champion-v1"] + found.get("challenger-v2", 0) == sum(found.values()) > 0
    return found.get("challenger-v2", 0) * 10_000 // sum(found.values())


@pytest.mark.parametrize("kind", [Kind.HTTP_ROUTE, Kind.VIRTUAL_SERVICE])
def test_users_of_a_route_reach_predictions_and_nothing_else(kind, tmp_path):
    for weights in (*WEIGHTS, MIRRORED):
        spec = yaml.safe_load(Rendered(tmp_path, kind, CLUSTER).render(weights))["spec"]
        (rule,) = spec["rules"] if kind is Kind.HTTP_ROUTE else spec["http"]
        paths = [{"path": {"type": "Exact", "value": "/predict"}}, {"uri": {"exact": "/predict"}}]
        assert rule.get("matches", rule.get("match")) == [paths[kind is Kind.VIRTUAL_SERVICE]]


@pytest.mark.parametrize("kind", list(Kind))
def test_the_schema_refuses_what_no_cluster_would_take(kind, tmp_path):
    document = yaml.safe_load(Rendered(tmp_path, kind, CLUSTER).render(WEIGHTS[2]))
    for change in ({"extra": 1}, {"spec": {}}, {"apiVersion": "v1"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**document, **change}, SCHEMAS[kind])


@pytest.mark.parametrize("weights", WEIGHTS)
def test_what_was_applied_is_observed_and_applying_again_changes_nothing(provider, weights):
    provider.apply(weights)
    assert provider.observe() == weights
    before = provider.path.stat().st_mtime_ns
    provider.apply(weights)
    assert provider.path.stat().st_mtime_ns == before


MIRRORED = Weights(CHAMPION, CHALLENGER, 0, "salt", is_mirrored=True)


@pytest.mark.parametrize("kind", [Kind.HTTP_ROUTE, Kind.VIRTUAL_SERVICE])
def test_a_mirrored_challenger_gets_a_copy_and_no_user(kind, tmp_path):
    provider = Rendered(tmp_path, kind, CLUSTER)
    document = yaml.safe_load(provider.render(MIRRORED))
    jsonschema.validate(document, SCHEMAS[kind])
    assert served_of(document) == 0
    assert copied_to(document) == {"challenger-v2": 8080}
    provider.apply(MIRRORED)
    assert provider.observe() == MIRRORED
    provider.apply(WEIGHTS[2])
    assert provider.observe() == WEIGHTS[2]
    assert copied_to(yaml.safe_load(provider.path.read_text())) == {}


def copied_to(document):
    """Who gets copies: host -> port."""
    if document["kind"] == "HTTPRoute":
        filters = document["spec"]["rules"][0].get("filters", [])
        refs = [one["requestMirror"]["backendRef"] for one in filters]
        return {ref["name"]: ref["port"] for ref in refs}
    (rule,) = document["spec"]["http"]
    assert rule.get("mirrorPercentage", {"value": 100}) == {"value": 100}
    return {rule["mirror"]["host"]: rule["mirror"]["port"]["number"]} if "mirror" in rule else {}


def test_kserve_sends_no_copies_and_says_so(tmp_path):
    provider = Rendered(tmp_path, Kind.INFERENCE_SERVICE, CLUSTER)
    with pytest.raises(ConfigurationError, match="mirror: KServe sends no copies"):
        provider.apply(MIRRORED)
    assert not provider.path.exists()


def test_the_file_is_where_a_cluster_looks_for_it(provider, tmp_path):
    provider.apply(WEIGHTS[0])
    folder = tmp_path / "rollouts" / "flight-delay" / "traffic"
    assert [path.name for path in folder.iterdir()] == [f"{provider.kind}.yaml"]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "# a comment\n",
        lambda text: text.replace("2500", "2600"),
        lambda text: text.replace("v2@", "../v2@"),
        lambda text: text.replace("models", "elsewhere"),
        lambda text: "",
        lambda text: "a: &a [1]\nb: [*a, *a]\n",
        lambda text: "!!python/object/apply:os.system ['true']\n",
        lambda text: text + " " * 10_000,
        lambda text: "[" * 9_000,
    ],
)
def test_a_file_that_is_none_of_ours_is_refused(provider, change):
    provider.apply(WEIGHTS[2])
    provider.path.write_text(change(provider.path.read_text()))
    with pytest.raises(OutsideError, match="Apply writes it anew"):
        provider.observe()
    provider.apply(WEIGHTS[2])
    assert provider.observe() == WEIGHTS[2]


def test_a_file_that_is_not_there_is_said(provider):
    with pytest.raises(OutsideError, match="not found"):
        provider.observe()


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"model": "../etc"}, "model"),
        ({"namespace": 'a"\nkind: Secret'}, "namespace"),
        ({"gateway": "{{ 7 * 7 }}"}, "gateway"),
        ({"hostname": "a b"}, "hostname"),
        ({"model_format": "x\ny"}, "model_format"),
    ],
)
def test_a_hostile_name_is_refused_before_anything_is_written(tmp_path, changes, where):
    with pytest.raises(ConfigurationError, match=f"{where}: found"):
        Rendered(tmp_path, Kind.HTTP_ROUTE, Cluster(**{**vars(CLUSTER), **changes}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("storage", ["", "s3://models", "file:/x/{version}", "s3://a b/{version}"])
def test_a_storage_that_cannot_name_a_version_is_refused(tmp_path, storage):
    with pytest.raises(ConfigurationError, match="storage: found"):
        Rendered(tmp_path, Kind.INFERENCE_SERVICE, Cluster("m", "n", storage=storage))


def test_what_a_kind_cannot_say_is_refused(provider):
    half = Weights(CHAMPION, CHALLENGER, 50, "salt")
    if provider.kind is Kind.HTTP_ROUTE:
        provider.apply(half)
        assert provider.observe() == half
    else:
        with pytest.raises(ConfigurationError, match="whole percents"):
            provider.apply(half)
    with pytest.raises(ConfigurationError, match="expected the name of a Service"):
        provider.apply(Weights(Backend("v1", "10.0.0.1", 80)))
