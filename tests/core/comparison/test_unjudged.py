from pipeline.core.comparison.unjudged import is_too_much_unjudged, render_share


def test_a_twentieth_may_go_unjudged_and_an_unknown_share_may_not():
    assert [is_too_much_unjudged(share) for share in (0.0, 0.05, 0.0501, 1.0)] == [
        False,
        False,
        True,
        True,
    ]
    assert is_too_much_unjudged(float("nan"))
    assert render_share(0.0501) == "5.0 % of all"
