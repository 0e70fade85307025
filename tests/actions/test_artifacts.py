"""upload-artifact and download-artifact: what is found, where it begins, and who gets it."""

import pytest

from tests.actions.artifacts import Store, find
from tests.actions.texts import workflow


def test_artifacts_pass_from_job_to_job_and_later_attempts_win(attach):
    up = workflow("""
- run: mkdir -p out/.hidden && echo $GITHUB_RUN_ATTEMPT | tee out/a.txt out/b.md out/.hidden/c.txt
- uses: actions/upload-artifact@v4
  with:
    name: files
    path: |
      out/**/*.txt
      !out/**/b*
""")
    down = """  b:
    needs: a
    runs-on: ubuntu-latest
    steps:
      - uses: actions/download-artifact@v5
        with: {name: files, path: in}
      - run: find in -type f && cat in/a.txt
"""
    actions = attach({"w.yml": up + down})
    actions.dispatch("w.yml", by="alice")
    actions.settle()
    run = actions.runs[0]
    assert "in/a.txt\n1\n" in run.jobs["b"].log
    assert "hidden" not in run.jobs["b"].log
    actions.rerun(run, by="alice")
    actions.settle()
    assert "in/a.txt\n2\n" in run.jobs["b"].log


@pytest.mark.parametrize(
    ("path", "root", "files"),
    [
        ("out/one.json", "out", ["one.json"]),
        ("out", "out", ["deep/two.json", "one.json"]),
        ("out/**/*.json", "out", ["deep/two.json", "one.json"]),
        ("top.txt\nout/deep/", ".", ["out/deep/two.json", "top.txt"]),
        ("out/one.json\nout/deep/two.json", "out", ["deep/two.json", "one.json"]),
    ],
)
def test_an_artifact_begins_where_everything_searched_has_its_folder(tmp_path, path, root, files):
    for name in ("top.txt", "out/one.json", "out/deep/two.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    found, paths = find(tmp_path, path, with_hidden=False)
    assert found == tmp_path / root
    assert [str(each.relative_to(found)) for each in paths] == files
    store = Store(tmp_path / "store")
    store.put("x", 1, found, paths)
    assert store.get("x", tmp_path / "got")
    assert all((tmp_path / "got" / name).is_file() for name in files)
    assert not store.get("y", tmp_path / "got")
