"""What users ask: the real flights of some days, with the labels that came in the end."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import islice
from pathlib import Path

import pandas as pd

from pipeline.adapters.warehouse import connect, read_rows
from pipeline.demo.load import Question
from pipeline.usecase import query
from pipeline.usecase.features import build_features

MOST = 2_000


def load_questions(repository: Path, start: datetime, end: datetime) -> list[Question]:
    """The labelled flights of [start, end), at most MOST of them, in the order of departure."""
    engine = connect(f"sqlite:///{repository}/warehouse.db")
    chunks = read_rows(
        engine,
        query.rows(),
        query.labels(),
        as_of=end,
        start=start,
        end=end,
        chunk_rows=MOST,
    )
    rows = pd.concat(islice(chunks, 1), ignore_index=True).dropna(subset="label")
    features = json.loads(build_features(rows).to_json(orient="records"))
    return [
        Question(json.dumps({"rows": [row]}).encode(), bool(label))
        for row, label in zip(features, rows["label"], strict=True)
    ]
