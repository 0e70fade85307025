"""Filters of events, and matrices, as GitHub's documentation has them."""

import pytest

from tests.actions.matrix import combinations, named
from tests.actions.patterns import fits, passes


@pytest.mark.parametrize(
    ("pattern", "name", "is_meant"),
    [
        ("feature/*", "feature/my-branch", True),
        ("feature/*", "feature/a/b", False),
        ("feature/**", "feature/a/b", True),
        ("**", "all/the/branches", True),
        ("*feature", "my-feature", True),
        ("v[12].[0-9]+.[0-9]+", "v1.10.1", True),
        ("v[12].[0-9]+.[0-9]+", "v3.10.1", False),
        ("*.jsx?", "page.js", True),
        ("*.jsx?", "page.jsx", True),
        ("docs/**", "docs/a/b.md", True),
        ("**/docs/**", "docs/hello.md", True),
        ("**/*src/**", "a/src/app.js", True),
        ("rollouts/*/status/**", "rollouts/m/status/000.yaml", True),
        ("rollouts/*/rollout.yaml", "rollouts/a/b/rollout.yaml", False),
    ],
)
def test_patterns_are_githubs(pattern, name, is_meant):
    assert fits(name, [pattern]) is is_meant


def test_the_last_pattern_that_fits_decides():
    assert not fits("releases/beta/3-alpha", ["releases/**", "!releases/**-alpha"])
    assert fits("releases/10-alpha", ["releases/**", "!releases/**-alpha", "releases/10-*"])


def test_ignored_paths_stop_a_run_only_if_all_paths_are_ignored():
    assert not passes(["docs/a.md"], None, ["docs/**"])
    assert passes(["docs/a.md", "src/b.py"], None, ["docs/**"])
    assert not passes([], ["**"], None)


def test_a_matrix_is_crossed_then_excluded_then_included():
    matrix = {
        "fruit": ["apple", "pear"],
        "animal": ["cat", "dog"],
        "exclude": [{"fruit": "pear", "animal": "dog"}],
        "include": [
            {"color": "green"},
            {"color": "pink", "animal": "cat"},
            {"fruit": "apple", "shape": "circle"},
            {"fruit": "banana"},
            {"fruit": "banana", "animal": "cat"},
        ],
    }
    assert combinations(matrix) == [
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]
    assert combinations(None) == [{}]
    assert combinations({"include": [{"a": 1}]}) == [{"a": 1}]
    assert named("test", {"python": "3.11"}) == "test (3.11)"
