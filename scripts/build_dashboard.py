"""Make the site: how every model is and has been, from git alone, as pages that ask for nothing.

Reads main's history below rollouts/, the evidence of each merge and the branch perennial/ledger,
as this clone has them: no server is asked and no file of the checkout is read but the templates.
The same history and the same --at give the same bytes. Needs the whole history (fetch-depth: 0).
It writes the pages into --output and changes nothing else, so it needs no --apply.

Exit codes: 0 done, 2 bad options, 3 git failed, the clone is shallow, or the disk is full.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pipeline.config import parse_utc
from pipeline.core.site.pages import SiteTemplates, Source, render_site
from pipeline.errors import exit_code_of
from pipeline.jsonio import save_text
from pipeline.options import new_parser
from pipeline.rolling.snapshot import Snapshot
from pipeline.site.histories import read_histories
from pipeline.site.place import read_ledger, whole_clone
from pipeline.wording import counted

TEMPLATES = Path(__file__).parent.parent / "pipeline" / "templates"


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and build."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--output", default="site", help="the folder to write into (site)")
    parser.add_argument("--ref", default="HEAD", help="the newest commit to believe (HEAD)")
    parser.add_argument("--at", help="as of this time (default: now)")
    parser.add_argument("--forge", help="the repository's address, for links (from Actions)")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: build(Path.cwd(), arguments))


def build(root: Path, arguments: argparse.Namespace) -> int:
    """Read, render everything, then write. Returns 0."""
    at = parse_utc(arguments.at, "--at") if arguments.at else datetime.now(UTC)
    git = whole_clone(root)
    snapshot = Snapshot(git, git.require_commit(arguments.ref))
    ledger_commit, ledger = read_ledger(git)
    forge = arguments.forge if arguments.forge is not None else forge_of(os.environ)
    source = Source(snapshot.commit, ledger_commit, forge)
    pages = render_site(read_histories(snapshot, ledger), at, source, load_templates())
    for path, text in pages.items():
        save_text(root / arguments.output / path, text)
    print(f"{counted(len(pages), 'page')} in {arguments.output}, main at {snapshot.commit[:12]}.")
    return 0


def forge_of(environment: Mapping[str, str]) -> str:
    """The repository's address, as a job of Actions knows it; "" elsewhere."""
    server = environment.get("GITHUB_SERVER_URL", "")
    name = environment.get("GITHUB_REPOSITORY", "")
    return f"{server}/{name}" if server and name else ""


def load_templates() -> SiteTemplates:
    """The templates that ship with this repository."""

    def text(name: str) -> str:
        return (TEMPLATES / name).read_text(encoding="utf-8")

    return SiteTemplates(
        frame=text("site_frame.html.j2"),
        parts=text("site_parts.html.j2"),
        overview=text("site_overview.html.j2"),
        model=text("site_model.html.j2"),
        style=text("site.css"),
    )


if __name__ == "__main__":
    sys.exit(main())
