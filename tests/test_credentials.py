"""What people read never holds a credential, and stays readable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.credentials import secrets_in_query, without_credentials

WORDS = st.text("abcdefghijklmnop0123456789", min_size=4, max_size=12)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://bob:p@ss@db:5432/x", "postgresql://***@db:5432/x"),
        ("https://token@host/x", "https://***@host/x"),
        ("https://host/x?password=abc&y=1", "https://host/x?password=***&y=1"),
        ("https://host/x?Token=abc and more", "https://host/x?Token=*** and more"),
        (
            "https://host/x?access_token=abc&api_key=de#f&y=1",
            "https://host/x?access_token=***&api_key=***&y=1",
        ),
        ("https://host/x?X-Amz-Signature=abc&a=b", "https://host/x?X-Amz-Signature=***&a=b"),
        ("https://host/x?sig=a%2Fb&keys=c", "https://host/x?sig=***&keys=***"),
        ("db_password=abc and APIKEY=de", "db_password=*** and APIKEY=***"),
        ("https://host/x?user=u&y=1", "https://host/x?user=u&y=1"),
        ("sorted with key=abc, significance=0.05", "sorted with key=abc, significance=0.05"),
        ("one s3://a:b@c/d, two s3://e:f@g/h", "one s3://***@c/d, two s3://***@g/h"),
        ("sqlite:///mlflow.db", "sqlite:///mlflow.db"),
        ("https://host/a@b", "https://host/a@b"),
        ("write to ada@example.org", "write to ada@example.org"),
        ("", ""),
    ],
)
def test_credentials_of_urls_and_parameters_are_hidden_and_nothing_else_is(text, shown):
    assert without_credentials(text) == shown


def test_secrets_that_the_caller_knows_are_hidden_wherever_they_stand():
    assert without_credentials("401 for hunter2", ["hunter2"]) == "401 for ***"


@pytest.mark.parametrize("secrets", [[], [None], [""], ["b"], ["for"]])
def test_a_secret_that_is_not_set_or_too_short_hides_nothing(secrets):
    assert without_credentials("401 for bob", secrets) == "401 for bob"


def test_the_credentials_in_a_query_are_known_as_written_and_as_meant():
    url = "https://host/x?user=bob&api_key=a%2Fb+c&access_token=de"
    assert list(secrets_in_query(url)) == ["a%2Fb+c", "a/b c", "de", "de"]


@given(WORDS, WORDS)
def test_no_user_or_password_of_a_url_is_ever_shown(user, password):
    shown = without_credentials(f"failed: s3://{user}-U:{password}-P@host/key")
    assert f"{user}-U" not in shown
    assert f"{password}-P" not in shown
    assert without_credentials(shown) == shown
