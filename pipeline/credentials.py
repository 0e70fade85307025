"""Texts from outside, without the credentials in them, for people to read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_plus

SHORTEST = 4  # characters: to look for less than that would garble every other word
_WORDS = "password|passwd|token|secret|key|sig"  # sig: of a signed URL
_NAMED = re.compile(_WORDS, re.IGNORECASE)
_IN_URL = re.compile(r"//[^/\s]+@")
_IN_QUERY = re.compile(rf"(?i)(?<=[?&])([^\s=&?#]{{0,60}}(?:{_WORDS})[^\s=&?#]{{0,60}})=([^&\s]+)")
# Beside a URL a key may be that of a sort: there only what no other thing is called.
_IN_PARAMETER = re.compile(
    r"(?i)\b([\w-]{0,60}(?:password|passwd|token|secret|api[_-]?key|access[_-]?key))=[^&\s]+"
)


def without_credentials(text: str, secrets: Iterable[str | None] = ()) -> str:
    """`text` with *** for the user of a URL, for passwords that it names, and for all `secrets`.

    Secrets that are None, empty or shorter than `SHORTEST` hide nothing.
    """
    text = _IN_URL.sub("//***@", text)
    text = _IN_QUERY.sub(r"\1=***", text)
    text = _IN_PARAMETER.sub(r"\1=***", text)
    for secret in secrets:
        if secret and len(secret) >= SHORTEST:
            text = text.replace(secret, "***")
    return text


def is_secret(name: str) -> bool:
    """Whether a parameter of this name may hold a credential."""
    return _NAMED.search(name) is not None


def secrets_in_query(url: str) -> Iterator[str]:
    """The credentials in the query of a URL, as they stand there and as they are meant."""
    for found in _IN_QUERY.finditer(url):
        yield from (found[2], unquote_plus(found[2]))
