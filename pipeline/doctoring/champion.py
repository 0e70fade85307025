"""Each champion's package: there, undamaged, the one that champion.yaml names, and wanted."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.adapters.package_files import find_package, package_objects, read_manifest
from pipeline.champion import Champion, load_champion
from pipeline.config import load_usecase
from pipeline.doctoring.finding import Finding, fault, ok, skipped, warning
from pipeline.doctoring.situation import Situation
from pipeline.errors import ConfigurationError, OutsideError, in_one_line
from pipeline.monitoring.reference import reference_path
from pipeline.paths import MODELS, model_names

MANIFEST = "manifest.json"
_PUSH = "push it from where it was trained: python -m scripts.push_package --apply"


def check_champions(situation: Situation) -> Iterator[Finding]:
    """Each model's findings; a pointer that cannot be read is its model's alone."""
    for name in model_names(situation.root):
        subject = f"champion of {name}"
        try:
            yield from _champion(situation.root, name, subject)
        except ConfigurationError as error:
            yield fault(subject, in_one_line(error), f"mend {error.where}")


def check_leftovers(situation: Situation) -> Iterator[Finding]:
    """Folders of models that are not configured, such as the shipped example's; and links."""
    for path in sorted((situation.root / MODELS).glob("*")):
        if path.is_symlink():
            text = (
                "it is a link, and so no model: nothing retrains it, moves its traffic or takes "
                "its alerts"
            )
            yield fault(f"{MODELS}/{path.name}", text, f"git rm {MODELS}/{path.name}")
    try:
        model = load_usecase(situation.root).model
    except ConfigurationError:
        return  # told under its own name
    for name in model_names(situation.root):
        if name != model:
            text = f"configs/usecase.yaml has the model {model}, not {name}"
            mend = f"where nothing serves it: git rm -r {MODELS}/{name}"
            yield warning(f"{MODELS}/{name}", text, mend)


def _champion(root: Path, model: str, subject: str) -> Iterator[Finding]:
    champion = load_champion(root, model)
    if champion is None:
        mend = "train one and approve it: python -m scripts.set_champion --help"
        yield warning(subject, "none serves yet", mend)
        return
    yield _package(root, champion, subject)
    if not reference_path(root, model).is_file():
        text = "no reference.json: the triggers have nothing to compare with"
        yield fault(subject, text, "commit the one that set_champion or its merge brought")


def _package(root: Path, champion: Champion, subject: str) -> Finding:
    found = find_package(root, champion.package_md5)
    if found.place is not None:
        located = package_objects(root, champion.package_md5)
        manifest = located[1].get(MANIFEST) if located else None
        return _digest(manifest, champion, subject, found.place)
    if found.is_all_known:
        return fault(subject, "its package is damaged or gone, in cache and remote", _PUSH)
    if find_spec("dvc") is None:
        return skipped(subject, "its package is far away, and DVC is not in the light install")
    return _far_away(root, champion, subject)


def _digest(manifest: Path | None, champion: Champion, subject: str, place: str) -> Finding:
    if manifest is None:
        return fault(subject, f"its package in {place} has no {MANIFEST}", _PUSH)
    digest = read_manifest(manifest).digest
    if digest != champion.digest:
        text = f"{place} has {digest[:19]}…, champion.yaml says {champion.digest[:19]}…"
        return fault(subject, text, "revert whatever changed champion.yaml by hand")
    return ok(subject, f"{champion.digest[:19]}… is whole in {place}")


def _far_away(root: Path, champion: Champion, subject: str) -> Finding:
    from pipeline.adapters.store import fetch_package  # noqa: PLC0415 (DVC takes seconds)

    with TemporaryDirectory(prefix="perennial-doctor-") as folder:
        into = Path(folder) / "package"
        try:
            fetch_package(root, champion.package_md5, into)
        except OutsideError as error:
            return fault(subject, str(error), _PUSH)
        return _digest(into / MANIFEST, champion, subject, "the DVC remote")
