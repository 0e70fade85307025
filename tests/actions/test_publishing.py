"""A site for people and statements for verifiers, each with the grants for it."""

import pytest

SITE = """
- run: mkdir -p site/.hidden && echo hello | tee site/index.html site/.hidden/x
- uses: actions/upload-pages-artifact@v5
  with: {path: site}
- uses: actions/configure-pages@v5
- uses: actions/deploy-pages@v5
  id: deployment
- run: echo "at ${{ steps.deployment.outputs.page_url }}"
"""


def test_a_site_is_published_with_the_grants_for_it_where_pages_are_on(ran, github):
    github.world.settings.pages = "workflow"
    actions = ran(SITE, permissions="{pages: write, id-token: write}")
    assert "at https://octo.github.io/model/\n" in actions.runs[0].log
    assert [path.name for path in actions.site.rglob("*")] == ["index.html"]


@pytest.mark.parametrize(
    ("source", "permissions", "words"),
    [
        (None, "{pages: write, id-token: write}", "has Pages enabled"),
        ("workflow", "{pages: write}", "'id-token: write'"),
        ("workflow", "{pages: read, id-token: write}", "'pages: write'"),
    ],
)
def test_a_site_is_not_published_else(ran, github, source, permissions, words):
    github.world.settings.pages = source
    actions = ran(SITE, permissions=permissions)
    assert words in actions.runs[0].log
    assert not actions.site.exists()


def test_a_site_that_two_attempts_built_is_deployed_only_by_a_name_for_each(ran, github):
    github.world.settings.pages = "workflow"
    own = "{path: site, name: 'site-${{ github.run_attempt }}'}"
    named = SITE.replace("{path: site}", own).replace(
        "  id: deployment",
        "  id: deployment\n  with: {artifact_name: 'site-${{ github.run_attempt }}'}",
    )
    for steps, conclusion in ((SITE, "failure"), (named, "success")):
        actions = ran(steps, permissions="{pages: write, id-token: write}")
        run = actions.runs[0]
        actions.rerun(run, by="rita")
        actions.settle()
        assert run.conclusion == conclusion, run.log
        assert ("Multiple artifacts" in run.log) == (conclusion == "failure")


ATTEST = """
- uses: actions/attest-build-provenance@v4
  with: {subject-name: model, subject-digest: "sha256:DIGEST"}
""".replace("DIGEST", "0a" * 32)


def test_a_statement_names_the_digest_and_the_workflow(ran):
    actions = ran(ATTEST, permissions="{id-token: write, attestations: write}")
    [statement] = actions.attestations
    assert statement["subject"] == [{"name": "model", "digest": {"sha256": "0a" * 32}}]
    assert statement["predicate"]["workflow"].startswith("octo/model/.github/workflows/w.yml@")


@pytest.mark.parametrize(
    ("steps", "permissions"),
    [
        (ATTEST, "{id-token: write}"),
        (ATTEST, "{attestations: write}"),
        (ATTEST.replace("0a", "", 1), "{id-token: write, attestations: write}"),
    ],
)
def test_no_statement_is_kept_without_the_grants_or_a_digest(ran, steps, permissions):
    actions = ran(steps, permissions=permissions)
    assert actions.runs[0].conclusion == "failure"
    assert actions.attestations == []
