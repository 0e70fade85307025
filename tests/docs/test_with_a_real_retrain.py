"""Commands of a retrain, on real flights and a real model, from its package to its judge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.docs.conftest import Open
from tests.docs.shell import Then
from tests.repository import git
from tests.retrained import Retrained, copy_of
from tests.rollouts import MODEL

RETRAIN = "python -m scripts.retrain --as-of"
LEFT = "ls artifacts/report/report.html artifacts/package/manifest.json artifacts/register/*.json"
CHAMPION = "python -m scripts.set_champion"
SCORE = "python -m scripts.score_rows --start 2013-04-02"
ASSESS = "python -m scripts.assess_gates"
PROPOSE = "python -m scripts.open_retrain_pr"
JUDGE = "python -m scripts.verify_retrain_pr"
BRANCH = f"perennial/retrain/{MODEL}-2013-07-02"
OUTCOME = "python -m scripts.outcome --forge local"
VERIFY = "gh attestation verify"
SIGNER = "https://github.com/OWNER/NAME/.github/workflows/retrain.yml@refs/heads/main"
EVIDENCE = "evidence/protocol-24-retraining/MODEL/VERSION/manifest.json"
TWICE = Then(code=1, says="is the champion already: nothing to do")
COMMANDS = {
    "dvc status": Then(says="up to date"),
    "dvc repro": Then(says="up to date"),
    "dvc metrics diff main": Then(says="f1_weighted"),
    "dvc plots diff main": Then(leaves="dvc_plots/index.html"),
    "dvc get . artifacts/package --rev MERGE -o /srv/models/VERSION": Then(
        typed="dvc get . artifacts/package --rev main -o ../served && ls ../served/manifest.json",
        says="../served/manifest.json",
    ),
    # tests/retrained.py has run these, as of two days; each takes minutes. This is what it left.
    f"{RETRAIN} 2013-07-02": Then(typed=LEFT),
    f"{RETRAIN} 2013-07-02 --apply": Then(typed=LEFT),
    f"{RETRAIN} 2026-03-01 --accept-loss --apply": Then(typed=LEFT),
    f"{RETRAIN} 2026-04-01 --apply": Then(typed=LEFT),
    f"{RETRAIN} 2013-04-02 --accept-loss --apply": Then(typed=LEFT),
    "python -m scripts.check_drift file.parquet": Then(says="PSI"),
    SCORE: Then(says="Nothing was changed"),
    f"{SCORE} --apply": Then(says="Written to flight_predictions of sqlite:///warehouse.db"),
    "python -m scripts.rehearse_rollback": Then(leaves="artifacts/gates/rollback-rehearsal.json"),
    ASSESS: Then(typed=f"{ASSESS} --local", says="Deployment safety"),
    f"{ASSESS} --retrain ID": Then(typed=f"{ASSESS} --local", says="Retraining readiness"),
    "python -m scripts.collect_evidence --apply": Then(leaves=EVIDENCE),
    "python -m scripts.collect_evidence --verify": Then(says="are as manifest.json says"),
    f"{ASSESS} --retrain ID --final --approvals FILE": Then(
        typed=f"{ASSESS} --local --final --approvals FILE", code=1, says="Waits for product_owner"
    ),
    PROPOSE: Then(typed=f"{PROPOSE} --forge local", says="Nothing was changed"),
    f"{PROPOSE} --forge local --apply": Then(leaves=".forge/pulls/1.md"),
    f"{PROPOSE} --apply": Then(typed=f"{PROPOSE} --forge local --apply"),
    f"{JUDGE} --pull-request N": Then(
        typed=f"{JUDGE} --forge local --pull-request N", code=1, says="Waits for"
    ),
    f"{VERIFY} artifacts/package/manifest.json --repo OWNER/NAME": Then(
        typed="ls artifacts/package/manifest.json"  # what GitHub would be asked about is there
    ),
    f"{VERIFY} {EVIDENCE} --repo OWNER/NAME --cert-identity {SIGNER}": Then(typed=f"ls {EVIDENCE}"),
    CHAMPION: Then(typed=f"{CHAMPION} --approved-by NAME --reason WHY", says="Nothing was"),
    f'{CHAMPION} --approved-by "Your Name" --reason "the first model" --apply': Then(
        says="Commit it to make it so"
    ),
    f"{CHAMPION} --approved-by NAME --reason WHY --apply": TWICE,
    f'{CHAMPION} --approved-by you --reason "first model" --apply': TWICE,
    "git add --all": Then(),
    'git commit --message "Approve the first champion"': Then(says="Approve the first champion"),
    "python -m scripts.outcome": Then(
        typed=f"git merge --quiet --no-edit -X ours {BRANCH} && {OUTCOME}", says="After the merge"
    ),
}


@pytest.fixture(scope="module")
def root(retrained: Retrained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """On main the champion of April; beside it, not yet committed, the retrain of July."""
    root = copy_of(retrained.july, tmp_path_factory.mktemp("docs") / "flights")
    git(root, "reset", "--quiet", "HEAD~1")
    (root / "file.parquet").symlink_to(root / "artifacts/collect/rows.parquet")
    (root / ".git/info/exclude").write_text("/file.parquet\n/approvals.json\n")
    (root / "approvals.json").write_text(json.dumps({"ml_lead": ["ada"]}))
    return root


@pytest.mark.parametrize("command", COMMANDS)
def test_it_does_what_its_page_says(command: str, root: Path, shell: Open) -> None:
    [version] = {path.name for path in root.glob("evidence/*/*/*")} or {"none yet"}
    values = {"FILE": "approvals.json", "N": "1", "MODEL": MODEL, "VERSION": version}
    shell(root, **values).check(command, COMMANDS[command])
