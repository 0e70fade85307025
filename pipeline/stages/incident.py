"""A data fault ends the run as an incident: a report that says what to do, and its own code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.champion import load_champion
from pipeline.config import load_params, load_usecase
from pipeline.domain import Verdict
from pipeline.errors import DataIncident
from pipeline.jsonio import save_text
from pipeline.ml.incident import Finding, render_incident
from pipeline.stages.outputs import ARTIFACTS
from pipeline.wording import counted


def stop_on_fault(root: Path, stage: str, findings: Sequence[Finding], rows: int) -> None:
    """Raise DataIncident if any finding is no PASS, having written incident.md.

    A later run of the same stage without a fault removes the report.
    """
    report = ARTIFACTS / stage / "incident.md"
    faults = [finding for finding in findings if finding.severity is not Verdict.PASS]
    if not faults:
        (root / report).unlink(missing_ok=True)
        return
    model = load_usecase(root).model
    champion = load_champion(root, model)
    context = {
        "model": model,
        "stage": stage,
        "as_of": load_params(root).collect.as_of,
        "rows": f"{rows:,}",
        "champion": champion.digest if champion else "none yet",
    }
    save_text(root / report, render_incident(findings, context))
    lines = "".join(
        f"\n  - {fault.column or 'rows'}: {fault.check}: found {fault.found}, "
        f"expected {fault.expected}"
        for fault in faults
    )
    raise DataIncident(
        f"{stage}: {counted(len(faults), 'fault')} in the data, so nothing was trained{lines}\n"
        f"The whole report is in {report}."
    )
