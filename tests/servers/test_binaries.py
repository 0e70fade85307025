"""Without a server a developer's tests are skipped; in CI that would hide them, so they fail."""

import pytest

from tests.servers.binaries import binary


def test_a_missing_server_skips_on_a_developers_machine(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-server or nor-this is not in PATH"):
        binary("no-such-server", "nor-this")


def test_a_missing_server_fails_in_ci(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"run \.ci/install_test_servers"):
        binary("no-such-server")
