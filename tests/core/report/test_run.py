import pytest

from pipeline.core.report import run as report_run
from pipeline.core.report.inputs import Origin
from pipeline.domain import Verdict
from tests.core import reports


def test_costs_are_in_the_order_of_the_run_and_summed():
    inputs = reports.passing()
    rows = report_run.cost_table(inputs).rows
    assert [row[0].text for row in rows] == ["collect", "train"]
    assert [row[1].text for row in rows] == ["4.21 s", "2 min 29 s"]
    assert rows[1][2].bar.high == 100.0
    assert report_run.total_seconds(inputs.timings) == pytest.approx(152.81)
    assert report_run.cost_line(inputs) == (
        "2 min 33 s on 2 cores, peak memory 1.51 GB. Serving: 412 kB model, "
        "6.10 ms a row at the median, 7.91 ms at p95."
    )


def test_the_commands_check_out_the_commit_and_set_the_time():
    checkout, retrain = report_run.commands(reports.passing())
    assert checkout == f"git checkout {reports.COMMIT}"
    assert retrain.startswith("python -m scripts.retrain --as-of 2013-07-02T00:00:00Z  # ")


@pytest.mark.parametrize("commit", [None, "", "main", "3f2a9c8; rm -rf /", "3F2A9C8", "$(id)"])
def test_what_is_no_commit_never_becomes_a_command(commit):
    inputs = reports.passing(origin=Origin("manual", "low", commit))
    assert len(report_run.commands(inputs)) == 1
    assert "not known" in report_run.reproduce_notes(inputs)[1]


def test_changed_files_are_named_as_far_as_three():
    origin = Origin("manual", "low", reports.COMMIT, ("a.py", "b.py", "c.py", "d.py"))
    notes = report_run.reproduce_notes(reports.passing(origin=origin))
    assert notes[1] == "Files differed from that commit: a.py, b.py, c.py and 1 more."


def test_digests_are_in_full_and_only_those_that_exist():
    rows = report_run.digest_table(reports.first(package_digest=None)).rows
    assert [row[0].text for row in rows] == ["Collected rows", "Holdout", "Challenger's model"]
    assert rows[0][1].text == "sha256:" + "c0de" * 16


def test_second_readers_speak_only_where_there_is_a_champion():
    lines = [
        line.replace("\N{NO-BREAK SPACE}", " ")
        for line in report_run.second_readers(reports.passing().comparison)
    ]
    assert lines == [
        "McNemar: 910 rows only the challenger has right, 451 only the champion; p < 0.001.",
        "DeLong: ROC-AUC +0.0447 [+0.0362, +0.0531]; p < 0.001.",
    ]
    assert report_run.second_readers(reports.first().comparison) == []


def test_the_line_on_resampling_tells_blocks_from_rows():
    found = reports.passing().comparison
    assert "whole blocks (10 of them)" in report_run.resampling_line(found)
    assert "rows within each label" in report_run.resampling_line({**found, "blocks": None})


def test_who_approved_the_champion_is_said():
    assert report_run.champion_line(reports.passing().champion) == (
        "The champion knows the world as of 2013-04-02 00:00 UTC and was approved by maria: "
        "first model"
    )
    assert report_run.champion_line(None) == ""


def test_the_self_test_is_a_table_of_its_own():
    rows = report_run.self_test_table(reports.passing().comparison).rows
    assert [row[0].verdict for row in rows] == [Verdict.PASS]
