"""What became of a rollout, for its evidence package: a file that is added, and changes none.

A package is completed beside the files that the merge brought, never in them: a revert of the merge
would conflict with a later change of what it added.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.core.report.escape import code, escape_markdown
from pipeline.core.rollout.wording import render_percent
from pipeline.rollout_status import Kind, Record

OUTCOMES = (Kind.PROMOTED, Kind.SETTLED, Kind.ENDED)


def outcome_path(package: str, record: Record) -> str | None:
    """Where `record` is told in the folder `package`; None for one that ends nothing."""
    name = record.name.removesuffix(".yaml")
    return f"{package}/outcome/{name}.md" if record.kind in OUTCOMES else None


def render_outcome(record: Record, earlier: Sequence[Record], package_digest: str) -> str:
    """Markdown: every transition of this challenger up to `record`, and whose evidence that is.

    `package_digest` is that of the manifest that reviewers saw. The same records give the same
    bytes.
    """
    mine = [one for one in earlier if one.challenger == record.challenger]
    rows = [_row(one) for one in (*mine, record)]
    status = code(f"rollouts/{record.model}/status/")
    return "\n".join(
        [
            f"# {escape_markdown(f'{record.model} {record.version}: {record.phase}')}",
            "",
            escape_markdown(record.reason),
            "",
            "| when (UTC) | record | phase | the challenger's traffic | verdict | why |",
            "| --- | --- | --- | ---: | --- | --- |",
            *rows,
            "",
            f"Each row is a record in {status}; the commit that added it holds its figures.",
            "One that was reverted is told all the same.",
            "",
            f"Of the evidence package {code(package_digest)}, by the record {code(record.digest)}.",
            "",
        ]
    )


def _row(record: Record) -> str:
    cells = (
        f"{record.at:%Y-%m-%d %H:%M}",
        record.name.removesuffix(".yaml"),
        record.phase,
        render_percent(record.weight_percent),
        record.verdict or "",
        record.reason,
    )
    return f"| {' | '.join(escape_markdown(cell) for cell in cells)} |"
