"""Our real workflow files, run on this machine against the stand-in for GitHub.

    with github_recorder.running(GitHubStandIn(tmp_path / "bare.git")) as github:
        actions = Actions(github, tmp_path / "actions", variables={"PERENNIAL_MONITOR": "on"})
        actions.schedule("monitor.yml")                # or dispatch(), a push, a review, a merge
        waiting = actions.settle()                     # runs all, and all that comes of it
        actions.approve(waiting[0], by="rita")         # an environment's reviewer
        assert actions.last("monitor.yml").jobs["check"].result == "success"

Files are read by GitHub's own parser and expressions by GitHub's own evaluator (engine.py). `run:`
is real bash, clones and pushes are real git over HTTP, every job starts from nothing and has a
GITHUB_TOKEN with its own permissions, which the stand-in enforces. `kill` loses a job's machine at
a step, `rerun` tries again.

Settings are the stand-in's own (`github.world.settings`): what its API sets holds here.

It is not GitHub. There are no containers, services, reusable workflows, concurrency of jobs,
OIDC, wait timers, self-hosted labels, nor any system but this one; of actions there are those that
performing.py names, with the inputs that we use. Whatever is not supported raises Faulty or fails
its step: nothing is passed over. Jobs run one after the other, so two runs never race; a run that
could have started counts as started for its concurrency group. `python` is the environment of the
tests, whatever version is asked for, and `pip install -r` only checks that all of it is there.
Caches are never evicted, and a base branch that is not the default one lends none. A pull request
of a job's own token starts nothing; on GitHub its checks would wait for an approval. A job's token
may push workflow files; on GitHub it may not.
"""

from tests.actions.actions import Actions
from tests.actions.engine import Faulty

__all__ = ["Actions", "Faulty"]
