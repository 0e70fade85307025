import pytest

from pipeline.core.review.codeowners import is_owned, owners_of

PATH = "rollouts/flight-delay/rollout.yaml"


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "**",
        "*.yaml",
        "rollout.yaml",
        "rollouts",
        "rollouts/",
        "/rollouts",
        "/rollouts/",
        "/rollouts/*/",
        "/rollouts/**",
        "/rollouts/**/rollout.yaml",
        "**/rollout.yaml",
        "/rollouts/flight-delay/*",
        "flight-delay/",
        "rollouts/flight-?elay/rollout.yaml",
    ],
)
def test_a_pattern_that_matches(pattern: str) -> None:
    assert owners_of(f"{pattern} @ada", PATH) == ("ada",)


@pytest.mark.parametrize(
    "pattern",
    [
        "/rollout.yaml",
        "rollouts/*",
        "/flight-delay/",
        "*.yml",
        "rollouts2/",
        "rollout.yaml/",
        "rollouts/rollout.yaml",
        "rollouts/flight.delay/rollout.yaml",
    ],
)
def test_a_pattern_that_does_not(pattern: str) -> None:
    assert owners_of(f"{pattern} @ada", PATH) == ()


def test_the_last_line_that_matches_wins_even_without_owners() -> None:
    text = "* @ada\n/rollouts/ @ben @octo/ml-leads cleo@example.org # people\n/docs/ @dora\n"
    assert owners_of(text, PATH) == ("ben", "octo/ml-leads")
    assert owners_of(f"{text}*.yaml\n", PATH) == ()


def test_comments_and_what_is_no_login_name_nobody() -> None:
    assert owners_of("# * @ada\n\n* ada @-ben @b/../c @x;rm\n", PATH) == ()


def test_an_address_owns_a_path_and_is_no_login() -> None:
    assert is_owned("* ada@example.org", PATH)
    assert owners_of("* ada@example.org", PATH) == ()
    assert is_owned("* @octo/ml-leads", PATH)
    assert not is_owned("* @ada\n/rollouts/", PATH)
    assert not is_owned("* ada @-ben x@", PATH)
    assert not is_owned("", PATH)
