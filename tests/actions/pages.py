"""actions/configure-pages, upload-pages-artifact and deploy-pages: a site in a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.actions.uses import Call, Failed

_ARTIFACT = "github-pages"
_LEFT_OUT = (".git", ".github")


def configure(call: Call) -> dict[str, str]:
    """The site's address. Raises Failed where Pages are off, or are not made by workflows."""
    call.only()
    call.must("pages", "read")
    if call.world.settings.pages != "workflow":
        raise Failed("Get Pages site failed. Please verify that the repository has Pages enabled")
    host = f"{call.world.owner}.github.io"
    path = f"/{call.world.name}"
    return {"base_url": f"https://{host}{path}", "host": host, "base_path": path}


def upload(call: Call) -> dict[str, str]:
    """Keep the folder `path` for `deploy`; hidden files stay behind."""
    call.only("name", "path", "retention-days")
    root = call.inside("path")
    files = [path for path in root.rglob("*") if path.is_file() and not _is_hidden(path, root)]
    if not files:
        raise Failed(f"tar: {root}: no files")
    call.store.put(call.given.get("name", _ARTIFACT), call.attempt, root, sorted(files))
    return {}


def deploy(call: Call) -> dict[str, str]:
    """Put the site in its place, which is `Actions.site`, instead of what was there.

    Raises Failed where there are several of the name: GitHub keeps those of earlier attempts.
    """
    call.only("artifact_name")
    for scope in ("pages", "id_token"):
        call.must(scope, "write")
    name = call.given.get("artifact_name", _ARTIFACT)
    found = call.store.count(name)
    if found != 1:
        many = "Multiple" if found else "No"
        raise Failed(f'{many} artifacts named "{name}" were found for this workflow run')
    target = site_of(call.machine.root.parent)
    shutil.rmtree(target, ignore_errors=True)
    call.store.get(name, target)
    return {"page_url": f"https://{call.world.owner}.github.io/{call.world.name}/"}


def site_of(folder: Path) -> Path:
    """Where the site is, of the Actions whose files are below `folder`."""
    return folder / "site"


def _is_hidden(path: Path, root: Path) -> bool:
    parts = path.relative_to(root).parts
    return any(part in _LEFT_OUT or part.startswith(".") for part in parts)
