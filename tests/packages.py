"""What the tests' packages say of themselves."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.ml.package import About

ABOUT = About(
    model="flight-delay",
    format="skops",
    threshold=0.5,
    as_of=datetime(2013, 7, 2, tzinfo=UTC),
    train_rows=61_234,
    data_digest="sha256:" + "ab" * 32,
)
