"""Asking an HTTP service once: in a time that holds in all, and without showing its secrets."""

from __future__ import annotations

import base64
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote_to_bytes, urlsplit, urlunsplit
from urllib.request import (
    AbstractHTTPHandler,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    Request,
    build_opener,
)

from pipeline.credentials import without_credentials

# What asking may raise, none of it to be shown as it is: see `reason_of`.
NOT_ANSWERED = (OSError, HTTPException, ValueError)
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class Service:
    """Where a service is, without the user of its URL, and the headers that it is asked with."""

    url: str
    headers: Mapping[str, str]


def service_of(url: str, token: str | None = None) -> tuple[Service, list[str]]:
    """The service at `url`, asked with `token` (a bearer token) if there is one; and the faults.

    A user and password in the URL are sent as Basic ones, unless there is a token. Space around
    either is left out: a secret that was pasted often ends with a line. No fault shows a secret.
    """
    url, token = url.strip(), (token or "").strip()
    faults = []
    if not is_http(url):
        # With an @ it may be anything that is a password.
        found = "one with an @" if "@" in url else repr(without_credentials(url)[:100])
        faults.append(f"url: found {found}, expected http(s)://…, in ASCII")
    if token and not _PRINTABLE.fullmatch(token):
        faults.append("token: expected printable ASCII (what was found is secret)")
    if faults:
        return Service("", {}), faults
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    headers = {}
    if user:
        pair = unquote_to_bytes(user if ":" in user else f"{user}:")
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return Service(urlunsplit(parts._replace(netloc=host)), headers), []


def is_http(url: str) -> bool:
    """Whether `url` can be asked: http or https, a host, a port that is one, printable ASCII.

    False with an @ behind the host: there it is the rest of a password with a slash in it.
    """
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:  # half an IPv6 address, a port that is no number
        return False
    is_plain = _PRINTABLE.fullmatch(url) is not None and "@" not in parts.path
    return is_whole and is_plain and parts.scheme in ("http", "https")


def ask_once(request: Request, seconds: float, max_bytes: int) -> tuple[int, bytes]:
    """The status and the first `max_bytes` of what `request` is answered. No redirect is followed.

    The whole answer must have come `seconds` after the connection was taken. Raises one of
    NOT_ANSWERED where it has not.
    """
    with ExitStack() as lines:
        opener = build_opener(_NoRedirect, _Http(lines, seconds), _Https(lines, seconds))
        try:
            with opener.open(request, timeout=seconds) as response:
                return response.status, response.read(max_bytes)
        except HTTPError as error:
            with error:
                return error.code, error.read(max_bytes)


def reason_of(error: Exception) -> str:
    """Why nothing was answered: the system's words, or the type of any other error.

    Those of urllib and http.client quote what they refuse: a header, and so a token; a part of the
    URL, and so a password.
    """
    reason = getattr(error, "reason", error)
    if isinstance(reason, OSError) and reason.errno is not None:
        return str(reason)
    return type(reason if isinstance(reason, Exception) else error).__name__


@contextmanager
def cut_after(seconds: float, sock: socket.socket) -> Iterator[None]:
    """Within the block the connection of `sock` lasts that long; then what is read ends.

    Raises TimeoutError where it was cut. A socket's own timeout begins anew with each byte: a byte
    a second would keep all looks waiting. The connection is cut even where `sock` has been wrapped
    for TLS meanwhile, or given to a response.
    """
    is_late = threading.Event()
    with sock.dup() as line:

        def cut() -> None:
            is_late.set()
            with suppress(OSError):  # it may have ended by itself
                line.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(seconds, cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            if is_late.is_set():
                raise TimeoutError  # whatever the cut looked like to who was reading


class _Bounded(AbstractHTTPHandler):
    """Makes connections that are cut `seconds` after they were taken, or when `lines` closes."""

    def __init__(self, lines: ExitStack, seconds: float) -> None:
        super().__init__()
        self._lines, self._seconds = lines, seconds

    def do_open(self, http_class: Any, req: Request, **arguments: Any) -> HTTPResponse:
        def made(host: str, **more: Any) -> Any:
            connection = http_class(host, **more)
            # The only place between the connection and TLS, or a proxy's answer, which may dribble.
            connection._create_connection = self._connect
            return connection

        return super().do_open(made, req, **arguments)

    def _connect(self, *arguments: Any, **more: Any) -> socket.socket:
        sock = socket.create_connection(*arguments, **more)
        self._lines.enter_context(cut_after(self._seconds, sock))
        return sock


class _Http(_Bounded, HTTPHandler):
    pass


class _Https(_Bounded, HTTPSHandler):
    pass


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would carry the token to wherever it points."""

    def redirect_request(self, *_: Any) -> None:
        """No redirect is followed: urllib then raises it as an HTTPError."""
