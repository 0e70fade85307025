"""Reviews: given, listed, dismissed, and asked for."""

from __future__ import annotations

from tests.servers.github_api import sample
from tests.servers.github_recorder import Answer
from tests.servers.github_standin.answers import Refusal, not_found, unprocessable
from tests.servers.github_standin.events import note_review
from tests.servers.github_standin.objects import team, user
from tests.servers.github_standin.people import ACTIONS_BOT
from tests.servers.github_standin.pull_objects import pull_object, review_object
from tests.servers.github_standin.routes import Call, Route, listed
from tests.servers.github_standin.world import Issue, Review

_STATES = {
    "APPROVE": "APPROVED",
    "REQUEST_CHANGES": "CHANGES_REQUESTED",
    "COMMENT": "COMMENTED",
    None: "PENDING",
}


def list_reviews(call: Call) -> Answer:
    """Oldest first. A pending one is seen by its author alone."""
    issue, pull = call.pull()
    seen = [r for r in pull.reviews if r.state != "PENDING" or r.author == call.viewer.login]
    return listed(call, [review_object(call.world, issue, review) for review in seen])


def review_pull(call: Call) -> Answer:
    world, body, login = call.world, call.body, call.viewer.login
    issue, pull = call.pull()
    event, text = body.get("event"), body.get("body") or ""
    _check(call, issue, event, text)
    commit = body.get("commit_id") or pull.head
    if commit not in world.git.commits_between(pull.base, pull.head):
        raise unprocessable("The commit is not part of the pull request")
    state = _STATES[event]
    review = Review(next(world.ids), login, state, text, commit, world.now())
    pull.reviews.append(review)
    pull.reviewers = [who for who in pull.reviewers if who.lower() != login.lower()]
    issue.updated_at = world.now()
    if state != "PENDING":
        note_review(world, "submitted", issue, review, login)
    return Answer(200, review_object(world, issue, review))


def dismiss(call: Call) -> Answer:
    issue, pull = call.pull()
    found = [review for review in pull.reviews if review.id == int(call.part("review_id"))]
    if not found:
        raise not_found()
    review = found[0]
    if review.state not in ("APPROVED", "CHANGES_REQUESTED"):
        raise unprocessable(f"Can not dismiss a {review.state.lower()} pull request review")
    review.state = "DISMISSED"
    issue.updated_at = call.world.now()
    note_review(call.world, "dismissed", issue, review, call.viewer.login)
    return Answer(200, review_object(call.world, issue, review))


def list_reviewers(call: Call) -> Answer:
    _, pull = call.pull()
    asked = {
        "users": [user(call.world, login) for login in pull.reviewers],
        "teams": [team(call.world, slug) for slug in pull.team_reviewers],
    }
    return Answer(200, sample("pull-request-review-request", **asked))


def ask_reviewers(call: Call) -> Answer:
    """All are collaborators and none the author, or nobody is asked."""
    world = call.world
    issue, pull = call.pull()
    people, teams = call.body.get("reviewers", []), call.body.get("team_reviewers", [])
    if issue.author.lower() in (login.lower() for login in people):
        raise Refusal(422, "Review cannot be requested from pull request author.")
    accounts = [world.people.find(login) for login in people]
    is_known = all(a and not a.is_bot and a.is_at_least("read") for a in accounts)
    if not is_known or not set(teams) <= set(world.people.teams):
        words = (
            "Reviews may only be requested from collaborators. One or more of the users or teams "
            f"you specified is not a collaborator of the {world.full_name} repository."
        )
        raise Refusal(422, words)
    logins = [account.login for account in accounts if account]
    pull.reviewers += [login for login in logins if login not in pull.reviewers]
    pull.team_reviewers += [slug for slug in teams if slug not in pull.team_reviewers]
    issue.updated_at = world.now()
    return Answer(201, pull_object(world, issue, pull))


def _check(call: Call, issue: Issue, event: str | None, text: str) -> None:
    """Nobody approves their own pull request."""
    login = call.viewer.login
    if event in ("APPROVE", "REQUEST_CHANGES") and login == issue.author:
        verb = "approve" if event == "APPROVE" else "request changes on"
        raise unprocessable(f"Can not {verb} your own pull request")
    is_barred = login == ACTIONS_BOT and not call.world.may_actions_open_pulls
    if event == "APPROVE" and is_barred:
        raise unprocessable("GitHub Actions is not permitted to approve pull requests.")
    if event in ("REQUEST_CHANGES", "COMMENT") and not text.strip():
        raise unprocessable("Review body can't be blank")
    if len(text) > 65_536:
        raise unprocessable("Body is too long (maximum is 65536 characters)")


_READ, _WRITE = "pull_requests:read", "pull_requests:write"
ROUTES = (
    Route("GET", "/pulls/{pull_number}/reviews", list_reviews, _READ),
    Route("POST", "/pulls/{pull_number}/reviews", review_pull, _WRITE),
    Route("PUT", "/pulls/{pull_number}/reviews/{review_id}/dismissals", dismiss, _WRITE, "write"),
    Route("GET", "/pulls/{pull_number}/requested_reviewers", list_reviewers, _READ),
    Route("POST", "/pulls/{pull_number}/requested_reviewers", ask_reviewers, _WRITE, "triage"),
)
