"""Whatever is killed, and whenever, the next call completes and repeats nothing."""

import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipeline.adapters.tracking import register
from pipeline.errors import OutsideError
from tests.adapters.tracking.challengers import (
    assert_registered_once,
    details,
    new_challenger,
    runs_of,
)

PROJECT = Path(__file__).parents[3]
# A whole process that registers, for killing.
REGISTER = """
import pickle, sys
from pathlib import Path
from pipeline.adapters.tracking import register
arguments = pickle.loads(Path(sys.argv[1]).read_bytes())
register(arguments.pop("challenger"), **arguments)
"""


def worth_a_kill(requests):
    """Numbers of the requests that change something; of a folder's uploads just the last."""
    last = {}
    for number, request in enumerate(requests, 1):
        if not request.endswith("/search"):
            is_upload = "/artifacts/" in request
            last[request.rpartition("/")[0] if is_upload else number] = number
    return sorted(last.values())


def test_a_kill_after_any_request_is_repaired_by_running_again(
    client, through_proxy, tmp_path, model
):
    """The state right before a request is the state right after the one before it."""
    register(new_challenger(tmp_path, model), **details("counted"))
    numbers = worth_a_kill(through_proxy.requests)
    assert len(numbers) >= 12
    for number in numbers:
        challenger, name = new_challenger(tmp_path, model), f"killed-after-{number}"
        through_proxy.arm(number, is_after=True)
        with pytest.raises(OutsideError, match="run again"):
            register(challenger, **details(name))
        through_proxy.revive()
        register(challenger, **details(name))
        assert_registered_once(client, name, challenger)


def test_a_request_that_never_arrived_is_made_again(client, name, challenger, through_proxy):
    through_proxy.arm(5, is_after=False)
    with pytest.raises(OutsideError):
        register(challenger, **details(name))
    through_proxy.revive()
    register(challenger, **details(name))
    assert_registered_once(client, name, challenger)


def test_a_process_killed_once_the_version_is_made_is_repaired(
    client, name, challenger, through_proxy, tmp_path
):
    pickled = tmp_path / "arguments"
    pickled.write_bytes(pickle.dumps({"challenger": challenger, **details(name)}))
    started = threading.Event()
    through_proxy.die_when = lambda request: request.endswith("model-versions/create")
    through_proxy.on_death = lambda: started.wait(30) and process.kill()
    process = subprocess.Popen(
        [sys.executable, "-c", REGISTER, str(pickled)], cwd=PROJECT, stderr=subprocess.PIPE
    )
    started.set()
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL, stderr.decode()
    assert len(client.search_model_versions(f"name = '{name}'")) == 1
    (run,) = runs_of(client, name, challenger.digest)
    assert run.info.status == "RUNNING"
    through_proxy.revive()
    assert not register(challenger, **details(name)).is_new
    assert_registered_once(client, name, challenger)


def test_two_jobs_at_once_leave_one_version(client, name, challenger, through_proxy):
    """Another job makes its version right before ours arrives: the earlier one stays."""

    def other_job_is_quicker(request):
        if request.endswith("model-versions/create"):
            (run,) = runs_of(client, name, challenger.digest)
            (output,) = run.outputs.model_outputs
            client.create_model_version(
                name,
                source=f"models:/{output.model_id}",
                run_id=run.info.run_id,
                tags={"model_digest": challenger.digest},
                model_id=output.model_id,
            )
        return False

    through_proxy.die_when = other_job_is_quicker
    made = register(challenger, **details(name))
    assert (made.version, made.is_new) == (1, False)
    assert_registered_once(client, name, challenger)
