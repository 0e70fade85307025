"""The label in other words or under another name is found."""

import pytest

from pipeline.domain import Verdict
from pipeline.ml.leakage.label_copies import check_label_copies, check_names, is_label_name
from tests.ml.leakage.leakage_rows import TRAIN, failed


@pytest.mark.parametrize(
    "name",
    ["label", "Label_2", "target", "isTarget", "outcome-next-day", "y", "y_true", "groundTruth"],
)
def test_names_of_labels_are_recognised(name: str) -> None:
    assert is_label_name(name)


@pytest.mark.parametrize(
    "name", ["dest", "year", "delay", "labelled_by_hand", "day", "targeting", "ymax", "weekday"]
)
def test_other_names_are_not(name: str) -> None:
    assert not is_label_name(name)


def test_a_feature_named_like_a_label_or_forbidden_is_a_fault() -> None:
    assert failed(check_names(TRAIN.assign(label_next=1))) == [("column_name", "label_next")]
    assert failed(check_names(TRAIN, forbidden=["noise"])) == [("column_name", "noise")]
    assert not failed(check_names(TRAIN))


@pytest.mark.parametrize(
    ("copy", "said"),
    [
        (lambda label: label, "equal to the label"),
        (lambda label: label == 1, "equal to the label"),
        (lambda label: 1 - label, "the negation of the label"),
        (lambda label: label * 10.0 + 3, "correlation 1.0000 with the label"),
        (lambda label: label.where(label.index % 5 > 0), "equal to the label"),
        (lambda label: label.map({0: "fine", 1: "late"}), "equal to the label"),
        (lambda label: label.map({0: "ok", 1: "late"}).astype("category"), "the negation"),
    ],
)
def test_the_label_in_other_words_is_a_fault(copy: object, said: str) -> None:
    (fault,) = check_label_copies(TRAIN.assign(arrived=copy(TRAIN["label"])))
    assert (fault.severity, fault.column) == (Verdict.FAIL, "arrived")
    assert fault.found.startswith(said)


def test_a_column_that_mostly_agrees_is_no_copy() -> None:
    flipped = TRAIN["label"].where(TRAIN.index % 100 > 0, 1 - TRAIN["label"])
    assert not failed(check_label_copies(TRAIN.assign(guess=flipped, constant=1)))
