"""How the run went: cost, second readers, and how to make it again."""

from __future__ import annotations

import re

from pipeline.core.report.figures import (
    UNKNOWN,
    count,
    duration,
    figure,
    interval,
    memory,
    moment,
    p_value,
    signed,
    size,
)
from pipeline.core.report.inputs import Json, ReportInputs
from pipeline.core.report.table import Cell, Table, meter, table, verdict_cell

_COMMIT = re.compile(r"[0-9a-f]{7,64}")


def champion_line(champion: Json | None) -> str:
    """Who serves and who said so, in one sentence; empty without a champion."""
    if champion is None:
        return ""
    return (
        f"The champion knows the world as of {moment(champion['as_of'])} and was approved by "
        f"{champion['approved_by']}: {champion['reason']}"
    )


def cost_table(inputs: ReportInputs) -> Table:
    """Time and memory of each pipeline stage, in the order in which they ran."""
    stages = inputs.timings
    top = max([stage["seconds"] for stage in stages.values()], default=1.0)
    return table(
        "Cost of each pipeline stage",
        [
            ("Stage", "code"),
            ("Time", "number"),
            ("Share of the longest", "bar"),
            ("Peak memory", "number"),
        ],
        [
            [
                Cell(name),
                Cell(duration(stage["seconds"])),
                meter(stage["seconds"], top),
                Cell(memory(stage["peak_memory_mb"])),
            ]
            for name, stage in stages.items()
        ],
    )


def total_seconds(timings: Json) -> float:
    """The sum over pipeline stages; one that did not run again counts with its last run."""
    return float(sum(stage["seconds"] for stage in timings.values()))


def cost_line(inputs: ReportInputs) -> str:
    """Time of the run, and what serving the challenger costs."""
    stages = inputs.timings.values()
    peak = max([stage["peak_memory_mb"] for stage in stages], default=None)
    cores = max([stage["cores"] or 0 for stage in stages], default=0)
    latency = inputs.latency
    return (
        f"{duration(total_seconds(inputs.timings))} on {cores or UNKNOWN} cores, "
        f"peak memory {memory(peak)}. Serving: {size(inputs.train['model_bytes'])} model, "
        f"{figure(latency['row_p50_ms'])} ms a row at the median, "
        f"{figure(latency['row_p95_ms'])} ms at p95."
    )


def second_readers(comparison: Json) -> list[str]:
    """McNemar and DeLong in a sentence each; they are reported and gate nothing."""
    lines = []
    if (test := comparison.get("mcnemar")) is not None:
        lines.append(
            f"McNemar: {count(test['only_challenger_right'])} rows only the challenger has right, "
            f"{count(test['only_champion_right'])} only the champion; p {p_value(test['p_value'])}."
        )
    if (test := comparison.get("delong")) is not None:
        lines.append(
            f"DeLong: ROC-AUC {signed(test['difference'])} {interval(*_ends(test['interval']))}; "
            f"p {p_value(test['p_value'])}."
        )
    return lines


def resampling_line(comparison: Json) -> str:
    """How the intervals were made."""
    blocks = comparison["blocks"]
    units = f"whole blocks ({count(blocks)} of them)" if blocks else "rows within each label"
    return (
        f"Intervals come from {count(comparison['draws'])} paired bootstrap draws of {units}, "
        f"seed {comparison['seed']}."
    )


def self_test_table(comparison: Json) -> Table:
    """What the gates said where the answer is known."""
    return table(
        "Self-test of the gates",
        [("Verdict", "verdict"), ("Known answer", "text"), ("Found", "text")],
        [
            [verdict_cell(gate["verdict"]), gate["rule"], gate["reason"]]
            for gate in comparison.get("self_test", ())
        ],
    )


def commands(inputs: ReportInputs) -> list[str]:
    """What to type to get the same artifacts again; built from checked values alone."""
    commit = inputs.origin.commit or ""
    as_of = f"{inputs.params.collect.as_of:%Y-%m-%dT%H:%M:%SZ}"
    checkout = [f"git checkout {commit}"] if _COMMIT.fullmatch(commit) else []
    return [
        *checkout,
        f"python -m scripts.retrain --as-of {as_of}  # sets collect.as_of, then dvc repro",
    ]


def reproduce_notes(inputs: ReportInputs) -> list[str]:
    """What would keep the commands from giving the same bytes."""
    notes = ["WAREHOUSE_URL must name the warehouse of this run; nothing after as_of is read."]
    if not _COMMIT.fullmatch(inputs.origin.commit or ""):
        notes.append("This ran outside a git checkout, so the commit is not known.")
    changed = inputs.origin.changed_files
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        notes.append(f"Files differed from that commit: {', '.join(changed[:3])}{more}.")
    return notes


def digest_table(inputs: ReportInputs) -> Table:
    """Every digest in full."""
    rows = {
        "Collected rows": inputs.collect["data_digest"],
        "Holdout": inputs.split["holdout"]["digest"],
        "Challenger's model": inputs.train["model_digest"],
        "Challenger's package": inputs.package_digest,
        "Champion's package": inputs.comparison["champion"],
    }
    return table(
        "Digests",
        [("Of", "text"), ("Digest", "code")],
        [[name, digest] for name, digest in rows.items() if digest],
    )


def _ends(found: Json) -> tuple[float | None, float | None]:
    return found["low"], found["high"]
