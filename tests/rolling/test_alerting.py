"""Who is told of an incident, how often, and what happens where GitHub or the chat is down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.adapters import alerts
from pipeline.adapters.alerts import Webhook
from pipeline.adapters.github import GitHubForge, Patience
from pipeline.core.rollout.effects import Alert
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.rolling.alerting import LABEL, Alerting, body_of
from pipeline.rolling.reconciler import Reconciler
from pipeline.rollout_status import Phase
from tests.rolling.rolled import Rolled, file_spec
from tests.rollouts import BAD
from tests.servers import chat as chats
from tests.servers import dribbling, github_recorder
from tests.servers.chat import SECRET, Chat
from tests.servers.github_recorder import BROKEN
from tests.servers.github_standin import ACTIONS_BOT, GitHubStandIn

QUICK = Patience(attempts=1, seconds_between_requests=0, seconds_between_writes=0)
ALERT = Alert("flight-delay/2013/1/RolledBack/1", "flight-delay: 2013 was rolled back", "errors")
AGAIN, OTHER = replace(ALERT, is_again=True), replace(ALERT, key="another")
ISSUES = "/repos/{owner}/{repo}/issues"


@dataclass
class People:
    """Where alerts go, and what came of it."""

    github: GitHubStandIn
    chat: Chat
    said: list[str]

    def alerting(self) -> Alerting:
        webhook = Webhook(self.chat.url, waits=())
        return Alerting(self.forge, lambda: webhook, self.said.append)

    def forge(self) -> GitHubForge:
        token = self.github.token_for(ACTIONS_BOT)
        return GitHubForge("octo/model", token, self.github.url, patience=QUICK)

    @property
    def issues(self) -> list[str]:
        return [issue.title for issue in self.github.world.issues.values()]


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    with (
        github_recorder.running(GitHubStandIn(tmp_path / "bare.git")) as github,
        chats.running() as chat,
    ):
        yield People(github, chat, [])
    assert github.violations == []


def test_one_incident_is_one_issue_and_one_message_however_often_it_is_said(
    people: People,
) -> None:
    for _ in range(3):
        people.alerting().send(ALERT)  # each run of a job makes its own
    assert people.issues == [ALERT.title]
    assert [message["text"] for message in people.chat.messages] == [ALERT.title]
    other = replace(ALERT, key="flight-delay/2013/2/RolledBack/1")
    people.alerting().send(other)
    assert len(people.issues) == len(people.chat.messages) == 2


def test_a_closed_issue_is_an_incident_that_was_dealt_with(people: People) -> None:
    people.alerting().send(ALERT)
    people.forge().edit_issue(1, body=body_of(ALERT), is_open=False)
    people.alerting().send(ALERT)
    assert (len(people.issues), len(people.chat.messages)) == (1, 1)


def test_a_strangers_issue_with_our_hidden_line_silences_nothing(people: People) -> None:
    people.github.add_person("mallory")
    token = people.github.token_for("mallory")
    forge = GitHubForge("octo/model", token, people.github.url, patience=QUICK)
    forge.open_issue(title="all is well", body=body_of(ALERT), labels=[LABEL])
    people.alerting().send(ALERT)
    assert people.issues == ["all is well", ALERT.title]
    assert len(people.chat.messages) == 1


def test_a_chat_that_is_down_leaves_the_issue_and_github_that_is_down_leaves_the_chat(
    people: People,
) -> None:
    people.chat.status = 503
    with pytest.raises(OutsideError, match="webhook answered 503"):
        people.alerting().send(ALERT)
    assert people.issues == [ALERT.title]
    people.chat.status = 200
    people.github.fail("*", "*", BROKEN, times=20)
    other = replace(ALERT, key="another", title="another")
    with pytest.raises(OutsideError, match="GitHub"):
        people.alerting().send(other)
    assert people.chat.messages[-1]["text"] == "another"
    people.chat.status = 503
    with pytest.raises(OutsideError, match="GitHub"):
        people.alerting().send(replace(ALERT, key="a third"))
    assert "webhook answered 503" in people.said[-1]


def test_a_chat_that_is_busy_for_a_moment_is_told_all_the_same(people: People) -> None:
    people.chat.busy_times = 2
    hasty = Webhook(people.chat.url, waits=(0.01, 0.01))
    Alerting(people.forge, lambda: hasty, people.said.append).send(ALERT)
    assert len(people.chat.messages) == 3
    assert people.issues == [ALERT.title]
    people.chat.status = 404
    with pytest.raises(OutsideError, match="answered 404"):
        hasty.send("a", "b")
    assert len(people.chat.messages) == 4  # what is wrong for good is not asked twice


def test_an_issue_that_github_did_not_take_is_opened_by_a_later_run_and_the_chat_told_once_more(
    people: People,
) -> None:
    people.github.fail("POST", ISSUES, BROKEN, times=2)
    with pytest.raises(OutsideError):
        people.alerting().send(ALERT)
    with pytest.raises(OutsideError):
        people.alerting().send(AGAIN)  # nothing remembers that the chat was told, so it is not
    assert (people.issues, len(people.chat.messages)) == ([], 1)
    for _ in range(2):
        people.alerting().send(AGAIN)
        assert (people.issues, len(people.chat.messages)) == ([ALERT.title], 2)


def test_a_chat_that_was_down_is_told_by_the_next_run_that_finds_it_up_and_once(
    people: People,
) -> None:
    people.chat.status = 404
    for alert in (ALERT, AGAIN):
        with pytest.raises(OutsideError, match="webhook answered 404"):
            people.alerting().send(alert)
    people.chat.messages.clear()
    people.chat.status = 200
    for _ in range(3):
        people.alerting().send(AGAIN)
        assert (people.issues, len(people.chat.messages)) == ([ALERT.title], 1)
    assert people.github.world.issues[1].body == body_of(ALERT)


def test_killed_between_issue_and_chat_or_right_after_it_the_chat_is_told_once_more_at_most(
    people: People,
) -> None:
    people.forge().open_issue(title="a", body=body_of(ALERT, is_owed=True), labels=[LABEL])
    people.github.fail("PATCH", f"{ISSUES}/{{issue_number}}", BROKEN)
    with pytest.raises(OutsideError):
        people.alerting().send(AGAIN)  # told, and not written down
    assert len(people.chat.messages) == 1
    for _ in range(2):
        people.alerting().send(AGAIN)
        assert (people.issues, len(people.chat.messages)) == (["a"], 2)


def test_who_has_no_chat_leaves_it_owed_and_a_closed_issue_owes_nobody_anything(
    people: People,
) -> None:
    Alerting(people.forge, lambda: None, people.said.append).send(ALERT)
    assert people.issues == [ALERT.title]
    people.alerting().send(AGAIN)
    assert len(people.chat.messages) == 1
    people.forge().open_issue(title="b", body=body_of(OTHER, is_owed=True), labels=[LABEL])
    people.forge().edit_issue(2, body=body_of(OTHER, is_owed=True), is_open=False)
    people.alerting().send(OTHER)
    assert len(people.chat.messages) == 1


def test_without_a_forge_the_chat_is_told_at_once_and_never_again(people: People) -> None:
    webhook = Webhook(people.chat.url, waits=())
    for alert in (ALERT, AGAIN):
        Alerting(None, lambda: webhook, people.said.append).send(alert)
    assert len(people.chat.messages) == 1


def test_hostile_words_reach_the_chat_and_the_issue_as_plain_text(people: People) -> None:
    words = "<!channel> <https://evil|x> `$(id)` <script> --> @octo\u202e"
    people.alerting().send(replace(ALERT, title=words, text=words))
    (message,) = people.chat.messages
    assert "<!channel>" not in message["text"]
    assert message["blocks"][0]["text"]["type"] == "plain_text"
    issue = people.github.world.issues[1]
    assert "@octo" not in issue.title
    assert "<script>" not in (issue.body or "")
    assert (issue.body or "").count("-->") == 1  # the end of our own hidden line
    assert "\u202e" not in str(message) + issue.title + (issue.body or "")


def test_the_address_of_the_chat_is_in_no_error_and_no_log(people: People) -> None:
    for status in (302, 404, 500):
        people.chat.status = status
        with pytest.raises(OutsideError) as caught:
            Webhook(people.chat.url, waits=()).send("a", "b")
        assert SECRET not in str(caught.value)
    for url in (
        "http://chat.example/",
        "https://[::1/",
        "https://a:b/",
        "https://a/…",
        "https:///",
    ):
        with pytest.raises(ConfigurationError, match="expected https") as refused:
            Webhook(f"{url}{SECRET}")
        assert SECRET not in str(refused.value)
    with pytest.raises(OutsideError) as unanswered:
        Webhook(f"http://127.0.0.1:1/{SECRET}", waits=(0.01,)).send("a", "b")
    assert SECRET not in str(unanswered.value)


def test_an_address_pasted_with_the_end_of_its_line_is_the_address(people: People) -> None:
    Webhook(f"{people.chat.url}\n").send("a", "b")
    assert len(people.chat.messages) == 1


@pytest.mark.parametrize("head", dribbling.STARTS)
def test_a_chat_that_sends_a_byte_at_a_time_is_not_waited_for(
    head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "TIMEOUT_SECONDS", 0.5)
    with dribbling.given_up_on(head, r"did not answer \(TimeoutError\)") as address:
        Webhook(f"http://{address}/{SECRET}", waits=()).send("a", "b")


def test_a_chat_that_is_down_delays_neither_the_traffic_nor_the_record(
    world: Rolled, people: People
) -> None:
    people.chat.status, people.chat.delay_seconds = 404, 0.5  # for good, so asked once
    world.environment = {"ALERT_WEBHOOK_URL": people.chat.url}
    spec = file_spec()
    world.merge(spec)
    world.record(spec)
    world.reconcile()
    world.record(spec, challenger=BAD)
    weights_at: list[datetime] = []
    told_at: list[datetime] = []

    def wrap(hands):
        def set_weights(*arguments) -> None:
            hands.set_weights(*arguments)
            weights_at.append(datetime.now(UTC))

        def alert(found: Alert) -> None:
            told_at.append(datetime.now(UTC))
            hands.alert(found)

        return replace(hands, set_weights=set_weights, alert=alert)

    (result,) = world.reconcile(wrap=wrap, forge=people.forge)
    assert "webhook" in str(result.failures[0])
    assert weights_at[0] < told_at[0]  # the challenger is at 0 % before anybody is told
    assert world.share() == 0
    assert world.status.records[-1].phase is Phase.ROLLED_BACK
    assert len(people.issues) == len(people.chat.messages) == 1
    assert not any(SECRET in line for line in world.said)


def test_what_neither_chat_nor_github_took_is_told_by_a_later_run_once(
    world: Rolled, people: People
) -> None:
    fail_in_silence(world, people)
    assert people.issues == []
    people.github.fail("*", "*", BROKEN)
    (result,) = world.reconcile(forge=people.forge)  # GitHub is away, so nobody knows who knows
    assert "GitHub" in str(result.failures[0])
    people.chat.messages.clear()

    people.chat.status = 200
    for _ in range(3):
        (result,) = world.reconcile(forge=people.forge)
        assert (result.steps, result.failures) == ((), ())
        assert len(people.issues) == len(people.chat.messages) == 1
    assert "was rolled back" in people.chat.messages[0]["text"]
    assert world.kinds()[-1] == "ended"


def test_a_plan_without_alerts_is_reminded_of_nothing(world: Rolled, people: People) -> None:
    fail_in_silence(world, people, monitoring={"alert_on_failure": False})
    world.reconcile(forge=people.forge)
    assert (people.issues, people.chat.messages) == ([], [])


def test_a_run_that_told_people_itself_does_not_ask_github_again(
    world: Rolled, people: People
) -> None:
    spec = file_spec()
    world.merge(spec)
    world.record(spec)
    world.reconcile(forge=people.forge)
    world.record(spec, challenger=BAD)
    (result,) = world.reconcile(forge=people.forge)
    assert len(result.steps) == 1
    lists = [r for r in people.github.requests if (r.method, "labels=" in r.path) == ("GET", True)]
    assert (len(lists), len(people.issues)) == (1, 1)


def test_a_run_that_changes_nothing_reminds_nobody(world: Rolled, people: People) -> None:
    fail_in_silence(world, people)
    repository = world.repository()
    equipment = world.equipment(repository, forge=people.forge)
    tell = world.said.append
    Reconciler(repository, equipment.equip, equipment.clock, tell, is_applied=False).run()
    assert people.issues == []


def fail_in_silence(world: Rolled, people: People, **changes) -> None:
    """A rollback while chat and GitHub are away."""
    world.environment = {"ALERT_WEBHOOK_URL": people.chat.url}
    people.chat.status = 404  # for good, so asked once
    spec = file_spec(**changes)
    world.merge(spec)
    world.record(spec)
    world.reconcile()
    world.record(spec, challenger=BAD)
    people.github.fail("*", "*", BROKEN)
    world.reconcile(forge=people.forge)
    people.github.faults.clear()
    assert world.status.records[-1].phase is Phase.ROLLED_BACK


def test_a_wrong_address_of_the_chat_keeps_nobody_from_rolling_back(
    world: Rolled, people: People
) -> None:
    world.environment = {"ALERT_WEBHOOK_URL": "http://…"}
    spec = file_spec()
    world.merge(spec)
    world.record(spec)
    world.reconcile()
    world.record(spec, challenger=BAD)
    (result,) = world.reconcile(forge=people.forge)
    assert "webhook" in str(result.failures[0])
    assert world.share() == 0
    assert world.status.records[-1].phase is Phase.ROLLED_BACK
    assert len(people.issues) == 1
