"""Who may speak for which role."""

from pathlib import Path

import pytest

from pipeline.approvers import Approvers, load_approvers
from pipeline.errors import ConfigurationError

ROOT = Path(__file__).parent.parent


def test_the_shipped_file_names_the_roles_that_triggers_ask_for_and_nobody_yet():
    shipped = load_approvers(ROOT)
    assert shipped.roles == {"ml_lead": (), "product_owner": ()}


def test_a_login_is_the_same_in_capitals_and_may_have_several_roles():
    approvers = Approvers(roles={"ml_lead": ("Zoe",), "product_owner": ("zoe", "ann")})
    assert approvers.roles_of("ZOE") == ("ml_lead", "product_owner")
    assert approvers.roles_of("ann") == ("product_owner",)
    assert approvers.roles_of("") == ()


@pytest.mark.parametrize("login", ["-zoe", "zoe/ann", "@zoe", "a" * 40, ""])
def test_what_is_no_login_of_github_s_is_a_fault(tmp_path: Path, login: str):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/approvers.yaml").write_text(f"roles: {{ml_lead: ['{login}']}}\n")
    with pytest.raises(ConfigurationError, match=r"roles\.ml_lead\.0"):
        load_approvers(tmp_path)
