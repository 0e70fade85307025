import json
import os
import shutil
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.servers import github_recorder
from tests.servers.binaries import wait_for
from tests.servers.github_recorder import BROKEN, INVALID, TAKEN_AND_DROPPED, TOKEN, Answer
from tests.servers.ports import free_port
from tests.servers.relay import MODEL, SECRET, environment, relay_for

LABELS = {"alertname": "AccuracyLow", "model": MODEL, "trigger": "performance_degradation"}


def alert(number=0, **labels):
    return {
        "status": "firing",
        "labels": {**LABELS, **labels},
        "annotations": {"summary": f"reason {number}"},
        "startsAt": "2013-07-02T00:00:00Z",
        "fingerprint": f"{number:016x}",
    }


def body(*alerts):
    return {"version": "4", "status": "firing", "alerts": list(alerts), "truncatedAlerts": 0}


@pytest.fixture
def recorder():
    with github_recorder.running() as server:
        yield server
    assert server.violations == []


@pytest.fixture
def relay(tmp_path, recorder):
    with relay_for(tmp_path, recorder.url) as made:
        yield made
    assert TOKEN not in made.log
    assert SECRET not in made.log
    assert "Traceback" not in made.log


@pytest.fixture
def running(relay):
    relay.start("--apply")
    return relay


def wait_for_dispatches(recorder, count, relay):
    wait_for(lambda: len(recorder.dispatches) >= count, 30, lambda: relay.log)


def test_an_alert_becomes_a_dispatch_and_its_repeats_become_none(running, recorder):
    answer = running.post(body(alert(1)))
    assert (answer.status_code, answer.json()) == (202, {"new": 1, "known": 0, "refused": []})
    wait_for_dispatches(recorder, 1, running)
    assert running.post(body(alert(1), alert(1))).json()["known"] == 1
    running.post(body(alert(2)))
    wait_for_dispatches(recorder, 2, running)
    assert [d["client_payload"]["reason"] for d in recorder.dispatches] == ["reason 1", "reason 2"]
    assert {d["event_type"] for d in recorder.dispatches} == {"alert"}


def test_without_apply_alerts_are_only_told(relay, recorder):
    relay.start()
    assert "Dry run: nothing is kept or dispatched" in relay.log
    assert relay.post(body(alert(1))).json()["new"] == 1
    assert relay.post(body(alert(1))).json()["known"] == 1
    assert relay.log.count("would dispatch") == 1
    assert recorder.requests == []
    assert not (relay.folder / "spool").exists()


def test_an_accepted_alert_survives_a_kill(relay, recorder):
    recorder.next_answers.extend([BROKEN] * 100)
    relay.start("--apply")
    assert relay.post(body(alert(1))).status_code == 202
    relay.kill()
    recorder.next_answers.clear()
    relay.start("--apply")
    wait_for_dispatches(recorder, 1, relay)
    wait_for(lambda: relay.health()["pending"] == 0, 30, lambda: relay.log)


def test_a_kill_between_dispatch_and_memory_sends_the_event_again_rather_than_never(
    relay, recorder
):
    recorder.next_answers.append(TAKEN_AND_DROPPED)
    relay.start("--apply")
    relay.post(body(alert(1)))
    wait_for_dispatches(recorder, 1, relay)
    relay.kill()
    relay.start("--apply")
    wait_for_dispatches(recorder, 2, relay)
    windows = {d["client_payload"]["window"] for d in recorder.dispatches}
    assert len(windows) == 1  # which is how the ledger knows that it is one event


def test_no_accepted_alert_is_lost_by_kills_at_any_moment(relay, recorder):
    relay.start("--apply")
    for number in range(8):
        assert relay.post(body(alert(number))).status_code == 202
        if number % 2:
            relay.kill()
            relay.start("--apply")
    reasons = {f"reason {number}" for number in range(8)}
    wait_for(
        lambda: {d["client_payload"]["reason"] for d in recorder.dispatches} == reasons,
        60,
        lambda: relay.log,
    )


def test_what_github_refuses_is_put_aside_and_holds_up_nothing(running, recorder):
    recorder.next_answers.append(INVALID)
    running.post(body(alert(1), alert(2)))
    wait_for_dispatches(recorder, 1, running)
    wait_for(lambda: running.health() == {"pending": 0, "refused": 1}, 30, lambda: running.log)
    (reason,) = running.folder.glob("spool/refused/*.txt")
    assert "answered 422 (Validation Failed)" in reason.read_text()
    assert running.post(body(alert(1))).json()["known"] == 1


def test_an_event_that_keeps_failing_does_not_hold_up_the_others(running, recorder):
    recorder.next_answers.append(BROKEN)
    running.post(body(alert(1)))
    wait_for(lambda: "waits" in running.log, 30, lambda: running.log)
    running.post(body(alert(2)))
    wait_for_dispatches(recorder, 2, running)
    assert [d["client_payload"]["reason"] for d in recorder.dispatches] == ["reason 2", "reason 1"]


def test_a_rate_limit_of_github_is_kept(running, recorder):
    # 2 s are more than the relay's own first wait; a request before is a violation
    recorder.next_answers.append(Answer(429, {"message": "slow down"}, {"Retry-After": "2"}))
    running.post(body(alert(1)))
    wait_for_dispatches(recorder, 1, running)


def test_a_damaged_file_in_the_spool_is_put_aside(relay, recorder):
    pending = relay.folder / "spool" / "pending"
    pending.mkdir(parents=True)
    (pending / f"{'a' * 16}.json").write_text('{"half')
    (pending / f"{'b' * 16}.json").write_text('{"schema": 1}')
    relay.start("--apply")
    wait_for(lambda: relay.health() == {"pending": 0, "refused": 2}, 30, lambda: relay.log)
    assert recorder.requests == []


def test_the_secret_is_required(running, recorder):
    given = [f"Bearer {s}" for s in ("", "wrong", SECRET + "x", SECRET[:-1], "é" * 16)]
    for header in [*given, f"Basic {SECRET}", SECRET, ""]:
        answer = requests.post(
            f"{running.url}/alerts",
            json=body(alert()),
            headers={"Authorization": header.encode()},
            timeout=15,
        )
        assert answer.status_code == 401
    assert running.health()["pending"] == 0


def test_strangers_are_slowed_down_and_senders_are_not(running):
    answers = [running.post(body(alert()), "wrong") for _ in range(20)]
    assert {a.status_code for a in answers} == {401, 429}
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert running.post(body(alert())).status_code == 202


def test_too_many_requests_of_a_sender_are_told_when_to_come_again(running):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: running.post(body()), range(120)))
    assert {a.status_code for a in answers} == {202, 429}
    assert all(int(a.headers["Retry-After"]) >= 1 for a in answers if a.status_code == 429)


def test_a_bad_alert_is_told_and_the_good_one_beside_it_goes_on(running, recorder):
    answer = running.post(body(alert(1, model="$(reboot)\n"), alert(2)))
    assert answer.status_code == 202
    assert answer.json()["new"] == 1
    assert "model: found '$(reboot)\\\\n'" in json.dumps(answer.json()["refused"])
    wait_for_dispatches(recorder, 1, running)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b'{"alerts": 1}', b"[" * 100_000, b"\xff", b"9" * 9_000]
)
def test_a_body_that_is_no_webhook_is_refused(running, raw):
    headers = {"Authorization": f"Bearer {SECRET}"}
    answer = requests.post(f"{running.url}/alerts", data=raw, headers=headers, timeout=15)
    assert answer.status_code == 400


def send_raw(relay, head, chunks):
    """Bytes as no client library would send them; the status of the answer."""
    with socket.create_connection(("127.0.0.1", relay.port), timeout=15) as connection:
        connection.sendall(head)
        try:
            for chunk in chunks:
                connection.sendall(chunk)
        except OSError:
            pass  # the server has answered and closed: its answer is still to be read
        return int(connection.recv(100).split()[1])


HEAD = f"POST /alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n"


def test_a_body_that_is_too_long_is_refused_whatever_length_it_announces(running):
    announced = f"{HEAD}Content-Length: 1000001\r\n\r\n".encode()
    assert send_raw(running, announced, [b"x" * 1_000_001]) == 413
    chunked = f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode()
    chunk = b"2710\r\n" + b"x" * 10_000 + b"\r\n"
    assert send_raw(running, chunked, [chunk] * 101) == 413
    assert running.post(body(alert())).status_code == 202


def test_a_spool_that_cannot_be_written_is_an_answer_that_makes_the_sender_try_again(running):
    shutil.rmtree(running.folder / "spool" / "pending")
    (running.folder / "spool" / "pending").write_text("")
    assert running.post(body(alert())).status_code == 503
    assert requests.get(f"{running.url}/healthz", timeout=15).status_code == 503


def refused_start(relay, **variables):
    result = subprocess.run(
        relay.command("--apply"),
        check=False,
        cwd=relay.folder,
        env={**environment(relay.github), **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in result.stderr
    assert TOKEN not in result.stderr
    return result.returncode, result.stderr


def test_it_refuses_to_start_without_its_settings_and_tells_all_of_them(relay, recorder):
    relay.folder.joinpath("relay.log").touch()
    shutil.rmtree(relay.folder / "rollouts")
    code, words = refused_start(
        relay, RELAY_SECRET="x" * 15, GITHUB_TOKEN="", GITHUB_REPOSITORY="octo"
    )
    assert code == 2
    for name in ("RELAY_SECRET: expected 16", "GITHUB_TOKEN:", "GITHUB_REPOSITORY:", "rollouts"):
        assert name in words


def test_a_link_is_no_model(relay):
    models = relay.folder / "rollouts"
    (models / "a-link").symlink_to(MODEL)
    relay.start()
    assert f"for alerts of {MODEL}\n" in relay.log
    shutil.move(models / MODEL, relay.folder / "elsewhere")
    (models / MODEL).symlink_to(relay.folder / "elsewhere")
    code, words = refused_start(relay)
    assert (code, "no model in it" in words) == (2, True)


def test_it_sends_no_token_over_a_line_that_can_be_read(relay):
    relay.folder.joinpath("relay.log").touch()
    code, words = refused_start(relay, GITHUB_API_URL="http://github.example.org")
    assert code == 2
    assert "GITHUB_API_URL: expected https" in words


def test_two_relays_do_not_share_a_spool_or_a_port(running):
    code, words = refused_start(running)
    assert code == 3
    assert "in use" in words
    running.port = free_port()
    code, words = refused_start(running)
    assert code == 3
    assert "another relay uses this spool" in words


def test_a_signal_ends_it_and_what_waits_stays(relay, recorder):
    recorder.next_answers.extend([BROKEN] * 100)
    relay.start("--apply")
    relay.post(body(alert(1)))
    os.kill(relay.process.pid, 2)
    assert relay.process.wait(30) == 0
    assert len(list(relay.folder.glob("spool/pending/*.json"))) == 1
