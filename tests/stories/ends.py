"""What is left when all is over, as one text: all of it but times, ids and which bot it was."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tests.servers.github_standin import ACTIONS_BOT, APP_BOT
from tests.stories.losses import Place
from tests.stories.untrained import Digests
from tests.stories.world import LEDGER, MODEL, World

_BREAK = "&#8203;"  # where our markdown may end a line within a long word
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+]00:00| UTC)?")
_HEX = re.compile(r"\b[0-9a-f]{7,64}\b")
_SERVER = re.compile(r"http://127\.0\.0\.1:\d+")
_MEASURED = re.compile(r"\b\d[\d.,]* (s|ms|MB|min)\b")
# How long a stage of DVC took; there is none where its outputs were restored.
_STAGE = re.compile(r' *"\| <code>\w+</code> \| measured \| measured \|",?')
# The registry's count: a package of another minute is another version, also of the same model.
_VERSION = re.compile(r"\b[Vv]ersion \d+\b")
_PLACE = re.compile(r'"\d[\d.]*%"')  # on a chart's axis of time
# A round moment on that axis, and the line above it: there are more where a full hour went by.
_TICK = re.compile(
    r"^\s*(<text [^<]*>\d\d \w{3}( \d\d:\d\d)?</text>"
    r'|<line class="line" x1="([\d.]+%)" y1="\d+" x2="\3" y2="\d+"/>)\n',
    re.MULTILINE,
)
_RUN = re.compile(r"\b90000\d\d\b")


@dataclass(frozen=True)
class End:
    """How it ended, as `end_of` tells it, and how many requests the first run of each job sent."""

    lines: list[str]
    sent: dict[Place, int]


@dataclass(frozen=True)
class Undisturbed(End):
    """The end of a world in which no machine was lost; it is still there to go on with."""

    place: Digests


def end_of(place: Digests) -> list[str]:
    """The lines of all that people, git and users can see; equal ends, equal lines."""
    world = place.world
    found = {
        "ledger": _ledger(world),
        "branches": sorted(world.github.world.git.refs()),
        "main": _log(world),
        "files": sorted(world.github.world.git.run("ls-tree", "-r", "--name-only", "main").split()),
        "rollouts": {name: world.file(name) for name in _rollout_files(world)},
        "pulls": [_pull(world, pull) for pull in world.pulls()],
        "issues": [_issue(world, issue) for issue in world.issues()],
        "share": place.share(),
        "answers": sorted(place.answers()),
        "site": _site(world),
        "statements": _statements(world),
    }
    text = json.dumps(found, indent=1, ensure_ascii=False).replace(str(world.folder), "folder")
    lines = _plain(text.replace(_BREAK, "")).splitlines()
    return [line for line in lines if _STAGE.fullmatch(line) is None]


def _ledger(world: World) -> Any:
    """Without how often a retrain was tried, and by which run: that is where a lost one shows."""
    if f"refs/heads/{LEDGER}" not in world.github.world.git.refs():
        return None
    ledger = json.loads(world.file("ledger.json", LEDGER))
    for retrain in ledger["retrains"]:
        del retrain["attempt"], retrain["note"], retrain["run"]
    return ledger


def _log(world: World) -> list[str]:
    log = ("log", "--first-parent", "--reverse", "--format=%cn: %B", "main")
    return world.github.world.git.run(*log).splitlines()


def _rollout_files(world: World) -> list[str]:
    """The records, and the champion's pointer."""
    listed = world.github.world.git.run("ls-tree", "-r", "--name-only", "main").split()
    folder = f"rollouts/{MODEL}/"
    return [name for name in listed if name.startswith((f"{folder}status/", f"{folder}champion"))]


def _pull(world: World, pull: dict[str, Any]) -> Any:
    number = pull["number"]
    commits = world.get(f"/pulls/{number}/commits")
    files = world.get(f"/pulls/{number}/files?per_page=100")
    return {
        **_issue(world, pull),
        "branch": pull["head"]["ref"],
        "is_merged": pull["merged_at"] is not None,
        "commits": [each["commit"]["message"] for each in commits],
        "files": sorted(each["filename"] for each in files),
        "verdict": world.verdict(number),
        "reviewers": sorted(each["login"] for each in pull["requested_reviewers"]),
    }


def _site(world: World) -> dict[str, list[str]]:
    """What is published: the words of its pages, and the names of all else."""
    root = world.actions.site
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    return {str(path.relative_to(root)): _words(path) for path in files}


def _words(path: Path) -> list[str]:
    text = path.read_text() if path.suffix == ".html" else ""
    return _PLACE.sub('"measured"', _TICK.sub("", text)).splitlines()


def _statements(world: World) -> list[str]:
    """What is attested: a second machine signs again what a lost one has signed."""
    subjects = (each for statement in world.actions.attestations for each in statement["subject"])
    return sorted({f"{each['name']} {each['digest']['sha256']}" for each in subjects})


def _issue(world: World, issue: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": issue["title"],
        "state": issue["state"],
        "by": issue["user"]["login"],
        "labels": sorted(label["name"] for label in issue["labels"]),
        "body": (issue["body"] or "").splitlines(),
        "comments": [body.splitlines() for body in world.comments(issue["number"])],
    }


def _plain(text: str) -> str:
    """Digests become numbers, in the order in which they are met: the same one is the same."""
    for login in (ACTIONS_BOT, APP_BOT):
        text = text.replace(login, "the bot")
    words = {
        _SERVER: "server",
        _TIME: "time",
        _RUN: "run",
        _MEASURED: "measured",
        _VERSION: "version",
    }
    for pattern, word in words.items():
        text = pattern.sub(word, text)
    numbers, known = count(1), dict[str, int]()

    def number(found: re.Match[str]) -> str:
        start = found[0][:7]
        if start not in known:
            known[start] = next(numbers)
        return f"#{known[start]}"

    return _HEX.sub(number, text)
