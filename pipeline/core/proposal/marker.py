"""The hidden first line of a proposal's body: which retrain it is of, and what was written there.

    <!-- perennial model=… retrain=… evidence=sha256:… body=sha256:… told=<commit> -->

`body` is the digest of what we wrote below it, so that a person's edit is told from ours. `told`
is the commit that people were last asked to look at. Anybody who may edit the body may edit this
line: it decides what is written anew, never what is merged.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_LINE = re.compile(
    r"<!-- perennial model=(?P<model>[a-z0-9][a-z0-9-]{0,62})"
    r" retrain=(?P<retrain>[a-z0-9][a-z0-9-]{0,79})"
    r" evidence=(?P<evidence>sha256:[0-9a-f]{64})"
    r" body=(?P<body>sha256:[0-9a-f]{64})"
    r"(?: told=(?P<told>[0-9a-f]{40}|[0-9a-f]{64}))? -->"
)


@dataclass(frozen=True)
class Marker:
    """What the line says; `told` is None until people were asked."""

    model: str
    retrain: str
    evidence: str
    body: str
    told: str | None = None


def render_marker(marker: Marker) -> str:
    """The line, without its break."""
    told = f" told={marker.told}" if marker.told else ""
    return (
        f"<!-- perennial model={marker.model} retrain={marker.retrain} "
        f"evidence={marker.evidence} body={marker.body}{told} -->"
    )


def parse_marker(body: str) -> Marker | None:
    """The marker on the first line of a body; None where it is not exactly one of ours."""
    found = _LINE.fullmatch(body.partition("\n")[0].rstrip("\r"))
    return Marker(**found.groupdict()) if found else None


def with_marker(marker: Marker, rest: str) -> str:
    """A whole body: the line, then `rest` as it is."""
    return f"{render_marker(marker)}\n{rest}"


def without_marker(body: str) -> str:
    """A body without its marker; one that has none as it is."""
    return body if parse_marker(body) is None else body.partition("\n")[2]


def digest_of(text: str) -> str:
    """`sha256:<hex>` of `text` in UTF-8."""
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
