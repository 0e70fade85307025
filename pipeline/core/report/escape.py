"""Making text inert: what came from data, parameters or names is shown, never obeyed.

Both templates escape every value by default; only what a template itself writes is markup. In
Markdown that must hold against emphasis, tables, links, raw HTML, mathematics, mentions,
references to issues, emoji names and other templates, on GitHub as elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from jinja2 import Template

MAX_CHARACTERS = 600
_MAX_INDENT = 40
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
# What GitHub makes a link of in pull requests, issues and comments, though not in files.
_COMMIT = re.compile(r"(?<!\w)[0-9a-f]{7,40}(?!\w)")
_NO_COMMIT = re.compile(r".{1,6}")  # GitHub looks at seven digits or more
_IN_TITLES = str.maketrans(dict.fromkeys("`*[]<>{}|~@#$\\&!"))
_TITLE_BREAKS = (
    (re.compile(r"(?i)\b(gh)-(?=\d)"), "\\1\u200b-"),
    (re.compile(r"(?<=:)(?=//)|(?i:(?<=www))(?=\.)"), "\u200b"),
    (re.compile(r":(?=[\w+-]*[a-z+-][\w+-]*:)"), ":\u200b"),
)


def clean(value: object) -> str:
    """`value` as one line of at most MAX_CHARACTERS that hides nothing.

    Line breaks and control characters become spaces; characters that are not seen or that turn
    the direction of writing become U+FFFD.
    """
    text = str(value)
    if not text.isprintable():  # what is printable is visible, and most texts are
        text = "".join(map(_visible, text))
    text = _SPACES.sub(" ", text).strip(" ")
    return text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}…"


def escape_markdown(value: object) -> str:
    """`value` as GitHub-flavoured Markdown that reads as the text itself, inline or in a table."""
    text = clean(value).translate(_PLAIN)
    for pattern, replacement in _INERT:
        text = pattern.sub(replacement, text)
    return text


def escape_comment(value: object) -> str:
    """As `escape_markdown`, for pull requests, issues and comments.

    There GitHub also makes a link of whatever looks like the id of a commit.
    """
    return _without_commits(escape_markdown(value), _BREAK)


def inert_title(value: object, limit: int = 120) -> str:
    """`value` as a title of at most `limit` characters: GitHub shows it without Markdown's escapes.

    Characters that could mean something are left out, and what would become a link is broken up by
    a space of no width: a title also ends up in the message of the merge commit.
    """
    text = clean(value).translate(_IN_TITLES)
    for pattern, replacement in _TITLE_BREAKS:
        text = pattern.sub(replacement, text)
    text = _SPACES.sub(" ", _without_commits(text, "\u200b")).strip(" ")
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def render_template(template: str, kind: str, **values: object) -> str:
    """The text of a Jinja template, every value of it escaped for `kind`.

    "md" is a file that GitHub shows, "comment" a pull request, an issue or a comment, "html" a
    page. Only values that are Markup already (a macro's result, a plot of ours) are left as they
    are. A name that the template uses and `values` lacks raises jinja2.UndefinedError.
    """
    return _compiled(template, kind).render(values)


@lru_cache(maxsize=64)
def _compiled(template: str, kind: str) -> Template:
    """Compiling takes far longer than rendering, and a site has many pages of one template."""
    import jinja2  # noqa: PLC0415 (most of those who escape render no template)

    environment = jinja2.Environment(
        autoescape=True,
        finalize=_FINALIZE[kind],
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["attribute"] = attribute
    environment.filters["verbatim"] = verbatim
    environment.filters["code"] = code
    return environment.from_string(template)


def attribute(value: object) -> Markup:
    """`value` for an attribute of an HTML tag in Markdown, where backslashes mean nothing."""
    pattern, replacement = _TEMPLATE
    return Markup(pattern.sub(replacement, str(escape(clean(value)))))  # noqa: S704 (escaped)


def verbatim(value: object) -> Markup:
    """`value` for a line of a fenced code block, which it cannot end; keeps the indentation."""
    text = str(value)
    indent = text[: min(len(text) - len(text.lstrip(" ")), _MAX_INDENT)]
    return Markup(indent + clean(text).replace("`", "'"))  # noqa: S704 (a fence knows no markup)


def code(value: object) -> Markup:
    """`value` between <code> tags, where GitHub makes no links; a digest can be copied whole."""
    return Markup(f"<code>{escape_markdown(value)}</code>")  # noqa: S704 (escaped)


def _without_commits(text: str, mark: str) -> str:
    return _COMMIT.sub(lambda found: mark.join(_NO_COMMIT.findall(found[0])), text)


def _as_markdown(value: object) -> Markup:
    return value if isinstance(value, Markup) else Markup(escape_markdown(value))  # noqa: S704


def _as_comment(value: object) -> Markup:
    return value if isinstance(value, Markup) else Markup(escape_comment(value))  # noqa: S704


def _as_html(value: object) -> Markup:
    return value if isinstance(value, Markup) else escape(clean(value))


_FINALIZE: dict[str, Callable[[object], Markup]] = {
    "md": _as_markdown,
    "comment": _as_comment,
    "html": _as_html,
}


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return "\N{REPLACEMENT CHARACTER}" if category in ("Cf", "Cs", "Co", "Cn") else character
