"""The whole site as text: one page for all models and one for each, complete in themselves.

A page asks for nothing: its style is in it, its pictures are part of it, it has no script, and its
policy refuses everything else. Equal histories and moments give equal bytes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from pipeline.core.report.escape import render_template
from pipeline.core.site.facts import ModelHistory
from pipeline.core.site.view import ModelPage, view_model
from pipeline.errors import ConfigurationError

INDEX = "index.html"
_FORGE = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.:-]*(/[A-Za-z0-9._-]+)*")


@dataclass(frozen=True)
class SiteTemplates:
    """The texts of the templates: `parts` are the macros that the two pages use."""

    frame: str
    parts: str
    overview: str
    model: str
    style: str


@dataclass(frozen=True)
class Source:
    """What the site was made from: commits of main and of the ledger ("" where there is none).

    `forge` is the repository's address for links, "" for none.
    """

    commit: str
    ledger: str = ""
    forge: str = ""


def render_site(
    histories: Sequence[ModelHistory], at: datetime, source: Source, templates: SiteTemplates
) -> dict[str, str]:
    """Path below the site's root -> text. Raises ConfigurationError for an address of no forge."""
    if source.forge and _FORGE.fullmatch(source.forge) is None:
        fault = "expected an address such as https://github.com/owner/name"
        raise ConfigurationError("--forge", [fault])
    pages = tuple(view_model(history, at) for history in histories)
    site = _Site(source, templates, f"{at:%Y-%m-%d %H:%M} UTC")
    found = {INDEX: site.overview(pages)}
    return found | {page.path: site.model(page) for page in pages}


@dataclass(frozen=True)
class _Site:
    source: Source
    templates: SiteTemplates
    at: str

    def overview(self, pages: tuple[ModelPage, ...]) -> str:
        body = self._body(self.templates.overview, pages=pages)
        return self._framed("All models", body, home="")

    def model(self, page: ModelPage) -> str:
        body = self._body(self.templates.model, m=page)
        return self._framed(page.model, body, home=f"../{INDEX}")

    def _body(self, template: str, **values: object) -> Markup:
        text = self.templates.parts + template
        values |= {"forge": self.source.forge, "at": self.at}
        return Markup(render_template(text, "html", **values))  # noqa: S704 (escaped there)

    def _framed(self, title: str, body: Markup, home: str) -> str:
        style = self.templates.style
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        return render_template(
            self.templates.frame,
            "html",
            title=title,
            body=body,
            home=home,
            at=self.at,
            source=self.source,
            style=Markup(style),  # noqa: S704 (ours)
            style_digest=Markup(digest),  # noqa: S704 (base64)
        )
