"""Making text inert: what came from data, parameters or names is shown, never obeyed.

Both templates escape every value by default; only what a template itself writes is markup. In
Markdown that must hold against emphasis, tables, links, raw HTML, mathematics, mentions,
references to issues, emoji names and other templates, on GitHub as elsewhere.
"""

from __future__ import annotations

import re
import unicodedata

from markupsafe import Markup, escape

MAX_CHARACTERS = 600
_SPACES = re.compile(r" {2,}")
_BREAK = "&#8203;"  # a zero-width space: GitHub looks for mentions in the text after rendering

# Characters that are Markdown anywhere in a line, and how they are written to mean themselves.
_PLAIN = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        "$": "&#36;",
        **{mark: f"\\{mark}" for mark in "\\`*[]|~"},
    }
)
_TEMPLATE = (re.compile(r"\{(?=[{%#])"), "&#123;")  # a page generator's template
_INERT = (
    # An underscore inside a word is never emphasis; leaving it keeps f1_weighted readable.
    (re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"), r"\\_"),
    (re.compile(r"@"), f"@{_BREAK}"),  # a mention, and an address that becomes a link
    (re.compile(r"(?<!&)#(?=\w)"), f"#{_BREAK}"),  # an issue; not an entity of our own
    (re.compile(r"(?i)\b(gh)-(?=\d)"), rf"\1{_BREAK}-"),
    (re.compile(r":(?=//)"), f":{_BREAK}"),  # GitHub makes links of bare addresses
    (re.compile(r"(?i)\b(www)\."), rf"\1{_BREAK}."),
    (re.compile(r":(?=[\w+-]*[a-z+-][\w+-]*:)"), f":{_BREAK}"),  # :tada:, and not 00:00:00
    _TEMPLATE,
)


def clean(value: object) -> str:
    """`value` as one line of at most MAX_CHARACTERS that hides nothing.

    Line breaks and control characters become spaces; characters that are not seen or that turn
    the direction of writing become U+FFFD.
    """
    text = _SPACES.sub(" ", "".join(map(_visible, str(value)))).strip(" ")
    return text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}…"


def escape_markdown(value: object) -> str:
    """`value` as GitHub-flavoured Markdown that reads as the text itself, inline or in a table."""
    text = clean(value).translate(_PLAIN)
    for pattern, replacement in _INERT:
        text = pattern.sub(replacement, text)
    return text


def render_template(template: str, kind: str, **values: object) -> str:
    """The text of a Jinja template, every value of it escaped for `kind`: "md" or "html".

    Only values that are Markup already (a macro's result, a plot of ours) are left as they are.
    A name that the template uses and `values` lacks raises jinja2.UndefinedError.
    """
    import jinja2  # noqa: PLC0415 (most of those who escape render no template)

    environment = jinja2.Environment(
        autoescape=True,
        finalize=_as_markdown if kind == "md" else _as_html,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["attribute"] = attribute
    environment.filters["verbatim"] = verbatim
    return environment.from_string(template).render(values)


def attribute(value: object) -> Markup:
    """`value` for an attribute of an HTML tag in Markdown, where backslashes mean nothing."""
    pattern, replacement = _TEMPLATE
    return Markup(pattern.sub(replacement, str(escape(clean(value)))))  # noqa: S704 (escaped)


def verbatim(value: object) -> Markup:
    """`value` for a line of a fenced code block, which it cannot end."""
    return Markup(clean(value).replace("`", "'"))  # noqa: S704 (a fence knows no markup)


def _as_markdown(value: object) -> Markup:
    return value if isinstance(value, Markup) else Markup(escape_markdown(value))  # noqa: S704


def _as_html(value: object) -> Markup:
    return value if isinstance(value, Markup) else escape(clean(value))


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return "\N{REPLACEMENT CHARACTER}" if category in ("Cf", "Cs", "Co", "Cn") else character
