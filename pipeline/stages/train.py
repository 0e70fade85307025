"""train: search parameters within the budget, warm-started from the champion, and fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from pipeline.config import load_params
from pipeline.errors import ConfigurationError, did_you_mean
from pipeline.jsonio import load_json, save_json, save_text
from pipeline.ml.cluster import joblib_backend
from pipeline.ml.model_io import require_savable, save_model
from pipeline.ml.search import SearchResult, fit_on_few, search_parameters
from pipeline.ml.tables import features_of, load_table
from pipeline.stages import outputs
from pipeline.stages.champion import champion_package
from pipeline.stages.stage import say
from pipeline.usecase.model import DEFAULTS, SEARCH_SPACE, build_model


def run(root: Path) -> None:
    """Write the model, its parameters, the trials and summary.json."""
    params = load_params(root)
    rows = load_table(root / outputs.TRAIN_ROWS).sort_values(
        ["event_time", "id"], ignore_index=True
    )
    X, y = features_of(rows), rows["label"]
    estimator = build_model(X, params.train.seed)
    _check_model(estimator, {"DEFAULTS": DEFAULTS, "SEARCH_SPACE": SEARCH_SPACE})
    first = _first_candidates(root, estimator.get_params())
    # Before minutes are spent: types that skops refuses are those of the model, not of its rows.
    tried = fit_on_few(estimator, first[0], X, y)
    if tried is not None:
        require_savable(tried, params.package.format)
    with joblib_backend(params.train):
        result = search_parameters(
            estimator, SEARCH_SPACE, X, y, first=first, params=params.train, on_round=_say_round
        )
    _save(root, result, params.package.format)
    if result.is_out_of_time:
        say(f"the search used up its {params.train.minutes:g} minutes")
    say(f"fitted on {len(rows):,} rows with {_short(result.params)}")


def _check_model(estimator: object, named: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse what no search could fit. `named` are parameters, by what names them in model.py.

    A part of the model that is searched itself may bring parameters that the unsearched one lacks.
    """
    where = "pipeline/usecase/model.py"
    if not isinstance(estimator, BaseEstimator):
        fault = f"build_model: returned {type(estimator).__name__}, expected a scikit-learn model"
        raise ConfigurationError(where, [fault])
    faults = []
    if not hasattr(estimator, "predict_proba"):
        faults.append(
            f"build_model: {type(estimator).__name__} has no predict_proba, expected a classifier "
            "that gives probabilities, such as one in CalibratedClassifierCV"
        )
    known = list(estimator.get_params())
    searched = {name for names in named.values() for name in names}
    faults += [
        f"{source}: {name!r} is no parameter of the model{did_you_mean(name, known)}; those of a "
        "pipeline's step begin with the step's name and two underscores"
        for source, names in named.items()
        for name in names
        if name not in known and not any(name.startswith(f"{part}__") for part in searched)
    ]
    if faults:
        raise ConfigurationError(where, faults)


def _first_candidates(root: Path, known: dict[str, Any]) -> list[dict[str, Any]]:
    """The champion's parameters, where this model still has them, then the defaults."""
    champion = champion_package(root)
    if champion is None:
        return [DEFAULTS]
    inherited = load_json(champion / "params.json")
    return [inherited, DEFAULTS] if set(inherited) <= set(known) else [DEFAULTS]


def _save(root: Path, result: SearchResult, model_format: str) -> None:
    digest = save_model(root / outputs.MODEL, result.model, model_format)
    save_json(root / outputs.MODEL_PARAMS, result.params)
    save_text(root / outputs.TRIALS, result.trials.to_csv(index=False, lineterminator="\n"))
    save_json(
        root / outputs.TRAIN_SUMMARY,
        {
            "model_digest": digest,
            "model_bytes": (root / outputs.MODEL).stat().st_size,
            "trials": len(result.trials),
            "best_score": result.score,
            "is_out_of_time": result.is_out_of_time,
        },
    )


def _say_round(candidates: int, rows: int) -> None:
    say(f"{candidates} parameter sets" + (f" on {rows:,} rows" if rows else ""))


def _short(params: dict[str, Any]) -> str:
    show = {name.rpartition("__")[2]: value for name, value in params.items()}
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in show.items()
    )
