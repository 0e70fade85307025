"""A fitted model as bytes, the same in every process, and back once its digest has matched.

skops is the default: it builds the named types and runs no code of the file. Where skops cannot
hold a model, joblib can, and then the digest is all that stands between a file and running it.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FunctionType
from typing import Any

import joblib
import numpy as np
import sklearn
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

from pipeline.errors import ConfigurationError, OutsideError
from pipeline.ml.skops_bytes import canonical_bytes, stored_sklearn_version

# What the shipped model, and imputers, need beyond the types that skops trusts by itself. skops
# leaves TreePredictor out because its node indices are used unchecked; `_check_tree` checks them.
# A numpy.dtype is read as that of an empty array, without pickle: it can run nothing.
TRUSTED_TYPES = (
    "functools.partial",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
)

SKOPS_START = b"PK\x03\x04"  # skops writes ZIP archives, and no pickle starts like one


def save_model(
    path: Path,
    model: BaseEstimator,
    model_format: str = "skops",
    *,
    trusted: Sequence[str] = TRUSTED_TYPES,
) -> str:
    """Write `model` to `path`, whole or not at all, and return the digest `sha256:<hex>`.

    The bytes are loaded back once before they are written, so what cannot be served fails here.
    Raises ConfigurationError where skops cannot hold the model or would have to load types that
    are not in `trusted`.
    """
    data = _bytes_of(model, model_format, trusted)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return _digest(data)


def require_savable(
    model: BaseEstimator, model_format: str, *, trusted: Sequence[str] = TRUSTED_TYPES
) -> None:
    """Raise ConfigurationError where `save_model` would, and write nothing."""
    _bytes_of(model, model_format, trusted)


def load_model(
    path: Path,
    expected_sha256: str,
    model_format: str,
    *,
    trusted: Sequence[str] = TRUSTED_TYPES,
) -> BaseEstimator:
    """The model in `path`, of `model_format`, after its bytes matched `expected_sha256`.

    `expected_sha256` is `sha256:<64 hex digits>`, and `model_format` is skops or joblib, as the
    package manifest says both. Loading joblib runs what the file says, so whoever expects skops
    never gets there, whatever the bytes are. Raises OutsideError for a missing file, another
    digest or format, a type outside `trusted`, another minor version of scikit-learn, or content
    that no writer of ours makes; warns for another patch version.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise OutsideError(f"{path}: not found, expected a model. Fetch the package.") from error
    found = _digest(data)
    if found != expected_sha256:
        raise OutsideError(
            f"{path}: found {found}, expected {expected_sha256}. The file is not the one that was "
            "packaged, so it was not loaded. Fetch the package again."
        )
    if data.startswith(SKOPS_START) != (model_format == "skops"):
        raise OutsideError(
            f"{path}: not a {model_format} model, which was expected, so it was not loaded. "
            "Do not use it."
        )
    if model_format == "skops":
        return _from_skops(data, str(path), trusted)
    return _from_joblib(data, str(path))


def _bytes_of(model: BaseEstimator, model_format: str, trusted: Sequence[str]) -> bytes:
    return _skops_bytes(model, trusted) if model_format == "skops" else _joblib_bytes(model)


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


# ---------------------------------------------------------------- skops


def _skops_bytes(model: BaseEstimator, trusted: Sequence[str]) -> bytes:
    import skops.io.exceptions  # noqa: PLC0415 (takes a second, and most stages load no model)

    try:
        data = canonical_bytes(skops.io.dumps(model))
        unknown = set(skops.io.get_untrusted_types(data=data)) - set(trusted)
    except (
        skops.io.exceptions.UnsupportedTypeException,
        TypeError,
        ValueError,
        AttributeError,
    ) as error:
        raise ConfigurationError(
            "params.yaml",
            [f"package.format: found 'skops', which cannot hold this model ({error}); use joblib"],
        ) from error
    if unknown:
        raise ConfigurationError(
            "model",
            [f"{name}: skops does not trust this type; {_ADVICE}" for name in sorted(unknown)],
        )
    _from_skops(data, "the model just saved", trusted)
    return data


_ADVICE = "set package.format: joblib in params.yaml, or choose a model without it"


def _from_skops(data: bytes, where: str, trusted: Sequence[str]) -> BaseEstimator:
    import skops.io.exceptions  # noqa: PLC0415 (takes a second, and most stages load no model)

    try:
        _check_sklearn(stored_sklearn_version(data), where)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)  # _check_sklearn has spoken
            model = skops.io.loads(data, trusted=list(trusted))
    except skops.io.exceptions.UntrustedTypesFoundException as error:
        raise OutsideError(f"{where}: found types that are not trusted: {error}") from error
    except (zipfile.BadZipFile, LookupError, TypeError, ValueError, AttributeError) as error:
        raise OutsideError(f"{where}: not a skops model that loads here ({error}).") from error
    for boosting in _boostings_in(model, set()):
        for tree in itertools.chain.from_iterable(boosting._predictors):
            _check_tree(tree, boosting.n_features_in_, where)
    return model


def _boostings_in(value: Any, seen: set[int]) -> Iterator[Any]:
    """Every boosting model inside `value`, through attributes, lists and dicts, each once."""
    if id(value) in seen or isinstance(value, type | FunctionType):
        return
    seen.add(id(value))
    if hasattr(value, "_predictors"):
        yield value
    if hasattr(value, "__dict__"):
        value = vars(value)
    if isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _boostings_in(item, seen)


def _check_tree(tree: Any, n_features: int, where: str) -> None:
    """Refuse a tree whose indices point outside it: scikit-learn follows them without looking.

    Children stand after their parent, so following a tree that passes also comes to an end.
    """
    nodes = tree.nodes
    split = nodes["is_leaf"] == 0
    at = np.flatnonzero(split)
    left, right = (nodes[side][split].astype(np.int64) for side in ("left", "right"))
    bitset = nodes["bitset_idx"][split & (nodes["is_categorical"] == 1)]
    feature = nodes["feature_idx"][split]
    is_sound = (
        len(nodes) > 0
        and (np.minimum(left, right) > at).all()
        and (np.maximum(left, right) < len(nodes)).all()
        and ((feature >= 0) & (feature < n_features)).all()
        and (bitset < len(tree.raw_left_cat_bitsets)).all()
    )
    if not is_sound:
        raise OutsideError(f"{where}: a tree of the model points outside itself. Do not use it.")


# ---------------------------------------------------------------- joblib


def _joblib_bytes(model: BaseEstimator) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    return buffer.getvalue()


def _from_joblib(data: bytes, where: str) -> BaseEstimator:
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", InconsistentVersionWarning)
            model = joblib.load(io.BytesIO(data))
    except Exception as error:
        raise OutsideError(f"{where}: not a joblib model that loads here ({error}).") from error
    for warning in caught:
        if isinstance(warning.message, InconsistentVersionWarning):
            _check_sklearn(warning.message.original_sklearn_version, where)
            break
    return model


# ---------------------------------------------------------------- scikit-learn's version


def _check_sklearn(saved: str | None, where: str) -> None:
    """Another minor version may score differently without a word, so it is refused."""
    here = sklearn.__version__
    if saved is None or saved == here:
        return
    what = f"{where}: saved by scikit-learn {saved}, found scikit-learn {here} here"
    if saved.split(".")[:2] != here.split(".")[:2]:
        raise OutsideError(
            f"{what}. Install scikit-learn=={saved} (the package's environment.txt lists it all), "
            f"or train the model again with {here}."
        )
    warnings.warn(f"{what}: the same minor version, so it was loaded", stacklevel=2)
