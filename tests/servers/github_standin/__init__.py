"""A stand-in for GitHub that behaves as GitHub does where it matters. It is not GitHub.

    with github_recorder.running(GitHubStandIn(tmp_path / "bare.git")) as github:
        clone = Clone(github.world.git, tmp_path / "clone")      # or any clone: it is real git
        clone.push("perennial/retrain/x", {"metrics.json": "{}"})
        client = Github(auth=Auth.Token(github.token_for("perennial[bot]")), base_url=github.url)
        ...
        github.approve(1, "alice"); github.merge(1, "alice")    # people, by true requests
        assert github.violations == []

The repository is `octo/model`, and private. Heads, bases and merges are read from the bare
repository at each request, so a push shows at once; pushes are put down to `world.pusher`. Set
`world.rules = Rules(approvals=1, checks=("review",), dismisses_stale=True)` for what a merge must
meet; `protect_main()` refuses pushes to main as well.
Or set a ruleset through the API, as an administrator: it holds for merges and for pushes over HTTP,
and lets the App through that it names. `world.settings` has all such settings, and `plan` there is
what the account pays for.

A bot's token has the grants that it is asked for: `token_for("github-actions[bot]",
contents="read")`. As on GitHub, a bot cannot `GET /user`; GraphQL's `{ viewer { login } }` tells
it who it is. `fail` makes requests fail, `meanwhile` lets somebody act in between.
"""

from tests.servers.github_standin.clone import Clone
from tests.servers.github_standin.faults import primary_limit
from tests.servers.github_standin.people import ACTIONS_BOT, APP_BOT
from tests.servers.github_standin.rules import Rules
from tests.servers.github_standin.standin import GitHubStandIn

__all__ = ["ACTIONS_BOT", "APP_BOT", "Clone", "GitHubStandIn", "Rules", "primary_limit"]
