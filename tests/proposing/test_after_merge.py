from pathlib import Path

import pytest

from pipeline.champion import champion_path
from pipeline.core.triggers.ledger import Ledger
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.proposing.after_merge import Merge, load_outcome
from tests.core import pulls
from tests.repository import commit, git

MODEL = "flight-delay"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path, "Start")
    return tmp_path


def merge_of(root: Path) -> Merge:
    return Merge(root, git(root, "rev-parse", "HEAD").strip())


@pytest.mark.parametrize("sha", ["--output=stolen", "HEAD", "main", "0" * 39, "", "0" * 40 + "\n"])
def test_what_is_no_commit_id_is_refused_before_git_sees_it(root: Path, sha: str) -> None:
    with pytest.raises(OutsideError, match="expected a commit's full id"):
        Merge(root, sha)
    assert not (root / "stolen").exists()


def test_a_commit_that_the_clone_lacks_is_an_error_and_no_guess(root: Path) -> None:
    with pytest.raises(OutsideError, match="git show"):
        Merge(root, "0" * 40).at()


def test_a_merge_that_names_no_model_version_has_no_outcome(root: Path) -> None:
    assert load_outcome(merge_of(root), MODEL, Ledger(), pulls.NOW) is None


def test_a_broken_pointer_is_named_with_its_commit(root: Path) -> None:
    champion_path(root, MODEL).parent.mkdir(parents=True)
    champion_path(root, MODEL).write_text("digest: nonsense\n")
    commit(root, "Break it")
    with pytest.raises(ConfigurationError, match=r"champion\.yaml at [0-9a-f]{12}"):
        merge_of(root).challenger(MODEL)


@pytest.mark.parametrize("text", ["not json", "[]", "{}", '{"metrics": [{}]}', '{"metrics": 3}'])
def test_a_comparison_that_cannot_be_read_promises_nothing(root: Path, text: str) -> None:
    path = root / "artifacts/compare/comparison.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    commit(root, "Compare")
    assert merge_of(root).promises() == ()
