"""What put a model in front of users: a whole chain is verified, and each link broken is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.core.routing import assign
from pipeline.core.triggers.ledger import Ledger
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.rollout_status import render_record
from scripts.trace import main
from tests.repository import python
from tests.rolling.rolled import Registry
from tests.rollouts import HOUR, START
from tests.tracing.traced import (
    COLLECT,
    FOLDER,
    ROWS,
    Traced,
    commit,
    git,
    keep,
    md5,
)

AFTER = "2013-07-09T00:00:00Z"


def trace(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    """The exit code and the JSON of an answer."""
    code = main([*arguments, "--json", "--local"])
    return code, json.loads(capsys.readouterr().out)


def states(found: dict) -> dict[str, str]:
    """State by link, of the moment and of the last model of the answer."""
    links = [*found["links"], *found["models"][-1]["links"]]
    return {link["name"]: link["state"] for link in links}


def broken(found: dict) -> dict[str, list[dict]]:
    """What is broken, by link."""
    links = [*found["links"], *(link for model in found["models"] for link in model["links"])]
    bad = {link["name"]: [c for c in link["checks"] if not c["is_good"]] for link in links}
    return {name: checks for name, checks in bad.items() if checks}


def test_every_link_of_a_promoted_model_is_verified_from_git_alone(world, capsys):
    code, found = trace(capsys, AFTER)
    assert (code, found["is_whole"]) == (0, True)
    by_name = states(found)
    unasked = {name for name, state in by_name.items() if state != "verified"}
    assert unasked == {"approvals", "registry"}
    assert set(by_name) - unasked == {
        *("traffic", "manifest", "pointer", "package", "evidence"),
        *("data", "code", "cause", "merge", "store"),
    }
    assert [share["points"] for share in found["serving"]["models"]] == [10_000]
    assert found["models"][0]["digest"] == world.spec.challenger.digest


def test_during_a_rollout_both_models_are_told_and_a_user_was_answered_by_one(world, capsys):
    at = world.moment(1)
    _, found = trace(capsys, at)
    assert [(s["role"], s["points"]) for s in found["serving"]["models"]] == [
        ("challenger", 500),
        ("champion", 9_500),
    ]
    assert len(found["models"]) == 2
    users = {
        is_low: next(
            u for u in map(str, range(1_000)) if is_low is (assign(world.spec.version, u) < 500)
        )
        for is_low in (True, False)
    }
    for is_challengers, user in users.items():
        _, answer = trace(capsys, at, "--user", user)
        model = world.spec.challenger if is_challengers else world.spec.champion
        assert [chain["digest"] for chain in answer["models"]] == [model.digest]
        assert f"User {user} was answered by" in answer["answer"]


@pytest.mark.parametrize("ask", ["version", "digest", "beginning"])
def test_a_version_a_digest_and_its_beginning_ask_for_the_same(world, capsys, ask):
    digest = world.spec.challenger.digest
    asked = {"version": world.spec.version, "digest": digest, "beginning": digest[7:19]}[ask]
    code, found = trace(capsys, asked)
    assert code == 0
    assert [model["digest"] for model in found["models"]] == [digest]


def test_a_person_reads_one_screen(world, capsys):
    assert main([AFTER, "--local"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 40
    assert lines[-1] == "10 verified, 0 broken, 2 not checked."
    assert any(line.startswith("  ✓ cause") and "data_drift" in line for line in lines)
    assert any("not checked: GitHub was not asked" in line for line in lines)


def test_it_runs_where_neither_dvc_nor_the_training_stack_is(world):
    (world.root / "blocked.py").write_text(
        "import sys\nfor name in ('dvc', 'mlflow', 'pandas', 'sklearn'): sys.modules[name] = None\n"
        "from scripts.trace import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    done = python(
        world.root, "blocked", AFTER, "--local", PYTHONPATH=str(Path(__file__).parents[2])
    )
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------- broken on purpose

Break = Callable[[Traced], None]
EVIDENCE = "EVIDENCE"  # stands for the folder of the evidence
MERGE, PROMOTION = "Merge pull request #7", "is the champion"


def edit(path: str, before: str, after: str, *, rewrites: str = "") -> Break:
    """Change a file: in a new commit, or in the one whose subject holds `rewrites`."""

    def change(world: Traced) -> None:
        named = world.root / path.replace(EVIDENCE, world.evidence)
        old = go_back_to(world.root, rewrites) if rewrites else ""
        text = named.read_text()
        assert before in text
        named.write_text(text.replace(before, after))
        if rewrites:
            go_on(world.root, old)
        else:
            commit(world.root, "Nothing to see here")

    return change


def go_back_to(root: Path, subject: str) -> str:
    """Check the commit with this subject out, as whoever may push by force. Returns its id."""
    found = git(root, "log", "--format=%H", f"--grep={subject}", "main").split()
    git(root, "checkout", "--quiet", found[0])
    return found[0]


def go_on(root: Path, old: str, commit: str | None = None, *, message: str | None = None) -> None:
    """Put `commit` (or what is changed now) in the place of `old`, and all later ones on top."""
    later = git(root, "rev-list", "--reverse", "--first-parent", f"{old}..main").split()
    if commit is None:
        git(root, "add", "--all")
        words = f"--message={message}" if message else "--no-edit"
        git(root, "commit", "--quiet", "--amend", words, at=START - HOUR)
    git(root, "checkout", "--quiet", "-B", "main", commit or "HEAD")
    if later:
        git(root, "cherry-pick", *later)


def forge_a_record(world: Traced) -> None:
    """Half of the users instead of 5 %, in a record that was never written before."""
    record = world.records[0].model_copy(update={"sequence": 99, "weight_percent": 50.0})
    (world.root / FOLDER / "status" / record.name).write_text(render_record(record))
    commit(world.root, "One more step")


def forget_the_retrain(world: Traced) -> None:
    """The ledger, rewritten without what asked for the retrain."""
    LedgerStore(world.root, is_local=True).update(lambda _: (Ledger(), None), "Forget")


def damage(content: bytes) -> Break:
    """Other bytes behind a name in the DVC cache."""
    return lambda world: damaged(keep(world.root, content))


def damaged(path: Path) -> None:
    path.write_bytes(b"poison")


RECORD = f"{FOLDER}/status/0001-stage-1.yaml"
BREAKS = {
    "a record that was edited": (
        "traffic",
        edit(RECORD, "weight_percent: 5.0", "weight_percent: 6.0"),
    ),
    "a record that does not follow its plan": ("traffic", forge_a_record),
    "a manifest other than was acted on": (
        "manifest",
        edit(f"{FOLDER}/rollout.yaml", "error_limit: 3", "error_limit: 9", rewrites=MERGE),
    ),
    "a champion pointer to other bytes": (
        "pointer",
        edit(f"{FOLDER}/champion.yaml", "package_md5: ", f"package_md5: {'b' * 32}.dir #"),
    ),
    "an approval under another name": (
        "pointer",
        edit(f"{FOLDER}/champion.yaml", "by: Linus", "by: Ada", rewrites=PROMOTION),
    ),
    "a model's manifest that is not the model's": (
        "package",
        edit(f"{EVIDENCE}/artifacts/model-manifest.json", "ddd", "eee", rewrites=MERGE),
    ),
    "evidence that was merged with another word": (
        "evidence",
        edit(f"{EVIDENCE}/reports/model-comparison.md", "better", "worse", rewrites=MERGE),
    ),
    "evidence that was changed afterwards": (
        "evidence",
        edit(f"{EVIDENCE}/reports/model-comparison.md", "better", "worse"),
    ),
    "data of another digest": ("data", edit(COLLECT, "ddd", "eee", rewrites=MERGE)),
    "a lock with another package": (
        "data",
        edit("dvc.lock", "path: artifacts/package", "path: artifacts/package2", rewrites=MERGE),
    ),
    "a lock with another moment": (
        "data",
        edit("dvc.lock", "2013-07-02", "2013-06-02", rewrites=MERGE),
    ),
    "code other than the lock has": (
        "code",
        edit("dvc.lock", md5(b"fit()\n"), md5(b"cheat()\n"), rewrites=MERGE),
    ),
    "a retrain that nobody asked for": ("cause", forget_the_retrain),
    "rows that were poisoned": ("store", damage(ROWS)),
    "a model that was poisoned": ("store", damage(b"a model")),
}


@pytest.mark.parametrize("what", BREAKS)
def test_a_broken_link_is_found(world, capsys, what):
    link, change = BREAKS[what]
    change(world)
    at = world.moment(1) if "edited" in what else AFTER
    code, found = trace(capsys, at)
    assert code == 1
    assert link in broken(found), found
    for check in broken(found)[link]:
        assert check["found"] != check["expected"]


def test_a_squash_or_a_push_without_a_pull_request_is_no_approval(world, capsys, tmp_path):
    """The local forge knows of no pull request that brought this commit."""
    go_on(world.root, go_back_to(world.root, MERGE), message="Trust me")
    code, found = trace(capsys, AFTER, "--forge", "local", "--forge-folder", str(tmp_path))
    assert code == 1
    assert broken(found)["approvals"][0]["found"] == "no pull request merged it"


def test_a_proposal_that_holds_something_else_than_its_trailer_says(world, capsys):
    git(world.root, "checkout", "--quiet", "perennial/retrain/flight-delay-0004")
    (world.root / COLLECT).write_text("{}")
    message = git(world.root, "log", "-1", "--format=%B")
    commit(world.root, message)
    head = git(world.root, "rev-parse", "HEAD").strip()
    old = go_back_to(world.root, MERGE)
    message = git(world.root, "log", "-1", "--format=%B")
    parents = ("-p", git(world.root, "rev-parse", "HEAD^1").strip(), "-p", head)
    asked = ("commit-tree", "HEAD^{tree}", *parents, "-m", message)
    go_on(world.root, old, git(world.root, *asked, at=START - HOUR).strip())
    assert "merge" in broken(trace(capsys, AFTER)[1])


def test_the_registry_is_asked_for_the_version_and_the_alias(world, capsys, monkeypatch):
    challenger, champion = world.spec.challenger.digest, world.spec.champion.digest
    registry = Registry(champion, challenger)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.url)
    code, found = trace(capsys, AFTER)
    assert code == 1
    assert [c["found"] for c in broken(found)["registry"]] == [champion]
    registry.alias = 2
    code, found = trace(capsys, AFTER)
    assert (code, states(found)["registry"]) == (0, "verified")
    registry.server.shutdown()
    registry.server.server_close()
    code, found = trace(capsys, AFTER)
    assert (code, states(found)["registry"]) == (0, "not checked")


def test_commits_of_strangers_cannot_act_on_the_terminal(world, capsys):
    go_on(world.root, go_back_to(world.root, MERGE), message="\x1b[2Jgone\u202e")
    main([AFTER, "--local"])
    out = capsys.readouterr().out
    assert "\\x1b[2Jgone\\u202e" in out
    assert all(line.isprintable() for line in out.splitlines())


@pytest.mark.parametrize(
    ("question", "code", "said"),
    [
        ("2013-01-01", 1, "no model served at 2013-01-01 00:00 UTC"),
        ("sha256:" + "9" * 64, 1, "no commit of flight-delay names this model"),
        ("yesterday", 2, "expected a time such as"),
    ],
)
def test_a_question_without_an_answer_says_so(world, capsys, question, code, said):
    assert main([question, "--local"]) == code
    assert said in capsys.readouterr().err


def test_a_model_that_no_commit_knows_is_a_wrong_argument(world, capsys):
    assert main([AFTER, "--model", "flight-dealy", "--local"]) == 2
    assert "did you mean 'flight-delay'?" in capsys.readouterr().err
    assert main([AFTER, "--model", "flight-delay", "--local"]) == 0


def test_a_user_belongs_to_a_moment(world, capsys):
    assert main([world.spec.version, "--user", "7", "--local"]) == 2
    assert "give a time" in capsys.readouterr().err
