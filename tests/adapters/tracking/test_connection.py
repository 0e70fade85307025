"""Where the registry is, what its failures say, and what they never say."""

from dataclasses import replace

import pytest

from pipeline.adapters.tracking import find_version, register, set_alias, shown_uri
from pipeline.errors import OutsideError
from tests.adapters.tracking.challengers import details
from tests.servers.ports import free_port


def test_a_registry_that_is_down_is_a_clear_error(name, challenger, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    for call in (
        lambda: register(challenger, **details(name)),
        lambda: find_version(name, challenger.digest),
        lambda: set_alias(name, "champion", challenger.digest),
    ):
        with pytest.raises(OutsideError, match=r"the MLflow registry http://127.* run again"):
            call()


def test_credentials_in_the_uri_are_used_and_never_shown(
    name, challenger, through_proxy, monkeypatch, capfd
):
    with_secret = through_proxy.url.replace("//", "//alice:s3cr%40t@")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", with_secret)
    assert "//***@" in shown_uri()
    register(challenger, **details(name))
    assert through_proxy.authorizations == {"Basic YWxpY2U6czNjckB0"}  # alice:s3cr@t
    through_proxy.arm(1, is_after=False)
    with pytest.raises(OutsideError) as error:
        register(challenger, **details(name))
    shown = str(error.value) + shown_uri() + "".join(capfd.readouterr())
    assert "s3cr" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://bob:p@ss@db:5432/x", "postgresql://***@db:5432/x"),
        ("https://host/x?password=abc&y=1", "https://host/x?password=***&y=1"),
        ("sqlite:///mlflow.db", "sqlite:///mlflow.db"),
    ],
)
def test_a_uri_is_shown_without_its_credentials(monkeypatch, text, shown):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", text)
    assert shown_uri() == shown


def test_without_a_uri_a_sqlite_file_and_a_folder_in_the_current_one_are_used(
    name, challenger, monkeypatch, tmp_path
):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.chdir(tmp_path)
    made = register(challenger, **details(name))
    assert register(challenger, **details(name)) == replace(made, is_new=False)
    assert find_version(name, challenger.digest) == 1
    assert (tmp_path / "mlflow.db").is_file()
    assert list((tmp_path / "mlartifacts").rglob("model.skops"))
    assert not (tmp_path / "mlruns").exists()
