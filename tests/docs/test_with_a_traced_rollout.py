"""Where a model came from, asked of a repository in which every digest is a real one."""

from __future__ import annotations

import pytest

from tests.docs.conftest import Open
from tests.docs.shell import Then
from tests.tracing.traced import Traced, traced

CHAIN = Then(says="✓ evidence")
COMMANDS = {
    "python -m scripts.trace 2013-07-03T12:00:00Z": CHAIN,
    "python -m scripts.trace 2013-07-03T12:00:00Z --user X": Then(says="User anybody was answered"),
    "python -m scripts.trace 2013-07-03T12:00:00Z --json": Then(says='"is_whole": '),
    "python -m scripts.trace 2013-07-02-4d1e8f0a2b3c": CHAIN,
    "python -m scripts.trace TIME": CHAIN,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Traced:
    return traced(tmp_path_factory.mktemp("docs") / "flights")


@pytest.mark.parametrize("command", COMMANDS)
def test_it_does_what_its_page_says(command: str, world: Traced, shell: Open) -> None:
    values = {
        "2013-07-02-4d1e8f0a2b3c": world.spec.version,
        "TIME": "2013-07-03T12:00:00Z",
        "X": "anybody",
    }
    shell(world.root, **values).check(command, COMMANDS[command])
