"""Git run for a repository: commits, trees and blobs without a checkout, its own identity.

Checkouts keep no credentials: the job's token goes to git by the environment, so that it is in no
file and no process list.
"""

from __future__ import annotations

import base64
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.credentials import without_credentials
from pipeline.errors import ConfigurationError, OutsideError

NAME = "perennial"
EMAIL = "perennial@noreply.invalid"  # nobody can own it, unlike an account's at GitHub
ORIGIN = "origin"  # the one remote that is ever asked
MISSING = "0" * 40  # how git writes "no such object"
_WHO = {"NAME": NAME, "EMAIL": EMAIL}
_IN_ENGLISH = {"LC_ALL": "C"}  # its words are read
MOST_SECONDS = 600.0  # of one command, however much it has to fetch
# Git itself waits for ever. What the environment says goes before these: less than a byte a second
# for a minute is no server, and one that works in silence says so every five seconds.
QUIET_SERVER = {"GIT_HTTP_LOW_SPEED_LIMIT": "1", "GIT_HTTP_LOW_SPEED_TIME": "60"}
_ALWAYS = (
    "-c",
    "log.showSignature=false",
    "-c",
    "core.filesRefLockTimeout=2000",  # a lock that another writer holds at this moment
)


@dataclass(frozen=True)
class Done:
    """What a git command answered; bytes that are no UTF-8 are kept as surrogates."""

    exit_code: int
    stdout: str
    stderr: str


class Git:
    """Commands in the repository at `root`. Errors start with `where`, what it was about."""

    def __init__(self, root: Path, where: str) -> None:
        self.root = root
        self.where = where

    def run(
        self,
        *arguments: str,
        given: str | bytes | None = None,
        may_fail: bool = False,
        index: Path | None = None,
    ) -> Done:
        """Run git. For an exit code that is not 0, raises OutsideError unless it `may_fail`.

        It raises OutsideError too where it has not ended after MOST_SECONDS, and is ended then.
        Where there is no repository, or no such remote, that is a ConfigurationError. `index` takes
        the place of the checkout's own, which is never written.
        """
        raw = given.encode("utf-8", "surrogateescape") if isinstance(given, str) else given
        environment = {**_identity(), **_settings(os.environ), **_index(index)}
        answer = self._do(arguments, environment, raw)
        if answer.exit_code != 0 and not may_fail:
            self.require_place(ORIGIN if ORIGIN in arguments else None)
            raise self.failure(arguments[0], answer)
        return answer

    def require_place(self, remote: str | None = None) -> None:
        """Raises ConfigurationError where `root` is in no repository, or that has no `remote`.

        No server is asked: one that does not answer is there all the same.
        """
        found = self._do(("rev-parse", "--git-dir"), _IN_ENGLISH)
        if "not a git repository" in found.stderr:
            fault = f"{self.root} is in no git repository: run it in a clone"
            raise ConfigurationError(self.where, [fault])
        if remote is None:
            return
        remotes = self._do(("remote",), _IN_ENGLISH)
        if remotes.exit_code == 0 and remote not in remotes.stdout.split():
            fault = (
                f"there is no remote {remote}: add one (git remote add {remote} URL), or use "
                "--local (or --forge=local), where the command has it"
            )
            raise ConfigurationError(self.where, [fault])

    def failure(self, verb: str, done: Done) -> OutsideError:
        """A command that failed as an error, without credentials."""
        reason = without_credentials(done.stderr.strip() or f"exit code {done.exit_code}")
        return OutsideError(f"{self.where}: git {verb}: {reason}. Run again: nothing was lost.")

    def _do(
        self, arguments: Sequence[str], environment: Mapping[str, str], given: bytes | None = None
    ) -> Done:
        with subprocess.Popen(
            ["git", *_ALWAYS, *arguments],
            cwd=self.root,
            stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
            process_group=None if has_terminal() else 0,
        ) as process:
            try:
                stdout, stderr = process.communicate(given, timeout=MOST_SECONDS)
            except subprocess.TimeoutExpired:
                _end(process)
                told = f"{self.where}: git {arguments[0]}: took over {MOST_SECONDS:g} seconds"
                raise OutsideError(f"{told}. Run again: nothing was lost.") from None
            except BaseException:  # such as Ctrl-C: no git goes on without us
                _end(process)
                raise
        return Done(process.returncode, _text(stdout), _text(stderr))

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Whether `of` has `commit` in its history, or is it."""
        asked = ("merge-base", "--is-ancestor", commit, of)
        return self.run(*asked, may_fail=True).exit_code == 0

    def commit_of(self, ref: str) -> str | None:
        """The id of the commit that `ref` names, whatever a stranger put into it; None for none."""
        asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        return self.run(*asked, may_fail=True).stdout.strip() or None

    def require_commit(self, ref: str) -> str:
        """The id of the commit that `ref` names. Raises OutsideError where it is not here."""
        found = self.commit_of(ref)
        if found is None:
            self.require_place()
            raise OutsideError(f"{self.where}: no commit {ref[:60]!r}. Fetch it, then run again.")
        return found

    def tree_of(self, commit: str) -> str:
        """The id of a commit's tree."""
        return self.run("rev-parse", "--verify", f"{commit}^{{tree}}").stdout.strip()

    def file_at(self, commit: str, path: str) -> bytes | None:
        """A file of a commit; None where the commit does not have it, or is not here."""
        found = self.run("show", f"{commit}:{path}", may_fail=True)
        return found.stdout.encode("utf-8", "surrogateescape") if found.exit_code == 0 else None

    def write_blob(self, content: bytes) -> str:
        """Keep `content` as a blob. Returns its id."""
        return self.run("hash-object", "-w", "--stdin", given=content).stdout.strip()

    def write_tree(self, base: str | None, blobs: Mapping[str, str | None]) -> str:
        """The tree of the commit `base` with `blobs` by path laid over; None takes a file away."""
        with TemporaryDirectory(prefix="perennial-index-") as folder:
            index = Path(folder) / "index"
            self.run("read-tree", base or "--empty", index=index)
            rows = [
                f"0 {MISSING}\t{path}\0" if blob is None else f"100644 {blob}\t{path}\0"
                for path, blob in sorted(blobs.items())
            ]
            put = ("update-index", "--add", "--replace", "-z", "--index-info")
            self.run(*put, given="".join(rows), index=index)
            return self.run("write-tree", index=index).stdout.strip()

    def write_commit(self, tree: str, parents: Sequence[str], message: str) -> str:
        """A commit by us, on no branch yet. Returns its id."""
        named = [word for parent in parents for word in ("-p", parent)]
        return self.run("commit-tree", tree, *named, given=message).stdout.strip()


def has_terminal() -> bool:
    """Whether a person may be asked, such as for the passphrase of a key.

    Only a process of the terminal's own group may ask; git gets one of its own where nobody is.
    """
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git, politely at first: it then takes its locks away.

    With the helpers that speak to a server, which it leaves alone, where it has its own group.
    """
    if process.poll() is not None:
        return
    is_group = os.getpgid(process.pid) == process.pid
    tell = os.killpg if is_group else os.kill
    tell(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        tell(process.pid, signal.SIGKILL)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _identity() -> dict[str, str]:
    people = ("GIT_AUTHOR", "GIT_COMMITTER")
    return {f"{who}_{what}": value for who in people for what, value in _WHO.items()}


def _index(path: Path | None) -> dict[str, str]:
    return {} if path is None else {"GIT_INDEX_FILE": str(path)}


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    """No questions, no endless waits, and the job's token for its own server alone."""
    waits = {name: environment.get(name, value) for name, value in QUIET_SERVER.items()}
    quiet = {"GIT_TERMINAL_PROMPT": "0", **waits}
    server, token = environment.get("GITHUB_SERVER_URL"), environment.get("GITHUB_TOKEN")
    if not server or not token:
        return quiet
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        **quiet,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{server}/.extraheader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {basic}",
    }
