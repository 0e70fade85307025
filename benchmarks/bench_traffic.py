"""A whole rollout, promotion and rollback under load, through a real Envoy and a real HAProxy.

    python -m benchmarks.bench_traffic --requests 1000000
    python -m benchmarks.bench_traffic --kills 20

The load is wrk's where that is installed (wrk -s, kept connections), with its users in Lua: each
answer is held against the user's former one. Backends answer at once, so that what is measured is
the proxy. It prints requests, failures, users who went back to the champion while the weight grew,
the split at each weight, how long a change took to be confirmed, and the latency that each proxy
adds to a direct call. With --kills it kills a challenger that has half of the users, so many times,
and counts what they lost: such requests take 10 ms, and 16 are under way.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.adapters.traffic import Backend, Traffic, Weights
from tests.servers import envoy, haproxy, load, plain_backend

PROVIDERS: dict[str, Any] = {"envoy": envoy, "haproxy": haproxy}
THREADS = 2
UNDER_WAY = 16
BACK_TO_BACK = 4_000
STEPS = (500, 2_500, 5_000, 10_000)
USERS = 20_000

# Each thread has users of its own, so its table of them is the whole truth. An answer names its
# user: connections answer out of order.
LUA = """
local threads = {}
function setup(thread) thread:set("id", #threads); table.insert(threads, thread) end
function init(args)
  users = tonumber(args[1]); total = tonumber(args[2]); last = {}; at = {}; turn = 0
  failed = 0; back = 0; champion = args[3]; requests = {}
  for number = 0, users - 1 do
    local user = "passenger-" .. (number * total + id)
    requests[number] = wrk.format("POST", "/predict", {["x-user-id"] = user}, "{}")
  end
end
function request()
  turn = turn + 1
  return requests[turn % users]
end
function response(status, headers, body)
  local user, version = headers["x-user-id"], headers["x-model-version"]
  if status ~= 200 then failed = failed + 1; return end
  if version == champion and last[user] and last[user] ~= champion then back = back + 1 end
  last[user] = version
end
function done(summary, latency, requests)
  local lost, went, split, seen = 0, 0, 0, 0
  for _, thread in ipairs(threads) do
    lost = lost + thread:get("failed"); went = went + thread:get("back")
    for _, version in pairs(thread:get("last")) do
      seen = seen + 1
      if version ~= thread:get("champion") then split = split + 1 end
    end
  end
  local e = summary.errors
  print(string.format(
    'RESULT {"requests": %d, "failed": %d, "back": %d, "users": %d, "others": %d, "p95": %d}',
    summary.requests, lost + e.connect + e.read + e.write + e.timeout, went, seen, split,
    latency:percentile(95)))
end
"""


def main() -> int:
    """Run both providers and print what was found. Returns 1 where anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=1_000_000, help="for both together")
    parser.add_argument("--kills", type=int, help="kill a challenger so often, and nothing else")
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--provider", choices=sorted(PROVIDERS), action="append")
    arguments = parser.parse_args()
    names = arguments.provider or sorted(PROVIDERS)
    is_good = True
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        for name in names:
            if arguments.kills:
                kill_challengers(Path(folder), name, arguments.kills)
                continue
            share = arguments.requests // len(names)
            is_good &= rollout(Path(folder), name, share, arguments.users)
    return 0 if is_good else 1


def rollout(folder: Path, name: str, requests: int, users: int) -> bool:
    """0 → 5 → 25 → 50 → 100 %, promotion, back to the former champion; all under load."""
    with (
        envoy.answering(folder / f"{name}-backends", "v-a", "v-b") as (champion, challenger),
        PROVIDERS[name].running(folder / name, Weights(champion)) as server,
    ):
        provider, port = server.provider, server.provider.port
        print(f"\n{name}: added latency over {BACK_TO_BACK:,} calls, one at a time")
        print(f"  {added_latency(champion, port)}")
        source = Source(folder, port, champion.name, users)
        found, took = run_changes(source, provider, (champion, challenger), requests)
    for line in found:
        print(f"  {line['phase']:>22}: {told(line)}")
    total, lost = (sum(line[key] for line in found) for key in ("requests", "failed"))
    back = sum(line["back"] for line in found)
    median = statistics.median(took)
    print(f"  {total:,} requests, {lost} failed, {back} users went back to the champion")
    print(f"  change confirmed within {median:.0f} ms at the median, {max(took):.0f} ms at most")
    off = max(abs(line["others"] / line["users"] - line["weight"]) for line in found)
    print(f"  split within {100 * off:.2f} points of its weight")
    return lost == 0 and back == 0 and off <= 0.01


def kill_challengers(folder: Path, name: str, kills: int) -> None:
    """SIGKILL a challenger under load, `kills` times, and print what users lost."""
    lost = answered = 0
    for number in range(kills):
        here = folder / f"{name}-{number}"
        with (
            plain_backend.running(here, "v-a") as one,
            plain_backend.running(here, "v-b") as other,
            PROVIDERS[name].running(here / "t", Weights(backend_of(one))) as server,
        ):
            provider = server.provider
            provider.apply(Weights(backend_of(one), backend_of(other), 5_000, "bench"))
            users = [f"passenger-{user}" for user in range(400)]
            with load.running(provider.port, users, workers=UNDER_WAY) as asked:
                time.sleep(0.7)
                other.kill()
                time.sleep(0.7)
        lost, answered = lost + len(asked.failed), answered + len(asked.answers)
    print(f"{name}: {kills} kills, {answered:,} requests, {lost} lost")


def backend_of(server: plain_backend.PlainBackend) -> Backend:
    """A running backend as the traffic layer names it."""
    return Backend(server.name, "127.0.0.1", server.port)


def run_changes(
    source: Source, provider: Traffic, backends: tuple[Backend, Backend], requests: int
) -> tuple[list[dict[str, Any]], list[float]]:
    """One load that grows for each weight, with the change to it in the middle of the one before.

    So every change happens under load; each weight is then judged by a load of its own.
    """
    champion, challenger = backends
    plans = [
        (f"{points / 100:g} %", Weights(champion, challenger, points, "bench"), points / 10_000)
        for points in STEPS
    ]
    plans += [
        ("promoted", Weights(challenger), 1.0),
        ("rolled back", Weights(champion), 0.0),
    ]
    found, took = [], []
    each = max(source.users + source.users // 2, requests // (2 * len(plans)))
    for phase, weights, share in plans:
        is_growing = phase != "rolled back"
        changing = source.start(each)
        time.sleep(0.3)
        start = time.perf_counter()
        provider.apply(weights)
        took.append((time.perf_counter() - start) * 1_000)
        during = result_of(changing)
        during["back"] *= is_growing  # a rollback is meant to bring them back
        settled = result_of(source.start(each))
        settled["requests"] += during["requests"]
        settled["failed"] += during["failed"]
        settled["back"] += during["back"]
        found.append({"phase": phase, "weight": share, **settled})
    return found, took


class Source:
    """wrk, which plays `users` users who ask at `port` and know the champion by its name."""

    def __init__(self, folder: Path, port: int, champion: str, users: int) -> None:
        if shutil.which("wrk") is None:
            sys.exit("wrk is not installed: apt-get install wrk")
        self.users = users
        script = folder / "load.lua"
        script.write_text(LUA)
        self._options = ["wrk", "-t", str(THREADS), "-c", "32", "-s", str(script)]
        self._target = [f"http://127.0.0.1:{port}", "--", str(users // THREADS), str(THREADS)]
        self._target.append(champion)
        self._rate = max(1, result_of(self._run(1))["requests"])

    def start(self, requests: int) -> subprocess.Popen[str]:
        """A load that ends when about `requests` were answered, as fast as this machine goes."""
        return self._run(max(2, round(requests / self._rate)))

    def _run(self, seconds: int) -> subprocess.Popen[str]:
        command = [*self._options, "-d", f"{seconds}s", *self._target]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def result_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a load found, once it has ended."""
    text, _ = process.communicate()
    line = next(line for line in text.splitlines() if line.startswith("RESULT "))
    found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    return found


def added_latency(champion: Backend, port: int) -> str:
    """p50 and p95 in milliseconds of direct calls and of calls through the proxy, interleaved."""
    ask_direct, ask_proxy = asker(champion.port), asker(port)
    pairs = [(ask_direct(), ask_proxy()) for _ in range(BACK_TO_BACK)]
    direct, proxied = (sorted(times) for times in zip(*pairs, strict=True))
    shown = []
    for percent in (50, 95):
        at = len(direct) * percent // 100
        added = proxied[at] - direct[at]
        shown.append(f"p{percent} {direct[at]:.2f} → {proxied[at]:.2f} ms ({added:+.2f})")
    return ", ".join(shown)


def asker(port: int) -> Callable[[], float]:
    """A function that asks once over its kept connection and says how many milliseconds it took."""
    import http.client  # noqa: PLC0415

    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask() -> float:
        start = time.perf_counter()
        connection.request("GET", "/predict", headers={"x-user-id": "a"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        return (time.perf_counter() - start) * 1_000

    return ask


def told(line: dict[str, Any]) -> str:
    """One phase as text."""
    share = 100 * line["others"] / line["users"]
    return (
        f"{line['requests']:>9,} requests, {line['failed']} failed, {line['back']} went back, "
        f"{share:.2f} % not with the champion, p95 {line['p95'] / 1_000:.1f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
