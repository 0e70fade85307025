import numpy as np
import pytest

from pipeline.core.comparison import resampling
from pipeline.core.comparison.resampling import draw_counts, resampling_of, run_draws

Y = np.arange(60) % 3 == 0


def collected(draws=50, seed=1, blocks=None, **kwargs):
    return run_draws(
        resampling_of(Y, blocks), lambda c: c.T.astype(float), draws=draws, seed=seed, **kwargs
    )


def test_a_row_draw_keeps_the_number_of_rows_of_each_label():
    rows = resampling_of(Y)
    for draw in range(20):
        weights = draw_counts(rows, draw, seed=0)[rows.unit_of_row]
        assert weights[Y].sum() == Y.sum()
        assert weights[~Y].sum() == (~Y).sum()


def test_a_block_draw_takes_blocks_whole_and_as_many_as_there_are():
    days = np.repeat(["mon", "tue", "wed"], 20)
    blocks = resampling_of(Y, days)
    weights = draw_counts(blocks, 3, seed=0)[blocks.unit_of_row]
    of_day = {day: set(weights[days == day].tolist()) for day in ("mon", "tue", "wed")}
    assert all(len(found) == 1 for found in of_day.values())
    assert sum(found.pop() for found in of_day.values()) == 3


@pytest.mark.parametrize("elements", [1, 100, 10_000])
def test_draws_are_the_same_whatever_the_batch_size(monkeypatch, elements):
    expected = collected()
    monkeypatch.setattr(resampling, "BATCH_ELEMENTS", elements)
    assert np.array_equal(collected(), expected)


def test_draws_are_the_same_in_two_threads(monkeypatch):
    expected = collected()
    monkeypatch.setattr(resampling, "THREADED_FROM_ELEMENTS", 0)
    monkeypatch.setattr(resampling, "BATCH_ELEMENTS", 1)
    assert np.array_equal(collected(), expected)


def test_more_draws_begin_with_the_same_ones():
    assert np.array_equal(collected(draws=80)[:, :50], collected(draws=50))


def test_draws_differ_from_each_other_and_from_another_seeds():
    drawn = collected()
    assert len(np.unique(drawn, axis=1).T) == 50
    assert not np.array_equal(drawn, collected(seed=2))


def test_rows_are_drawn_with_equal_chances():
    mean = collected(draws=4_000).mean(axis=1)
    assert mean == pytest.approx(np.ones(60), abs=0.1)  # 6 standard errors of a count's mean


def test_progress_counts_draws_up_to_all_of_them(monkeypatch):
    monkeypatch.setattr(resampling, "MAX_BATCH_DRAWS", 20)
    heard = []
    collected(draws=50, on_progress=lambda done, total: heard.append((done, total)))
    assert heard == [(20, 50), (40, 50), (50, 50)]


def test_one_class_alone_can_be_resampled():
    only = resampling_of(np.array([True, True, True]))
    assert draw_counts(only, 0, seed=0).sum() == 3


def test_a_failing_statistic_is_not_swallowed():
    def broken(counts):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_draws(resampling_of(Y), broken, draws=5, seed=0)


def test_wrong_arguments_say_what_was_found():
    with pytest.raises(ValueError, match="blocks: found shape"):
        resampling_of(Y, ["mon"])
    with pytest.raises(ValueError, match="draws: found 0"):
        collected(draws=0)
