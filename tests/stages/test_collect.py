"""What collect leaves out is counted and said."""

from pathlib import Path

from pipeline.config import parse_utc
from pipeline.jsonio import load_json
from pipeline.params_file import set_as_of
from pipeline.stages import outputs
from tests.digits import LAST_AS_OF, digits_repository
from tests.repository import edit, python


def test_rows_that_are_never_available_are_counted_and_said(tmp_path: Path) -> None:
    root = digits_repository(tmp_path / "digits")
    set_as_of(root / "params.yaml", parse_utc(f"{LAST_AS_OF}T00:00:00Z", "the test"))
    edit(
        root / "pipeline/usecase/query.py",
        {
            'scans.c.scanned_at.label("available_at")': (
                'case((scans.c.scan.notlike("%9"), scans.c.scanned_at)).label("available_at")'
            ),
            "Table, select": "Table, case, select",
        },
    )
    done = python(root, "pipeline.stages", "collect")
    assert done.returncode == 0, done.stderr
    summary = load_json(root / outputs.COLLECT_SUMMARY)
    scans = 72 * 24  # of which those named …9 are left out
    assert (summary["rows"], summary["never_available"]) == (scans - 172, 172)
    assert summary["labels_never_available"] == 0
    said = "172 rows have no available_at, or no event_time: none will ever train"
    assert f"look: {said}" in done.stdout
