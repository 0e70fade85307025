import hashlib
import os
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
import skops.io
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from pipeline.errors import ConfigurationError, OutsideError
from pipeline.ml.model_io import load_model, save_model
from pipeline.usecase.model import build_model

ROOT = Path(__file__).parents[2]
FORMATS = ("skops", "joblib")

FIT_AND_SAVE = """
import sys
from pathlib import Path
from tests.ml.test_model_io import fitted_pipeline, save_model
for model_format in sys.argv[2:]:
    print(save_model(Path(sys.argv[1]), fitted_pipeline(), model_format))
"""


def rows(n=600):
    random = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "carrier": pd.Categorical(random.choice(["AA", "B6", "UA"], n)),
            "distance": random.normal(1000, 300, n),
            "hour": random.integers(0, 24, n),
        }
    )
    frame.loc[::9, "distance"] = np.nan
    return frame


def labels(frame):
    noise = np.random.default_rng(6).normal(size=len(frame))
    return ((frame["hour"] > 12) + noise > 0.5).astype(int)


def fitted_pipeline():
    frame = rows()
    model = build_model(frame, seed=1).set_params(model__max_iter=10, model__min_samples_leaf=5)
    return model.fit(frame, labels(frame))


@pytest.fixture(scope="module")
def model():
    return fitted_pipeline()


def shout(values):
    return values


class Homemade(BaseEstimator):
    def __init__(self, power=1):
        self.power = power


@pytest.mark.parametrize("model_format", FORMATS)
def test_a_loaded_model_scores_exactly_like_the_saved_one(model, tmp_path, model_format):
    digest = save_model(tmp_path / "model", model, model_format)
    loaded = load_model(tmp_path / "model", digest, model_format)
    np.testing.assert_array_equal(loaded.predict_proba(rows()), model.predict_proba(rows()))


@pytest.mark.parametrize("model_format", FORMATS)
def test_the_digest_is_the_sha256_of_the_file(model, tmp_path, model_format):
    digest = save_model(tmp_path / "model", model, model_format)
    found = hashlib.sha256((tmp_path / "model").read_bytes()).hexdigest()
    assert digest == f"sha256:{found}"


def test_another_process_with_another_hash_seed_writes_the_same_bytes(tmp_path):
    # Both are fresh: a pickle also tells which equal strings are one object, and in this process
    # that depends on the tests that ran before.
    digests = [
        subprocess.run(
            [sys.executable, "-c", FIT_AND_SAVE, str(tmp_path / seed), *FORMATS],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        for seed in ("5", "77")
    ]
    assert len(digests[0]) == len(FORMATS)
    assert digests[0] == digests[1]


def test_skops_alone_would_not_write_the_same_bytes_twice(model):
    assert skops.io.dumps(model) != skops.io.dumps(fitted_pipeline())


def test_a_loaded_model_saves_to_the_bytes_it_came_from(model, tmp_path):
    digest = save_model(tmp_path / "model", model)
    loaded = load_model(tmp_path / "model", digest, "skops")
    assert save_model(tmp_path / "again", loaded) == digest


def test_objects_that_were_one_stay_one(tmp_path):
    shared = np.random.RandomState(3)
    model = make_pipeline(FunctionTransformer(kw_args={"a": shared, "b": shared}))
    digest = save_model(tmp_path / "model", model)
    arguments = load_model(tmp_path / "model", digest, "skops")[0].kw_args
    assert arguments["a"] is arguments["b"]


def test_sets_and_awkward_keys_survive_and_do_not_depend_on_hash_order(tmp_path):
    words = {"one", "two", "three", "four", "five", "six", "seven"}
    awkward = {"__id__": 7, "file": "x.npy", "__loader__": "SetNode", "content": [3, 1, 2]}
    model = FunctionTransformer(kw_args={"words": words, **awkward})
    other = FunctionTransformer(kw_args={"words": in_another_order(words), **awkward})
    digest = save_model(tmp_path / "model", model)
    assert save_model(tmp_path / "other", other) == digest
    assert load_model(tmp_path / "model", digest, "skops").kw_args == {"words": words, **awkward}


def in_another_order(words):
    """An equal set that lists its members in another order, as another hash seed would."""
    fillers = [f"filler {number}" for number in range(500)]
    other = {*fillers, *words}  # a larger table spreads the members otherwise
    other.difference_update(fillers)
    assert list(other) != list(words)
    return other


def test_looking_at_the_attributes_of_a_partial_changes_nothing(tmp_path):
    model = fitted_pipeline()
    digest = save_model(tmp_path / "model", model)
    for _, step, _ in model[-1]._preprocessor.transformers_:
        vars(step.func) if isinstance(step, FunctionTransformer) and step.func else None
    assert save_model(tmp_path / "model", model) == digest


def test_equal_arrays_are_stored_once(tmp_path):
    arrays = {str(number): np.arange(10.0) for number in range(5)}
    save_model(tmp_path / "model", FunctionTransformer(kw_args=arrays))
    assert len(zipfile.ZipFile(tmp_path / "model").namelist()) == 2


@pytest.mark.parametrize("model_format", FORMATS)
def test_a_changed_file_is_refused_before_it_is_read(model, tmp_path, model_format):
    path = tmp_path / "model"
    digest = save_model(path, model, model_format)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(OutsideError, match=f"expected {digest}"):
        load_model(path, digest, model_format)


def test_a_pickle_that_runs_code_never_gets_to_run_it(model, tmp_path):
    class Attack:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "owned",))

    digest = save_model(tmp_path / "model", model, "joblib")
    joblib.dump(Attack(), tmp_path / "model")
    with pytest.raises(OutsideError, match="was not loaded"):
        load_model(tmp_path / "model", digest, "joblib")
    assert not (tmp_path / "owned").exists()


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(OutsideError, match=r"not found.*Fetch the package"):
        load_model(tmp_path / "model", "sha256:0", "skops")


def test_an_untrusted_type_is_refused_when_saving_and_named(tmp_path):
    with pytest.raises(ConfigurationError, match="Homemade: skops does not trust") as refused:
        save_model(tmp_path / "model", Homemade())
    assert "set package.format: joblib in params.yaml" in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_an_untrusted_type_is_refused_when_loading_and_named(tmp_path):
    name = f"{Homemade.__module__}.Homemade"
    sys.modules.setdefault(Homemade.__module__, sys.modules[__name__])
    digest = save_model(tmp_path / "model", Homemade(power=3), trusted=[name])
    with pytest.raises(OutsideError, match="Homemade"):
        load_model(tmp_path / "model", digest, "skops")
    assert load_model(tmp_path / "model", digest, "skops", trusted=[name]).power == 3


def test_what_skops_cannot_hold_points_to_joblib(tmp_path):
    model = FunctionTransformer(func=shout, kw_args={"lines": (line for line in "ab")})
    with pytest.raises(ConfigurationError, match="use joblib"):
        save_model(tmp_path / "model", model)


def test_an_imputer_needs_no_other_format_and_is_the_same_bytes_again(tmp_path):
    frame = rows()[["distance", "hour"]]
    model = make_pipeline(SimpleImputer(), LogisticRegression(max_iter=200))
    first, second = (
        save_model(tmp_path / name, model.fit(frame, labels(frame))) for name in ("one", "two")
    )
    assert first == second
    loaded = load_model(tmp_path / "one", first, "skops")
    np.testing.assert_array_equal(loaded.predict_proba(frame), model.predict_proba(frame))


def test_a_model_without_any_tree_needs_no_trust(tmp_path):
    frame = rows()[["hour"]]
    model = LogisticRegression().fit(frame, labels(frame))
    digest = save_model(tmp_path / "model", model, trusted=())
    assert load_model(tmp_path / "model", digest, "skops", trusted=()).coef_ == model.coef_


@pytest.mark.parametrize(
    ("field", "value"),
    [("left", 10_000), ("right", 0), ("feature_idx", 3), ("feature_idx", -1)],
)
def test_a_tree_that_points_outside_itself_is_refused(tmp_path, field, value):
    model = fitted_pipeline()
    model[-1]._predictors[4][0].nodes[field][0] = value
    with pytest.raises(OutsideError, match="points outside itself"):
        save_model(tmp_path / "model", model)


def test_trees_inside_other_estimators_are_checked_too(tmp_path):
    frame = rows()[["hour", "distance"]]
    boosting = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=5)
    model = CalibratedClassifierCV(boosting, cv=2).fit(frame, labels(frame))
    inner = model.calibrated_classifiers_[1].estimator
    inner._predictors[0][0].nodes["left"][0] = 9_999
    with pytest.raises(OutsideError, match="points outside itself"):
        save_model(tmp_path / "model", model, trusted=trusted_for(model))


def trusted_for(model):
    return skops.io.get_untrusted_types(data=skops.io.dumps(model))


@pytest.mark.parametrize("model_format", FORMATS)
def test_another_minor_version_of_scikit_learn_is_refused_and_both_are_named(
    model, tmp_path, monkeypatch, model_format
):
    digest = saved_by_version("1.2.0", tmp_path / "model", model, monkeypatch, model_format)
    with pytest.raises(OutsideError) as error:
        load_model(tmp_path / "model", digest, model_format)
    assert "scikit-learn 1.2.0" in str(error.value)
    assert f"scikit-learn {sklearn.__version__}" in str(error.value)


@pytest.mark.parametrize("model_format", FORMATS)
def test_another_patch_version_loads_with_a_warning(model, tmp_path, monkeypatch, model_format):
    major, minor, _ = sklearn.__version__.split(".")
    patch = f"{major}.{minor}.99"
    digest = saved_by_version(patch, tmp_path / "model", model, monkeypatch, model_format)
    with pytest.warns(UserWarning, match=patch):
        load_model(tmp_path / "model", digest, model_format)


def test_the_same_version_loads_without_a_warning(model, tmp_path):
    digest = save_model(tmp_path / "model", model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_model(tmp_path / "model", digest, "skops")


def saved_by_version(version, path, model, monkeypatch, model_format):
    with monkeypatch.context() as patched:
        patched.setattr("sklearn.base.__version__", version)
        patched.setattr("sklearn.__version__", version)
        return save_model(path, model, model_format)


@pytest.mark.parametrize("tail", ["", "skops"], ids=["plain", "with an archive behind it"])
def test_a_pickle_where_skops_is_expected_never_gets_to_run_whatever_its_digest(
    model, tmp_path, tail
):
    class Attack:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "owned",))

    save_model(tmp_path / "honest", model)
    joblib.dump(Attack(), tmp_path / "model")
    content = (tmp_path / "model").read_bytes() + (tmp_path / "honest").read_bytes() * bool(tail)
    (tmp_path / "model").write_bytes(content)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    with pytest.raises(OutsideError, match="not a skops model"):
        load_model(tmp_path / "model", digest, "skops")
    assert not (tmp_path / "owned").exists()


def test_a_skops_model_where_joblib_is_expected_is_refused(model, tmp_path):
    digest = save_model(tmp_path / "model", model)
    with pytest.raises(OutsideError, match="not a joblib model"):
        load_model(tmp_path / "model", digest, "joblib")


@pytest.mark.parametrize("model_format", FORMATS)
@pytest.mark.parametrize("content", [b"PK\x03\x04 not a zip", b"neither", b""])
def test_a_file_that_is_no_model_is_a_clear_error(tmp_path, content, model_format):
    (tmp_path / "model").write_bytes(content)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    with pytest.raises(OutsideError, match=r"not a (skops|joblib) model"):
        load_model(tmp_path / "model", digest, model_format)


def test_a_failed_save_leaves_the_earlier_model_alone(model, tmp_path):
    digest = save_model(tmp_path / "model", model)
    with pytest.raises(ConfigurationError):
        save_model(tmp_path / "model", Homemade())
    load_model(tmp_path / "model", digest, "skops")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
