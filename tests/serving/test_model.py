from datetime import UTC, datetime

import numpy as np
import pytest

from pipeline.errors import OutsideError
from pipeline.serving.model import (
    ServedModel,
    check_answers,
    example_row,
    load_served_model,
)
from tests.servers.model_server import build_tiny_package

AS_OF = datetime(2013, 7, 2, tzinfo=UTC)
SCHEMA = {
    "properties": {"hour": {"type": "integer", "x-kind": "integer"}},
    "x-order": ["hour"],
}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package") / "package"
    return folder, build_tiny_package(folder)


def test_a_package_is_loaded_by_its_digest_and_answers(package):
    folder, digest = package
    served = load_served_model(folder, digest)
    assert served.version.endswith(f"-{digest[7:19]}")
    late, early = served.scores([{"hour": 23, "distance": 900}, {"hour": 1, "distance": 900}])
    assert 0 <= early < late <= 1


def test_another_digest_is_not_loaded(package):
    folder, _ = package
    with pytest.raises(OutsideError, match="expected sha256:0000"):
        load_served_model(folder, "sha256:" + "0" * 64)


def test_a_package_with_one_byte_changed_is_not_loaded(tmp_path):
    digest = build_tiny_package(tmp_path / "package")
    path = tmp_path / "package" / "input-schema.json"
    path.write_text(path.read_text().replace("hour", "Hour"))
    with pytest.raises(OutsideError, match=r"input-schema\.json: found"):
        load_served_model(tmp_path / "package", digest)


class Answering:
    def __init__(self, score):
        self._score = score

    def predict_proba(self, frame):
        return np.full((len(frame), 2), self._score)


@pytest.mark.parametrize("score", [np.nan, np.inf, -0.1, 1.1])
def test_a_model_whose_answer_is_no_probability_does_not_become_ready(score):
    with pytest.raises(OutsideError, match="expected 0 to 1"):
        check_answers(ServedModel("m", "sha256:00", AS_OF, 0.5, SCHEMA, Answering(score)))


def test_a_model_that_cannot_answer_its_own_schema_does_not_become_ready():
    with pytest.raises(OutsideError, match="cannot answer a row of its own schema"):
        check_answers(ServedModel("m", "sha256:00", AS_OF, 0.5, SCHEMA, object()))


class Remembering(Answering):
    def predict_proba(self, frame):
        self.frame = frame
        return super().predict_proba(frame)


@pytest.mark.parametrize("beside", [None, 2.5, 7], ids=["null", "fraction", "integer"])
def test_a_large_integer_that_names_a_category_is_not_rounded_beside_another_value(beside):
    schema = {
        "properties": {"account": {"type": ["string", "null"], "x-kind": "category"}},
        "x-order": ["account"],
    }
    model = Remembering(0.5)
    served = ServedModel("m", "sha256:00", AS_OF, 0.5, schema, model)
    served.scores([{"account": 2**53 + 1}, {"account": beside}, {"account": 5.0}])
    name = None if beside is None else str(beside)
    found = model.frame["account"].astype(object)
    assert found.where(found.notna(), None).tolist() == ["9007199254740993", name, "5"]


def test_the_example_row_has_a_value_of_each_kind():
    properties = {
        "a": {"x-kind": "number"},
        "b": {"x-kind": "integer"},
        "c": {"x-kind": "boolean"},
        "d": {"x-kind": "category", "x-categories": ["AA", "B6"]},
        "e": {"x-kind": "category"},
    }
    expected = {"a": 0.0, "b": 0, "c": False, "d": "AA", "e": "none"}
    assert example_row({"properties": properties}) == expected
