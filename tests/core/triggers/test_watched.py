"""What data_drift watches, and a rule that says what cannot be."""

from datetime import timedelta

from pipeline.core.profile import profile_column
from pipeline.core.triggers.watched import watch_faults, watched_columns
from pipeline.trigger_config import DataDriftTrigger

KNOWN = ("wind", "temp", "distance")


def rule(threshold: int = 1, *ignore: str) -> DataDriftTrigger:
    return DataDriftTrigger(
        psi_threshold=0.2,
        affected_features_threshold=threshold,
        window=timedelta(days=1),
        ignore=ignore,
    )


def test_what_is_ignored_is_not_watched() -> None:
    reference = {name: profile_column([1.0, 2.0], kind="number") for name in KNOWN}
    assert list(watched_columns(rule(1, "temp"), reference)) == ["wind", "distance"]


def test_a_rule_about_columns_that_are_there_has_no_fault() -> None:
    assert watch_faults(rule(3), KNOWN) == ()
    assert watch_faults(rule(2, "temp"), KNOWN) == ()


def test_a_column_that_only_the_next_champion_learns_from_may_be_ignored() -> None:
    assert watch_faults(rule(3, "gusts"), KNOWN, ["temp", "gusts"]) == ()


def test_a_misspelt_column_is_named_with_what_was_meant_and_what_there_is() -> None:
    key = "retraining_triggers.data_drift.ignore"
    assert watch_faults(rule(1, "xyzzy", "tmep"), KNOWN, ["gusts"]) == (
        f"{key}: 'tmep' is no column; did you mean 'temp'?",
        f"{key}: 'xyzzy' is no column; the columns are distance, gusts, temp, wind",
    )


def test_a_number_of_features_that_is_never_reached_is_told() -> None:
    (fault,) = watch_faults(rule(3, "temp"), KNOWN, ["gusts"])
    assert fault == (
        "retraining_triggers.data_drift.affected_features_threshold: found 3; only 2 features are "
        "watched, so it can never fire"
    )
