"""Texts from outside, without the credentials in them, for people to read."""

from __future__ import annotations

import re
from collections.abc import Iterable

_IN_URL = re.compile(r"//[^/\s]+@")
_IN_PARAMETER = re.compile(r"(?i)\b(password|token|secret)=[^&\s]+")


def without_credentials(text: str, secrets: Iterable[str | None] = ()) -> str:
    """`text` with *** for the user of a URL, for passwords that it names, and for all `secrets`.

    Secrets that are None or empty hide nothing.
    """
    text = _IN_URL.sub("//***@", text)
    text = _IN_PARAMETER.sub(r"\1=***", text)
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return text
