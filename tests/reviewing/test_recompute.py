"""What is refused before anything of a pull request is loaded."""

import io
import pickle
import subprocess
import zipfile
from pathlib import Path

import pytest

from pipeline.adapters.git.trees import Tree
from pipeline.errors import OutsideError
from pipeline.reviewing.recompute import MODEL, lay_out, refuse_pickles, window_faults
from tests.repository import commit, git

ROOT = Path(__file__).parents[2]


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("schema.json", "{}")
    return buffer.getvalue()


def folder_with(folder: Path, model: bytes, **changes: str) -> Path:
    text = (ROOT / "params.yaml").read_text()
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    (folder / "params.yaml").write_text(text)
    (folder / MODEL).parent.mkdir(parents=True)
    (folder / MODEL).write_bytes(model)
    return folder


def test_a_skops_file_is_let_through(tmp_path: Path) -> None:
    refuse_pickles(folder_with(tmp_path, archive()))


@pytest.mark.parametrize("tail", [b"", archive()], ids=["plain", "with an archive behind it"])
def test_a_pickle_is_refused_whatever_follows_it(tmp_path: Path, tail: bytes) -> None:
    folder = folder_with(tmp_path, pickle.dumps({"a": 1}) + tail)
    with pytest.raises(OutsideError, match="no skops file"):
        refuse_pickles(folder)


def test_where_main_asks_for_joblib_main_has_decided(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, pickle.dumps({"a": 1}), **{"format: skops": "format: joblib"})
    refuse_pickles(folder)


@pytest.mark.parametrize(
    ("end", "faults"),
    [
        ("2013-07-01T00:00:00Z", []),
        (
            "2033-07-01T00:00:00Z",
            ["artifacts/collect/summary.json has another recent window than its as_of gives"],
        ),
    ],
)
def test_windows_that_are_not_those_of_the_parameters_are_found(
    tmp_path: Path, end: str, faults: list[str]
) -> None:
    folder = folder_with(tmp_path, archive())
    claimed = {
        "history": {"start": "2013-03-03T00:00:00Z", "end": "2013-06-01T00:00:00Z", "rows": 1},
        "recent": {"start": "2013-06-01T00:00:00Z", "end": end, "rows": 1},
    }
    assert list(window_faults(folder, {"windows": claimed})) == faults


def test_a_tree_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "main")
    root = tmp_path / "main"
    (root / "code.py").write_text("ours\n")
    commit(root, "Start")

    def tree(kind: str, mode: str, identity: str, name: str) -> str:
        row = f"{mode} {kind} {identity}\t{name}\n".encode()
        made = subprocess.run(
            ["git", "mktree"], cwd=root, input=row, capture_output=True, check=True
        )
        return made.stdout.decode().strip()

    (root / "theirs").write_text("theirs\n")
    blob = git(root, "hash-object", "-w", "theirs").strip()
    above = tree("tree", "40000", tree("blob", "100644", blob, "code.py"), "..")
    made = git(root, "commit-tree", "-m", "Out", tree("tree", "40000", above, "artifacts")).strip()
    with pytest.raises(OutsideError, match="leads out of the repository"):
        lay_out(root, Tree(root, made), tmp_path / "into")
    assert (tmp_path / "into/code.py").read_text() == "ours\n"
