"""A holdout row that training has seen is found, whatever part gives it away."""

import numpy as np
import pandas as pd

from pipeline.domain import Verdict
from pipeline.ml.digest import row_hashes
from pipeline.ml.leakage.overlaps import check_groups, check_ids
from tests.ml.leakage.leakage_rows import HOLDOUT, TRAIN, failed


def test_an_id_in_both_parts_is_a_fault() -> None:
    both = pd.concat([HOLDOUT, TRAIN.iloc[[5, 9]]])
    (fault,) = check_ids(TRAIN, both)
    assert (fault.severity, fault.check, fault.rows_affected) == (Verdict.FAIL, "id_overlap", 2)
    assert fault.examples == ("row-5", "row-9")
    assert fault.since == "2013-01-01T05:00:00Z"


def test_a_holdout_row_that_the_champion_trained_on_is_a_fault() -> None:
    assert failed(check_ids(TRAIN, HOLDOUT, row_hashes(HOLDOUT["id"][:3]))) == [
        ("seen_by_champion", "id")
    ]
    assert not failed(check_ids(TRAIN, HOLDOUT, np.array([], dtype=np.uint64)))


def test_a_group_in_both_parts_is_a_fault_and_nulls_are_no_group() -> None:
    mine = TRAIN.assign(plane=[f"N{i % 50}" for i in range(len(TRAIN))])
    theirs = HOLDOUT.assign(plane=[f"X{i % 50}" for i in range(len(HOLDOUT))])
    mine.loc[0, "plane"] = None
    theirs.loc[0, "plane"] = None
    assert not failed(check_groups(mine, theirs, "plane"))
    theirs.loc[1, "plane"] = "N7"
    (fault,) = check_groups(mine, theirs, "plane")
    assert (fault.severity, fault.rows_affected, fault.examples) == (Verdict.FAIL, 1, ("N7",))
    assert not list(check_groups(mine, theirs, None))
