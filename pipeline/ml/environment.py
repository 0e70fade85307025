"""The installed distributions that a model needs, as versions: no addresses, no local paths."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution, version

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pipeline.errors import OutsideError

# What loading a package and scoring rows with it imports; training needs no other version of these.
MODEL_DISTRIBUTIONS = ("joblib", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "skops")


def versions_of(names: Iterable[str] = MODEL_DISTRIBUTIONS) -> dict[str, str]:
    """Python's version and that of each distribution in `names`, sorted by name.

    Raises OutsideError where one is not installed.
    """
    return {"python": platform.python_version(), **{name: _version(name) for name in sorted(names)}}


def environment_lock(roots: Iterable[str] = MODEL_DISTRIBUTIONS) -> str:
    """The text of environment.txt: `roots` and all they need here, pinned, sorted, one a line.

    `roots` are requirement names, extras allowed (`psycopg[binary]`). Requirements whose markers
    do not hold on this platform are left out; so are optional ones that are not installed.
    Raises OutsideError where a root, or what it needs, is not installed.
    """
    found: dict[str, str] = {}
    waiting = [Requirement(root) for root in roots]
    done: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in done:
            continue
        done.add(key)
        found[key[0]] = _version(requirement.name)
        waiting += _needs(requirement)
    lines = [f"{name}=={found[name]}" for name in sorted(found)]
    return "\n".join([f"# Python {platform.python_version()}", *lines]) + "\n"


def _needs(requirement: Requirement) -> list[Requirement]:
    """What `requirement` needs on this platform with its extras."""
    needs = [Requirement(text) for text in distribution(requirement.name).requires or ()]
    extras = ["", *requirement.extras]
    return [
        need
        for need in needs
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras)
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError as error:
        raise OutsideError(
            f"{name} is not installed here, so no environment can be recorded. Run `make install`."
        ) from error
