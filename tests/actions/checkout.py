"""actions/checkout: a real clone from the stand-in, over HTTP, with the job's token."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from pathlib import Path

from tests.actions.uses import Call, Failed

_INPUTS = ("ref", "token", "path", "fetch-depth", "fetch-tags", "persist-credentials", "repository")


def checkout(call: Call) -> dict[str, str]:
    """One commit of `ref`, or with `fetch-depth: 0` the whole history and all branches."""
    call.only(*_INPUTS)
    if call.given.get("repository", call.github["repository"]) != call.github["repository"]:
        raise Failed("Not Found: the stand-in has one repository")
    folder = call.inside("path")
    folder.mkdir(parents=True, exist_ok=True)
    server = call.github["server_url"]
    _git(call, folder, "init", "--quiet", "--initial-branch=main")
    _git(call, folder, "remote", "add", "origin", f"{server}/{call.github['repository']}")
    header = f"http.{server}/.extraheader"
    basic = _basic(call.given.get("token") or call.github["token"])
    _git(call, folder, "config", "--local", header, f"AUTHORIZATION: basic {basic}")
    call.machine.secrets.add(basic)
    ref, commit = _wanted(call)
    _fetch(call, folder, ref, commit)
    _switch(call, folder, ref, commit)
    if call.flag("persist-credentials", default=True):
        call.machine.afterwards.append(lambda: _forget(call, folder, header))
    else:
        _forget(call, folder, header)
    return {"ref": ref, "commit": _git(call, folder, "rev-parse", "HEAD").strip()}


def _wanted(call: Call) -> tuple[str, str]:
    """The ref and the commit, either of which may be "": the run's own where none is asked."""
    asked = call.given.get("ref")
    if not asked:
        return call.github["ref"], call.github["sha"]
    if re.fullmatch("[0-9a-f]{40}", asked):
        return "", asked
    if asked.startswith("refs/"):
        return asked, ""
    known = _remote_refs(call)
    for ref in (f"refs/heads/{asked}", f"refs/tags/{asked}"):
        if ref in known:
            return ref, ""
    raise Failed(f"A branch or tag with the name '{asked}' could not be found")


def _fetch(call: Call, folder: Path, ref: str, commit: str) -> None:
    depth = int(call.given.get("fetch-depth", "1"))
    one = f"+{commit or ref}:{_local(ref)}" if ref else commit
    everything = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
    wanted = [one] if depth else [*everything, *([one] if not _is_common(ref) else [])]
    tags = [] if call.flag("fetch-tags", default=False) else ["--no-tags"]
    shallow = [f"--depth={depth}"] if depth else []
    fetch = ["fetch", "--quiet", "--prune", "--no-recurse-submodules"]
    _git(call, folder, *fetch, *tags, *shallow, "origin", *wanted)


def _switch(call: Call, folder: Path, ref: str, commit: str) -> None:
    """On the branch, where it is one; else on the bare commit."""
    if ref.startswith("refs/heads/"):
        branch = ref.removeprefix("refs/heads/")
        start = commit or f"refs/remotes/origin/{branch}"
        _git(call, folder, "checkout", "--quiet", "--force", "-B", branch, start)
    else:
        _git(call, folder, "checkout", "--quiet", "--force", "--detach", commit or _local(ref))


def _is_common(ref: str) -> bool:
    return ref.startswith(("refs/heads/", "refs/tags/"))


def _local(ref: str) -> str:
    if ref.startswith("refs/heads/"):
        return f"refs/remotes/origin/{ref.removeprefix('refs/heads/')}"
    return ref.replace("refs/pull/", "refs/remotes/pull/")


def _remote_refs(call: Call) -> set[str]:
    header = f"http.extraheader=AUTHORIZATION: basic {_basic(call.github['token'])}"
    address = f"{call.github['server_url']}/{call.github['repository']}"
    listed = _git(call, call.machine.workspace, "-c", header, "ls-remote", address)
    return {line.split("\t")[1] for line in listed.splitlines()}


def _forget(call: Call, folder: Path, header: str) -> None:
    if (folder / ".git").is_dir():
        _git(call, folder, "config", "--local", "--unset-all", header)


def _basic(token: str) -> str:
    return base64.b64encode(f"x-access-token:{token}".encode()).decode()


def _git(call: Call, folder: Path, *arguments: str) -> str:
    """What git printed; it asks nobody. Raises Failed with its words."""
    quiet = {"GIT_TERMINAL_PROMPT": "0", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**call.machine.environment(), **quiet},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Failed(f"git {' '.join(arguments[:2])}: {done.stderr.strip()}")
    call.machine.say(done.stdout + done.stderr)
    return done.stdout
