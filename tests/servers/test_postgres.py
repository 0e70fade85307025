"""Without PostgreSQL a developer's tests are skipped; in CI that would hide them, so they fail."""

import pytest

from tests.servers.postgres import _binary


def test_a_missing_server_skips_on_a_developers_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-server is not in PATH"):
        _binary("no-such-server")


def test_a_missing_server_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="install PostgreSQL's server"):
        _binary("no-such-server")
