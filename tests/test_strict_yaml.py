"""libyaml is asked first and decides nothing that the reader in Python would not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import strict_yaml
from pipeline.errors import ConfigurationError
from pipeline.strict_yaml import MAX_CONFIG_BYTES, parse_yaml

WORDS = (
    "a",
    "b",
    " ",
    "\n",
    "\n  ",
    "- ",
    ": ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "'",
    '"',
    "&a ",
    "*a",
)
MORE = (
    "!!str ",
    "!x ",
    "|\n",
    "> ",
    "#c",
    "\t",
    "1",
    "1_0",
    "0o7",
    "1:30",
    "~",
    "yes",
    "2013-01-01",
)
ODD = (
    "<<",
    "<<: ",
    "---\n",
    "...\n",
    "\\",
    "\u00e9",
    "\x85",
    "\ufeff",
    "\x7f",
    "\x00",
    "@",
    "`",
    "%",
)
TEXTS = st.lists(st.sampled_from([*WORDS, *MORE, *ODD]), max_size=14).map("".join)


def slow(text: str) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strict_yaml, "_FAST", None)
        return parse_yaml(text, "x")


def test_libyaml_is_there() -> None:
    assert strict_yaml._FAST is not None


@given(TEXTS)
def test_what_both_read_is_the_same(text: str) -> None:
    try:
        expected = slow(text)
    except ConfigurationError:
        return
    assert repr(parse_yaml(text, "x")) == repr(expected)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3, column 1: found the key 'a' twice, expected it once"),
        ("a: &x [1]\nb: *x\n", r"line 2, column 4: found an alias \(\*name\)"),
        ("a: &x [*x]\n", "found an alias"),
        ("a: [\n", "line 2, column 1"),
        ("? [a]\n: 1\n", "unhashable"),
        ("a: !!python/name:os.system\n", "could not determine a constructor"),
        ("a: 2013-02-31\n", "day is out of range"),
        ("[" * 3000, "nested too deeply"),
        ("a: " + "x" * MAX_CONFIG_BYTES, "larger than 1,000,000 bytes"),
        ("a: 1\n---\nb: 2\n", "line 2, column 1"),
    ],
)
def test_what_is_refused_is_refused_with_its_place(text: str, fault: str) -> None:
    for read in (slow, lambda text: parse_yaml(text, "x")):
        with pytest.raises(ConfigurationError, match=fault):
            read(text)


def test_an_empty_text_is_none() -> None:
    assert parse_yaml("# nothing\n", "x") is None
