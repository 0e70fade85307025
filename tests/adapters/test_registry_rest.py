"""The alias `champion` through MLflow's REST API: a real server, and answers of broken ones."""

from __future__ import annotations

import pytest

from pipeline.adapters import registry_rest
from pipeline.adapters.registry_rest import RegistryRest
from pipeline.errors import ConfigurationError, OutsideError
from tests.servers import dribbling
from tests.servers.page import page, service
from tests.servers.ports import free_port
from tests.servers.registered import Registered

A, B, UNKNOWN = (f"sha256:{letter * 64}" for letter in "ab0")


def test_the_alias_moves_to_the_version_with_the_digest_and_back(mlflow_url: str) -> None:
    there, registry = Registered(mlflow_url, A, B), RegistryRest(mlflow_url)
    assert registry.champion(there.name) is None
    for digest, number in ((A, "1"), (B, "2"), (B, "2"), (A, "1")):  # twice is once
        registry.move_champion(there.name, digest)
        assert registry.champion(there.name) == digest
        assert there.champion == number


def test_of_two_versions_with_one_digest_the_first_is_taken(mlflow_url: str) -> None:
    there = Registered(mlflow_url, A, B, A)
    RegistryRest(mlflow_url).move_champion(there.name, A)
    assert there.champion == "1"


def test_a_digest_or_a_model_that_is_not_there_moves_nothing(mlflow_url: str) -> None:
    there, registry = Registered(mlflow_url, A), RegistryRest(mlflow_url)
    registry.move_champion(there.name, A)
    with pytest.raises(OutsideError, match=f"no version of {there.name} with {UNKNOWN}. Register"):
        registry.move_champion(there.name, UNKNOWN)
    assert registry.champion(there.name) == A
    assert registry.champion("nobody-knows-it") is None


def test_a_version_that_was_registered_without_a_digest_is_told_by_its_number(
    mlflow_url: str,
) -> None:
    there = Registered(mlflow_url)
    there.ask("POST", "model-versions/create", name=there.name, source="s3://packages/x")
    there.ask("POST", "registered-models/alias", name=there.name, alias="champion", version="1")
    assert RegistryRest(mlflow_url).champion(there.name) == "version 1"


@pytest.mark.parametrize(
    ("status", "body"), [(500, "down"), (503, ""), (200, "<html>"), (403, '{"message": "no"}')]
)
def test_an_answer_that_is_none_is_an_error_and_no_missing_alias(status: int, body: str) -> None:
    with page(status, body) as url, pytest.raises(OutsideError, match="Run again"):
        RegistryRest(url).champion("m")


def test_credentials_go_to_the_server_and_into_no_error() -> None:
    with service(500, "the password is s3cret") as (url, asked):
        place = url.removeprefix("http://")
        for registry in (RegistryRest(f"http://ada:s3cret@{place}"), RegistryRest(url, "s3cret")):
            with pytest.raises(OutsideError) as caught:
                registry.champion("m")
            assert "s3cret" not in str(caught.value)
    assert [header.split()[0] for _, header in asked if header] == ["Basic", "Bearer"]
    dead = RegistryRest(f"http://ada:s3cret@127.0.0.1:{free_port()}")
    with pytest.raises(OutsideError) as caught:
        dead.move_champion("m", A)
    assert "s3cret" not in str(caught.value)


def test_a_redirect_is_not_followed_since_it_would_carry_the_token() -> None:
    with (
        service(200, "{}") as (elsewhere, asked),
        page(302, "", Location=elsewhere) as url,
        pytest.raises(OutsideError, match="302"),
    ):
        RegistryRest(url, "s3cret").champion("m")
    assert asked == []


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("https://ada:s3cret@mlflow.example.invalid/", None),
        ("http://ada:s3/cret@127.0.0.1:9/", None),
        ("http://127.0.0.1:9/?token=s3cret", "s3\ncret"),
    ],
)
def test_no_error_shows_a_secret_however_odd_it_is(url: str, token: str | None) -> None:
    with pytest.raises((ConfigurationError, OutsideError)) as caught:
        RegistryRest(url, token).champion("m")
    assert "cret" not in str(caught.value).replace("is secret", "")


def test_a_user_of_the_url_goes_before_a_token_which_may_end_with_a_line() -> None:
    with service(200, "[]") as (url, asked):
        place = url.removeprefix("http://")
        for there, token in (
            (f"http://ada@{place}/?a=b", "t"),
            (f"http://a%40a:s@{place}", None),
            (url, "t\n"),
        ):
            RegistryRest(there, token).versions("m", A)
    assert [header for _, header in asked] == ["Basic YWRhOg==", "Basic YUBhOnM=", "Bearer t"]
    assert all(path.startswith("/api/2.0/mlflow/") for path, _ in asked)


@pytest.mark.parametrize("head", dribbling.STARTS)
def test_a_server_that_sends_a_byte_at_a_time_is_not_waited_for(
    head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_rest, "TIMEOUT_SECONDS", 0.5)
    with dribbling.given_up_on(head, r"did not answer .* \(TimeoutError\)") as address:
        RegistryRest(f"http://{address}").champion("m")


@pytest.mark.parametrize("url", ["sqlite:///mlflow.db", "file:///tmp", "http://", "mlflow"])
def test_a_place_that_is_no_server_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"expected http\(s\)"):
        RegistryRest(url)
