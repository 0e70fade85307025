"""A drawing as an element of the page: the page's font and colours, no names that could clash.

Works on the SVG that matplotlib writes, and is no general SVG tool.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_DROPPED = re.compile(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", re.DOTALL)
_ROOT = re.compile(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>')
_TAG = re.compile(r"<[^>]*>")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_FONT = re.compile(r"font-family: [^;\"]*;? ?|font: ([\d.]+px) [^;\"]*;? ?")
_NO_TURN = re.compile(r' transform="rotate\(-0 [^"]*\)"')
_GAP = re.compile(r">\s+<")
_REFERENCE = re.compile(r'(?:href="#|url\(#)([\w.-]+)')
_ID = re.compile(r' id="([\w.-]+)"')


def inline_svg(document: str, name: str, colours: Mapping[str, str]) -> str:
    """An SVG document as an <svg> element to stand in HTML.

    Ids that nothing refers to go, the others begin with `name`. `colours` maps a colour such as
    #1d5fd1 to the CSS variable that replaces it. The element is hidden from screen readers: what
    stands around it says what it shows. Raises ValueError where there is no <svg> with a viewBox.
    """
    root = _ROOT.search(document)
    if root is None:
        raise ValueError("found no <svg> with a viewBox, expected a drawing of matplotlib's")
    body = _DROPPED.sub("", document[root.end() :])
    used = set(_REFERENCE.findall(body))
    body = _ID.sub(lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", body)
    body = body.replace('xlink:href="#', f'href="#{name}-').replace("url(#", f"url(#{name}-")
    body = _TAG.sub(lambda tag: _tidy(tag[0], colours), body)
    head = f'<svg viewBox="{root[1]}" aria-hidden="true" focusable="false">'
    return head + _GAP.sub("><", body).strip()


def _tidy(tag: str, colours: Mapping[str, str]) -> str:
    """A tag with the page's font, two decimals, one line and colours by name."""
    tag = _NO_TURN.sub("", " ".join(tag.split()))
    tag = _FONT.sub(lambda m: f"font-size: {m[1]}; " if m[1] else "", tag)
    tag = _LONG_NUMBER.sub(lambda number: f"{float(number[0]):.2f}", tag)
    for colour, variable in colours.items():
        tag = tag.replace(colour, f"var({variable})")
    return tag
