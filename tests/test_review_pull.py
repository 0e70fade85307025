"""A retrain pull request before its judge: honest, unfinished, out of date, and forged.

Real git, a real retrain of the real flights; the forge is a folder, where a person's review is a
file.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
import yaml

from pipeline.adapters.package_files import folder_md5
from pipeline.core.abtest.looks import Look, looks_to_json
from pipeline.core.triggers.ledger import Ledger, Retrain, RetrainState
from pipeline.dvclock import parse_lock
from pipeline.experiment import experiment_path, looks_path, render_experiment
from pipeline.jsonio import save_json
from pipeline.manifest import parse_rollout, render_rollout
from pipeline.ml.package import About, build_package, load_manifest
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.paths import PACKAGE
from pipeline.stages.__main__ import STAGES
from tests.called import call_script
from tests.core.ab_tests import DAY, START, evidence, ones
from tests.monitoring.ab_worlds import experiment
from tests.proposals import write
from tests.repository import commit, git
from tests.retrained import Retrained, copy_of
from tests.servers import gh
from tests.tracing.traced import keep, md5

MODEL, AT = "flight-delay", "2013-07-03T12:00:00Z"
BRANCH = f"perennial/retrain/{MODEL}-2013-07-02"
APPROVERS = "roles:\n  ml_lead: [ada]\n  product_owner: [linus]\n"
LOCAL = ("--forge", "local")
COMPARISON = "artifacts/compare/comparison.json"


def succeed(repository: Path, script: str, *arguments: str) -> str:
    done = call_script(repository, script, *arguments)
    assert done.returncode == 0, f"{script}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def proposed(retrained: Retrained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose July retrain is proposed, worked out again, and not yet reviewed."""
    target = tmp_path_factory.mktemp("proposed") / "flights"
    repository = copy_of(retrained.july, target, reads_warehouse=True)
    git(repository, "reset", "--quiet", "HEAD~1")  # as a retrain leaves it: nothing committed
    (repository / "configs/approvers.yaml").write_text(APPROVERS)
    git(repository, "commit", "--quiet", "--message=x", "--", "configs/approvers.yaml")
    for script, *arguments in (
        ("rehearse_rollback",),
        ("assess_gates", "--local"),
        ("collect_evidence", "--apply"),
        ("open_retrain_pr", *LOCAL, "--apply"),
    ):
        succeed(repository, script, *arguments)
    git(repository, "stash", "--quiet", "--include-untracked")
    git(repository, "stash", "drop", "--quiet")
    succeed(repository, "recompute_retrain", "--pull-request", "1", *LOCAL)
    return repository


@pytest.fixture
def repository(proposed: Path, tmp_path: Path) -> Path:
    return copy_of(proposed, tmp_path / "flights", reads_warehouse=True)


def review(repository: Path, login: str, state: str = "APPROVED", at: str | None = None) -> None:
    path = repository / ".forge/reviews/1.json"
    given = json.loads(path.read_text()) if path.exists() else []
    head = at or git(repository, "rev-parse", BRANCH).strip()
    given.append(
        {"author": login, "state": state, "commit": head, "submitted_at": "2013-07-03T10:00:00Z"}
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(given))


def judge(repository: Path, *, at: str = AT, **environment: str) -> tuple[int, dict[str, str], str]:
    """The exit code, the verdict of each gate, and all that was printed."""
    done = call_script(
        repository,
        "verify_retrain_pr",
        *("--pull-request", "1", "--at", at, *LOCAL),
        *("--recomputed", "artifacts/review/recomputed.json", "--apply"),
        **environment,
    )
    rows = re.findall(r"^  (PASS|INCONCLUSIVE|FAIL|ERROR) +(\w+)", done.stdout, re.MULTILINE)
    return done.returncode, {name: verdict for verdict, name in rows}, done.stdout + done.stderr


def amend(repository: Path, change: Callable[[Path], None]) -> None:
    """Someone with write access changes the branch, and keeps the bot's commit message."""
    git(repository, "switch", "--quiet", BRANCH)
    message = git(repository, "log", "-1", "--format=%B")
    change(repository)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", f"--message={message}")
    git(repository, "switch", "--quiet", "main")


def test_an_honest_proposal_that_both_roles_approved_may_be_merged(repository: Path) -> None:
    review(repository, "ada")
    review(repository, "linus")
    code, gates, said = judge(repository)
    assert (code, set(gates.values())) == (0, {"PASS"}), said
    assert len(gates) == 16
    [status] = (repository / ".forge/statuses").glob("*.json")
    assert "success" in status.read_text()


def test_a_retrain_by_hand_waits_for_as_many_people_as_its_trigger_asks_for(
    repository: Path,
) -> None:
    path = repository / "configs/triggers.yaml"
    path.write_text(path.read_text().replace("min_approvals: 1", "min_approvals: 3"))
    commit(repository, "Ask for three")
    review(repository, "ada")
    review(repository, "linus")
    _, gates, said = judge(repository)
    assert gates["approvals"] == "INCONCLUSIVE", said
    assert "1 more of ml_lead or product_owner, since it ran by hand" in said


def test_a_branch_that_denies_that_it_ran_by_hand_is_not_believed(repository: Path) -> None:
    path = repository / "configs/triggers.yaml"
    path.write_text(path.read_text().replace("min_approvals: 1", "min_approvals: 3"))
    commit(repository, "Ask for three")

    def deny(root: Path) -> None:
        gates = root / "artifacts/gates/quality-gates.json"
        found = json.loads(gates.read_text())
        items = [item for gate in found["gates"] for item in gate["items"]]
        [item] = [item for item in items if item["name"] == "triggers_validated"]
        item |= {"verdict": "PASS", "waits": False}
        save_json(gates, found)

    amend(repository, deny)
    review(repository, "ada")
    review(repository, "linus")
    _, gates, said = judge(repository)
    assert gates["approvals"] == "INCONCLUSIVE", said
    retrain = BRANCH.removeprefix("perennial/retrain/")
    assert f"since the trigger ledger has no retrain {retrain}" in said


def test_where_main_asks_for_it_only_a_run_of_main_may_have_made_the_evidence(
    repository: Path, tmp_path: Path
) -> None:
    switch = repository / "configs/repository.yaml"
    switch.write_text(switch.read_text().replace('_ATTEST: "off"', '_ATTEST: "on"'))
    commit(repository, "Sign it")
    manifest = git(repository, "show", f"{BRANCH}:rollouts/{MODEL}/rollout.yaml")
    digest = parse_rollout(manifest, "rollout.yaml").evidence.digest
    workflow = "https://github.com/octo/model/.github/workflows/retrain.yml@refs/heads"
    verdicts = []
    for signer in ("main", BRANCH, None):
        signed = [("octo/model", digest, f"{workflow}/{signer}")] if signer else []
        path = gh.install(tmp_path / "bin", signed) + os.environ["PATH"]
        job = {"GITHUB_REPOSITORY": "octo/model", "GITHUB_TOKEN": "of-the-job", "PATH": path}
        _, gates, said = judge(repository, **job)
        verdicts.append(gates["attested"])
    assert verdicts == ["PASS", "INCONCLUSIVE", "INCONCLUSIVE"]
    assert f"no attestations found for subject {digest}" in said
    assert judge(repository)[1]["attested"] == "ERROR"  # outside of GitHub nobody can tell


def test_without_approvals_and_figures_it_waits_and_nothing_else_does(repository: Path) -> None:
    shutil.rmtree(repository / "artifacts/review")
    code, gates, said = judge(repository)
    assert code == 1
    waiting = {name for name, verdict in gates.items() if verdict != "PASS"}
    assert waiting == {"approvals", "recomputed", "holdout"}, said
    assert "FAIL" not in gates.values()


def test_the_comment_is_one_and_kept_current(repository: Path) -> None:
    for login in ("ada", "linus"):
        review(repository, login)
        judge(repository)
    texts = [path.read_text() for path in (repository / ".forge/comments").glob("*.json")]
    [ours] = [text for text in texts if "perennial review" in text]
    assert "This may be merged" in ours


def test_edited_metrics_are_found_though_the_lock_was_edited_too(repository: Path) -> None:
    def forge(root: Path) -> None:
        path = root / COMPARISON
        before = path.read_bytes()
        better = before.replace(b'"challenger": 0.7', b'"challenger": 0.9')
        assert better != before
        path.write_bytes(better.replace(b"{", b'{"\\n::error::x": 1, ', 1))
        lock, old = root / "dvc.lock", md5(before)
        new = md5(path.read_bytes())
        lock.write_text(lock.read_text().replace(old, new))

    amend(repository, forge)
    code, gates, said = judge(repository)
    assert code == 1
    assert gates["evidence"] == "FAIL", said
    assert gates["recomputed"] == "INCONCLUSIVE"  # those of the honest commit do not count
    said = succeed(repository, "recompute_retrain", "--head", BRANCH)
    assert "::error::x: claimed 1" in said
    assert "\n::error::x" not in said
    _, gates, said = judge(repository)
    assert gates["recomputed"] == "FAIL", said


def test_metrics_that_were_edited_alone_are_found_at_once(repository: Path) -> None:
    amend(repository, lambda root: (root / "artifacts/evaluate/metrics.json").write_text("{}"))
    _, gates, said = judge(repository)
    assert gates["figures"] == "FAIL", said


def test_a_train_row_in_the_holdout_is_found(repository: Path) -> None:
    def leak(root: Path) -> None:
        train = pd.read_parquet(output(root, "split/train"))
        replace_output(root, "split/holdout", lambda holdout: pd.concat([holdout, train.head(1)]))

    amend(repository, leak)
    succeed(repository, "recompute_retrain", "--head", BRANCH)
    code, gates, said = judge(repository)
    assert code == 1
    assert gates["holdout"] == "FAIL", said
    assert "1 of" in said


def test_rows_that_stop_validation_are_found_though_the_run_says_that_it_ended(
    repository: Path,
) -> None:
    def poison(root: Path) -> None:
        replace_output(root, "collect/rows", lambda rows: rows.assign(origin="XXX"))
        costs = root / "artifacts/timings.json"
        costs.write_text(json.dumps({stage: {"seconds": 1} for stage in STAGES}))
        git(root, "add", "--force", str(costs))

    amend(repository, poison)
    said = succeed(repository, "recompute_retrain", "--head", BRANCH)
    assert "validate stopped, which it did not in the run" in said
    _, gates, said = judge(repository)
    assert gates["recomputed"] == "FAIL", said


def test_a_package_with_another_model_that_forgets_its_rows_is_found(
    repository: Path, tmp_path: Path
) -> None:
    def swap(root: Path) -> None:
        parts = {path.name: path.read_bytes() for path in (root / PACKAGE).iterdir()}
        about = load_manifest(root / PACKAGE)
        del parts["manifest.json"]
        parts["model.skops"] = b"another model"
        seen = pd.read_parquet(root / PACKAGE / "seen_ids.parquet")
        parts["seen_ids.parquet"] = seen.head(0).to_parquet()
        said = {field.name: getattr(about, field.name) for field in fields(About)}
        digest = build_package(tmp_path / "forged", parts, About(**said))
        replace_package(root, tmp_path / "forged", digest)

    amend(repository, swap)
    said = succeed(repository, "recompute_retrain", "--head", BRANCH)
    assert "artifacts/package/model.skops came out otherwise" in said
    assert "artifacts/package/seen_ids.parquet came out otherwise" in said
    _, gates, said = judge(repository)
    assert gates["manifest"] == "PASS", said
    assert gates["recomputed"] == "FAIL", said


def replace_package(root: Path, package: Path, digest: str) -> None:
    """Put another package into DVC's cache, its name into dvc.lock, and roll that one out."""
    files = sorted(package.iterdir())
    listed = [{"md5": md5(path.read_bytes()), "relpath": path.name} for path in files]
    for path in files:
        keep(root, path.read_bytes())
    listing = keep(root, json.dumps(listed, sort_keys=True).encode())
    listing.rename(listing.with_suffix(".dir"))
    new, lock = folder_md5(package), root / "dvc.lock"
    manifest = root / f"rollouts/{MODEL}/rollout.yaml"
    spec = parse_rollout(manifest.read_text(), "rollout.yaml")
    lock.write_text(lock.read_text().replace(spec.challenger.package_md5, new))
    forged = spec.challenger.model_copy(update={"digest": digest, "package_md5": new})
    changed = spec.model_copy(update={"challenger": forged, "version": forged.version})
    manifest.write_text(render_rollout(changed))


def output(root: Path, name: str) -> Path:
    """The object in DVC's cache that dvc.lock names for artifacts/`name`.parquet."""
    outs = parse_lock((root / "dvc.lock").read_text(), "dvc.lock").outs
    digest = outs[f"artifacts/{name}.parquet"]
    return root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]


def replace_output(root: Path, name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Put another table into DVC's cache, and its digest into dvc.lock."""
    old = output(root, name)
    new = keep(root, change(pd.read_parquet(old)).to_parquet())
    lock = root / "dvc.lock"
    before, after = (path.parent.name + path.name for path in (old, new))
    lock.write_text(lock.read_text().replace(before, after))


def test_a_policy_that_was_loosened_in_the_same_pull_request_blocks(repository: Path) -> None:
    def loosen(root: Path) -> None:
        path = root / "configs/gates.yaml"
        path.write_text(path.read_text().replace("min_improvement: 0.01", "min_improvement: -1.0"))

    amend(repository, loosen)
    _, gates, said = judge(repository)
    assert gates["files"] == "FAIL", said


def put_link(root: Path, path: str, target: Path) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).symlink_to(target)


@pytest.mark.parametrize("path", ["artifacts/report/link.md", f"rollouts/{MODEL}/traffic"])
def test_a_link_is_found_and_nothing_is_written_through_it(
    repository: Path, tmp_path: Path, path: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    amend(repository, lambda root: put_link(root, path, outside))
    _, gates, said = judge(repository)
    assert gates["files"] == "FAIL", said
    assert gates["rollback"] == "FAIL", said
    assert "is a link or a submodule" in said
    assert list(outside.iterdir()) == []


def test_a_file_beside_the_evidence_package_is_found(repository: Path) -> None:
    path = f"evidence/protocol-24-retraining/{MODEL}/another/manifest.json"
    amend(repository, lambda root: write(root, {path: "{}"}))
    _, gates, said = judge(repository)
    assert gates["files"] == "FAIL", said


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"gates": 5}', '{"gates": [{"items": [{"verdict": "SURE"}]}]}']
)
def test_quality_gates_that_are_none_are_a_verdict_and_no_crash(
    repository: Path, text: str
) -> None:
    amend(repository, lambda root: write(root, {"artifacts/gates/quality-gates.json": text}))
    code, gates, said = judge(repository)
    assert (code, gates["contents"]) == (1, "FAIL"), said


def test_a_rehearsal_of_another_shape_is_a_verdict_and_no_crash(repository: Path) -> None:
    def forge(root: Path) -> None:
        path = root / "artifacts/gates/rollback-rehearsal.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "steps": 3}))

    amend(repository, forge)
    code, gates, said = judge(repository)
    assert (code, gates["contents"]) == (1, "ERROR"), said
    [status] = (repository / ".forge/statuses").glob("*.json")
    assert "Main's code broke on it (TypeError)" in status.read_text()


def test_the_same_commit_on_a_branch_that_no_clock_looks_at_is_no_retrain(
    repository: Path,
) -> None:
    git(repository, "branch", "mine", BRANCH)
    number = open_pull(repository, "mine")
    done = call_script(repository, "verify_retrain_pr", "--pull-request", number, *LOCAL)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAIL         branch       It comes from mine" in done.stdout


def test_a_branch_that_names_another_retrain_than_its_manifest_is_found(
    repository: Path,
) -> None:
    git(repository, "branch", f"perennial/retrain/{MODEL}-0009", BRANCH)
    number = open_pull(repository, f"perennial/retrain/{MODEL}-0009")
    done = call_script(repository, "verify_retrain_pr", "--pull-request", number, *LOCAL)
    assert re.search("FAIL +manifest +It is of another retrain than its branch", done.stdout)


def test_a_file_that_a_merge_would_not_leave_as_it_was_judged_is_found(repository: Path) -> None:
    lock = repository / "dvc.lock"
    lock.write_text(f"# a note of main's\n{lock.read_text()}")
    commit(repository, "Note it")
    _, gates, said = judge(repository)
    assert gates["files"] == "FAIL", said
    assert "dvc.lock would be merged with what main has there now" in said


@pytest.mark.parametrize("name", ["HEAD", "main"])
def test_figures_that_name_their_main_by_what_it_is_now_do_not_count(
    repository: Path, name: str
) -> None:
    path = repository / "artifacts/review/recomputed.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "main": name}))
    _, gates, said = judge(repository)
    assert gates["recomputed"] == "INCONCLUSIVE", said


def test_a_champion_that_changed_meanwhile_asks_for_another_evaluation(repository: Path) -> None:
    path = repository / f"rollouts/{MODEL}/champion.yaml"
    path.write_text(path.read_text().replace("reason: first", "reason: said again"))
    commit(repository, "Say it again")
    _, gates, said = judge(repository)
    assert gates["champion"] == "INCONCLUSIVE", said
    assert "FAIL" not in gates.values()


def test_the_button_update_branch_leaves_a_proposal_as_honest_as_it_was(repository: Path) -> None:
    code = repository / "pipeline/stages/train.py"
    code.write_text(code.read_text() + "# main moves on\n")
    commit(repository, "Move on")
    git(repository, "switch", "--quiet", BRANCH)
    git(repository, "merge", "--quiet", "--no-edit", "main")
    git(repository, "switch", "--quiet", "main")
    _, gates, said = judge(repository)
    assert gates["evidence"] == "PASS", said
    assert gates["code"] == "INCONCLUSIVE", said
    assert "pipeline/stages/train.py has changed on main since: evaluate again" in said
    assert "FAIL" not in gates.values()


def test_figures_that_another_main_worked_out_wait_until_review_is_started_again(
    repository: Path,
) -> None:
    record = repository / "rollouts/flight-delay/status/0001-stage-1.yaml"
    record.parent.mkdir(parents=True)
    record.write_text("what the reconciler writes at any hour changes no figure\n")
    looks = repository / "rollouts/flight-delay/experiments/exp-1.looks.json"
    looks.parent.mkdir()
    looks.write_text("nor does a look at an A/B test\n")
    commit(repository, "Record a stage")
    _, gates, said = judge(repository)
    assert (gates["recomputed"], gates["holdout"]) == ("PASS", "PASS"), said
    (repository / "CHANGELOG.md").write_text("Something else\n")
    commit(repository, "Move on")
    _, gates, said = judge(repository)
    waiting = {name for name, verdict in gates.items() if verdict != "PASS"}
    assert waiting == {"approvals", "recomputed", "holdout"}, said
    assert "start review again" in said


def test_a_plan_with_an_ab_test_waits_until_this_challenger_has_won_it_on_main(
    repository: Path,
) -> None:
    plan = repository / "configs/rollout-plan.yaml"
    plan.write_text(
        plan.read_text().replace("rollout_strategy:", "rollout_strategy:\n  ab_test: exp-1")
    )
    commit(repository, "Ask for an A/B test")
    _, gates, said = judge(repository)
    assert gates["ab_test"] == "INCONCLUSIVE", said
    assert "Waits for the A/B test exp-1: main has none with this id" in said
    assert gates["quality"] == "PASS", said

    manifest = yaml.safe_load(git(repository, "show", f"{BRANCH}:rollouts/{MODEL}/rollout.yaml"))
    keep_test(repository, manifest["challenger"]["digest"], manifest["champion"]["digest"])
    commit(repository, "Keep a look at the test")
    _, gates, said = judge(repository)
    assert gates["ab_test"] == "PASS", said

    keep_test(repository, "sha256:" + "0" * 64, manifest["champion"]["digest"])
    commit(repository, "Test another challenger")
    _, gates, said = judge(repository)
    assert gates["ab_test"] == "INCONCLUSIVE", said


def keep_test(repository: Path, challenger: str, champion: str) -> None:
    """An A/B test with one look, which its challenger has won."""
    one = experiment(
        model=MODEL,
        model_a=champion,
        model_b=challenger,
        weights=[{"at": START, "challenger_basis_points": 5_000}],
        test={"guardrails": []},
    )
    path = experiment_path(repository, MODEL, one.id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_experiment(one))
    won = Look(START + DAY, evidence(ones(9_000, 7_000), ones(9_000, 7_500)))
    save_json(looks_path(repository, MODEL, one.id), looks_to_json(one.id, [won]))


def test_data_that_has_grown_old_asks_for_another_evaluation_if_the_ledger_can_start_one(
    repository: Path, tmp_path: Path
) -> None:
    outputs = tmp_path / "outputs"
    _, gates, said = judge(repository, at="2013-08-30T00:00:00Z", GITHUB_OUTPUT=str(outputs))
    assert gates["age"] == "INCONCLUSIVE", said
    assert "stale=false" in outputs.read_text()  # it ran by hand

    at = datetime(2013, 7, 2, tzinfo=UTC)
    retrain = BRANCH.removeprefix("perennial/retrain/")
    known = Retrain(retrain, MODEL, "sha256:0", RetrainState.PROPOSED, at, at)
    store = LedgerStore(repository, is_local=True)
    store.update(lambda _: (Ledger(retrains=(known,)), None), "As if a trigger had fired")
    judge(repository, at="2013-08-30T00:00:00Z", GITHUB_OUTPUT=str(outputs))
    assert "stale=true" in outputs.read_text()


@pytest.mark.parametrize(
    ("login", "state", "is_old"),
    [
        ("mallory", "APPROVED", False),
        ("linus", "DISMISSED", False),
        ("linus", "APPROVED", True),
        ("local", "APPROVED", False),  # the author of the pull request
    ],
)
def test_a_forged_approval_does_not_count(
    repository: Path, login: str, state: str, is_old: bool
) -> None:
    review(repository, "ada")
    review(repository, login, state, "0" * 40 if is_old else None)
    _, gates, said = judge(repository)
    assert gates["approvals"] == "INCONCLUSIVE", said


def test_a_revert_of_the_merge_needs_no_gates_and_a_revert_of_the_revert_does(
    repository: Path,
) -> None:
    git(repository, "merge", "--quiet", "--no-ff", "--message=Merge", BRANCH)
    git(repository, "switch", "--quiet", "--create", "back")
    git(repository, "revert", "--no-edit", "--mainline=1", "main")
    git(repository, "switch", "--quiet", "main")
    number = open_pull(repository, "back")
    done = call_script(repository, "verify_retrain_pr", "--pull-request", number, *LOCAL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(rollback)" in done.stdout

    git(repository, "merge", "--quiet", "--no-ff", "--message=Merge", "back")
    git(repository, "switch", "--quiet", "--create", "again")
    git(repository, "revert", "--no-edit", "--mainline=1", "main")
    git(repository, "switch", "--quiet", "main")
    number = open_pull(repository, "again")
    done = call_script(repository, "verify_retrain_pr", "--pull-request", number, *LOCAL)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "(retrain)" in done.stdout


def open_pull(repository: Path, branch: str) -> str:
    from pipeline.adapters.git.branches import GitBranches  # noqa: PLC0415
    from pipeline.adapters.local_forge import LocalForge  # noqa: PLC0415

    forge = LocalForge(repository / ".forge", GitBranches(repository))
    return str(forge.open_pull(branch=branch, base="main", title=branch, body="By hand.").number)


def test_once_merged_its_data_code_and_evidence_are_traced_and_verified(repository: Path) -> None:
    subject = f"Merge pull request #1 from octo/{BRANCH}"
    git(repository, "merge", "--quiet", "--no-ff", f"--message={subject}", BRANCH)
    manifest = yaml.safe_load((repository / f"rollouts/{MODEL}/rollout.yaml").read_text())
    done = call_script(repository, "trace", manifest["version"], "--json", "--local")
    assert done.returncode == 0, done.stdout + done.stderr
    [model] = json.loads(done.stdout)["models"]
    states = {link["name"]: link["state"] for link in model["links"]}
    unasked = {"cause", "approvals", "registry"}
    assert {name for name, state in states.items() if state != "verified"} == unasked
