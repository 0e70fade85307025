"""compare: judge the challenger against the champion on the same holdout rows.

Both models score the rows here and now. Figures that were stored on another day, on other rows,
are never compared.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from pipeline.config import ComparisonPolicy, Params, load_gates, load_params, load_usecase
from pipeline.core.comparison.compare import Comparison, assess_first_model
from pipeline.core.comparison.compare import compare as compare_models
from pipeline.core.comparison.holdout import Holdout
from pipeline.core.comparison.selftest import self_test
from pipeline.domain import THRESHOLD_GATE, Gate, Verdict, worst
from pipeline.jsonio import load_json, save_json
from pipeline.ml.input_schema import prepare
from pipeline.ml.package import load_manifest, load_packaged_model, model_digest
from pipeline.ml.tables import features_of, load_table, save_table
from pipeline.stages import outputs
from pipeline.stages.champion import champion_package
from pipeline.stages.collect import windows
from pipeline.stages.holdout import blocks_of, labels_of
from pipeline.stages.reference import drift_of
from pipeline.stages.stage import say


def run(root: Path) -> None:
    """Write comparison.json, and the champion's score of each holdout row."""
    params, policy = load_params(root), load_gates(root).comparison
    champion = champion_package(root)
    rows = load_table(root / outputs.HOLDOUT)
    scores = champion_scores(champion, rows)
    holdout = _holdout(root, rows, scores, policy)
    comparison, tests = judge(holdout, policy, params)
    if champion is not None:
        comparison = leave_to_a_person(
            comparison, load_manifest(champion).threshold, holdout.threshold
        )
    known = pd.DataFrame({"id": rows["id"], "champion": np.nan if scores is None else scores})
    save_table(root / outputs.CHAMPION_SCORES, known)
    verdict = worst([comparison.verdict, *(_trial(test) for test in tests)])
    save_json(
        root / outputs.COMPARISON,
        {
            "verdict": verdict,
            "summary": summarise(comparison.gates, tests),
            "champion": None if champion is None else model_digest(champion),
            **{
                field.name: getattr(comparison, field.name)
                for field in dataclasses.fields(comparison)
                if field.name != "verdict"
            },
            "self_test": tests,
            "drift": [] if champion is None else _recent_drift(root, champion, params),
        },
    )
    say(f"{verdict}: {summarise(comparison.gates, tests)}")


def judge(
    holdout: Holdout, policy: ComparisonPolicy, params: Params
) -> tuple[Comparison, tuple[Gate, ...]]:
    """The comparison, and the trial of the gates themselves on the same rows."""
    options: dict[str, Any] = {"draws": params.compare.draws, "seed": params.compare.seed}
    if holdout.champion is None:
        return assess_first_model(holdout, policy, **options), ()
    with tqdm(desc="  resampling", unit=" draws", disable=None, leave=False) as bar:

        def on_progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        comparison = compare_models(holdout, policy, **options, on_progress=on_progress)
    return comparison, self_test(holdout, policy, params.compare.seed)


def champion_scores(champion: Path | None, rows: pd.DataFrame) -> np.ndarray | None:
    """The champion's probability for each of `rows`, shape (n,), or None without a champion."""
    if champion is None:
        return None
    X = prepare(features_of(rows), load_json(champion / "input-schema.json"))
    return load_packaged_model(champion).predict_proba(X)[:, 1]


def leave_to_a_person(comparison: Comparison, champion: float, challenger: float) -> Comparison:
    """`comparison`, and where the two thresholds differ, without the gates that need a champion.

    Its answers at its own threshold could not be told apart from the change of threshold, and at
    the other one it never served. The figures stay, for the person who decides instead.
    """
    if champion == challenger:
        return comparison
    reason = (
        f"The champion serves with the threshold {champion:g}, the challenger would with "
        f"{challenger:g}: a person decides, with python -m scripts.set_champion. "
        f"All figures take both at {challenger:g}."
    )
    rule = "Champion and challenger answer at the same threshold."
    asked = Gate(THRESHOLD_GATE, Verdict.INCONCLUSIVE, rule, reason, n=comparison.n)
    kept = [
        gate
        for gate in comparison.gates
        if gate.name in ("inputs", "sample size")
        or gate.name.startswith("limit: ")
        or gate.verdict is Verdict.ERROR
    ]
    return dataclasses.replace(comparison, gates=(*kept, asked))


def summarise(gates: tuple[Gate, ...], tests: tuple[Gate, ...]) -> str:
    """One sentence: why the verdict is what it is."""
    broken = [test for test in tests if test.verdict is not Verdict.PASS]
    if broken:
        return f"The gates failed their own test: {broken[0].rule} {broken[0].reason}"
    primary = next((gate for gate in gates if gate.name == "primary"), gates[0])
    worst_gate = max([primary, *gates], key=lambda gate: gate.verdict.severity)
    return worst_gate.reason


def _trial(test: Gate) -> Verdict:
    """A gate that gives a wrong answer to a known question makes the whole comparison void."""
    return Verdict.PASS if test.verdict is Verdict.PASS else Verdict.ERROR


def _holdout(
    root: Path, rows: pd.DataFrame, champion: np.ndarray | None, policy: ComparisonPolicy
) -> Holdout:
    predictions = load_table(root / outputs.PREDICTIONS)
    params = load_params(root)
    columns = [*policy.slices.columns, *(rule.column for rule in policy.fairness)]
    return Holdout(
        y=rows["label"].to_numpy(),
        champion=champion,
        challenger=predictions["challenger"].to_numpy(),
        threshold=load_usecase(root).decision_threshold,
        columns={column: labels_of(rows, column) for column in dict.fromkeys(columns)},
        blocks=blocks_of(rows, params.compare.resample, windows(params.collect)["recent"].end),
    )


def _recent_drift(root: Path, champion: Path, params: Params) -> list[dict[str, Any]]:
    rows = load_table(root / outputs.FEATURES)
    recent = rows[rows["event_time"] >= windows(params.collect)["recent"].start]
    return drift_of(load_json(champion / "data-profile.json")["features"], features_of(recent))
