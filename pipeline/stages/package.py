"""package: the model, its schema, environment, card and digests in one folder, named by digest."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.config import (
    Params,
    UseCase,
    load_gates,
    load_params,
    load_schema,
    load_usecase,
)
from pipeline.domain import Interval
from pipeline.jsonio import load_json, render_json
from pipeline.ml.environment import environment_lock, versions_of
from pipeline.ml.input_schema import input_schema, may_be_null
from pipeline.ml.model_card import Figure, GroupRates, ModelCard, Rows, render_model_card
from pipeline.ml.package import About, build_package
from pipeline.ml.tables import features_of, load_table
from pipeline.paths import PACKAGE
from pipeline.stages import outputs
from pipeline.stages.reference import profile_features, profile_rows
from pipeline.stages.stage import say


def run(root: Path) -> None:
    """Write the package folder."""
    params, usecase = load_params(root), load_usecase(root)
    rows = load_table(root / outputs.TRAIN_ROWS)
    features = features_of(rows)
    profile = {
        "rows": load_json(root / outputs.DATA_PROFILE),
        "features": profile_features(features),
    }
    input_rules = input_schema(features, nullable=may_be_null(load_schema(root)))
    parts = {
        f"model.{params.package.format}": root / outputs.MODEL,
        "data-profile.json": render_json(profile),
        "environment.txt": environment_lock(),
        "input-schema.json": render_json(input_rules),
        "metrics.json": root / outputs.METRICS,
        "model-card.md": render_model_card(_card(root, params, usecase, list(features))),
        "params.json": root / outputs.MODEL_PARAMS,
        "reference.json": render_json(_reference(root, rows["event_time"].max())),
        "seen_ids.parquet": root / outputs.SEEN_IDS,
    }
    about = About(
        model=usecase.model,
        format=params.package.format,
        threshold=usecase.decision_threshold,
        as_of=params.collect.as_of,
        train_rows=len(rows),
        data_digest=load_json(root / outputs.COLLECT_SUMMARY)["data_digest"],
    )
    digest = build_package(root / PACKAGE, parts, about)
    say(f"{usecase.model} {digest}")


def _reference(root: Path, trained_until: datetime) -> dict[str, Any]:
    """What monitoring compares production with: see monitoring/reference.py, which reads it."""
    return {
        "until": load_json(root / outputs.COLLECT_SUMMARY)["windows"]["recent"]["end"],
        "metrics": load_json(root / outputs.METRICS),
        "columns": profile_rows(root / outputs.COLLECTED_ROWS, trained_until),
    }


def _card(root: Path, params: Params, usecase: UseCase, features: list[str]) -> ModelCard:
    parts = load_json(root / outputs.SPLIT_SUMMARY)
    details = load_json(root / outputs.DETAILS)
    policy = load_gates(root).comparison
    as_of = f"{params.collect.as_of:%Y-%m-%dT%H:%M:%SZ}"
    return ModelCard(
        model=usecase.model,
        question=usecase.question,
        positive=usecase.positive,
        negative=usecase.negative,
        threshold=usecase.decision_threshold,
        as_of=params.collect.as_of,
        training=_rows(parts["train"]),
        holdout=_rows(parts["holdout"]),
        features=features,
        params=load_json(root / outputs.MODEL_PARAMS),
        metrics=_figures(details),
        slices=[
            figure
            for part in details["slices"]
            for figure in _figures(part)
            if figure.metric == policy.slices.metric
        ],
        fairness=_group_rates(load_json(root / outputs.COMPARISON)),
        reproduce=[f"python -m scripts.retrain --as-of {as_of}"],
        versions=versions_of(),
    )


def _rows(part: dict[str, Any]) -> Rows:
    start, end = (datetime.fromisoformat(part[edge]) for edge in ("start", "end"))
    return Rows(start=start, end=end, rows=part["rows"], label_rate=part["label_rate"])


def _figures(part: dict[str, Any]) -> list[Figure]:
    """The metrics of the whole holdout, or of one slice, with their intervals."""
    return [
        Figure(
            metric=metric,
            estimate=value,
            n=part["rows"],
            interval=_interval(part["intervals"][metric]),
            column=part.get("column", ""),
            value=part.get("value", ""),
        )
        for metric, value in part["metrics"].items()
    ]


def _interval(found: dict[str, Any]) -> Interval:
    low, high = (math.nan if found[end] is None else found[end] for end in ("low", "high"))
    return Interval(low, high, found["confidence"])


def _group_rates(comparison: dict[str, Any]) -> list[GroupRates]:
    """The challenger's rates of each group, gathered from the gaps that were judged."""
    rates: dict[tuple[str, str], dict[str, Any]] = {}
    for gap in comparison["fairness"]:
        for group in gap["groups"]:
            found = rates.setdefault((gap["column"], group["group"]), {"n": group["n"]})
            found[gap["rate"]] = group["challenger"]
    return [
        GroupRates(
            column=column,
            group=group,
            n=found["n"],
            selection_rate=found.get("selection_rate"),
            tpr=found.get("tpr"),
            fpr=found.get("fpr"),
        )
        for (column, group), found in rates.items()
    ]
