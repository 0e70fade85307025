import pytest

from pipeline.adapters.traffic import Backend, Weights
from pipeline.core.routing import routing_key
from pipeline.errors import ConfigurationError

CHAMPION, CHALLENGER = Backend("v1", "127.0.0.1", 1), Backend("v2", "models.example", 2)
HOSTILE = [
    "",
    "../v1",
    "a b",
    "A",
    "-a",
    "a-",
    "a\n",
    "a" * 64,
    'a"}',
    "{{ x }}",
    "\u202ea",
    "a;set map",
    "x" * 1_000_000,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused_in_a_short_message(name):
    with pytest.raises(ConfigurationError, match=r"champion\.name: found") as caught:
        Weights(Backend(name, "127.0.0.1", 1))
    assert len(str(caught.value)) < 400
    assert str(caught.value).isascii()


ZONED = ["::1%x\n  server evil 6.6.6.6:80", "::1%x; shutdown frontend traffic", "fe80::1%eth0"]


@pytest.mark.parametrize(
    "host", [*HOSTILE[1:5], *HOSTILE[6:7], "a..b", "a_b", "1.2.3.4/x", "a:1", *ZONED]
)
def test_a_hostile_host_is_refused(host):
    if host == "a-":
        host = "a-."
    with pytest.raises(ConfigurationError, match=r"challenger\.host: found"):
        Weights(CHAMPION, Backend("v2", host, 1))


@pytest.mark.parametrize("salt", ["", "A", "a:b", "a\\1", "-a", "a" * 64])
def test_a_salt_that_routing_would_refuse_is_refused(salt):
    with pytest.raises(ConfigurationError, match="salt: found"):
        Weights(CHAMPION, CHALLENGER, 1, salt)
    with pytest.raises(ValueError, match="salt: found"):
        routing_key(salt, "user")


@pytest.mark.parametrize(("challenger", "points"), [(None, 0), (CHALLENGER, 1)])
def test_a_copy_for_nobody_or_for_who_has_users_is_refused(challenger, points):
    with pytest.raises(ConfigurationError, match="is_mirrored: a copy goes to a challenger"):
        Weights(CHAMPION, challenger, points, "salt", is_mirrored=True)


@pytest.mark.parametrize("points", [-1, 10_001, True, 2.5, "5"])
def test_a_weight_outside_the_whole_is_refused(points):
    with pytest.raises(ConfigurationError, match="expected 0 to 10,000"):
        Weights(CHAMPION, CHALLENGER, points, "salt")


def test_without_a_challenger_nobody_can_be_sent_to_one():
    with pytest.raises(ConfigurationError, match="expected 0 to 0"):
        Weights(CHAMPION, None, 1)


def test_every_fault_is_told_at_once():
    with pytest.raises(ConfigurationError) as caught:
        Weights(Backend("A", "b c", 0), Backend("A", "d", 70_000), 10_001, "S")
    assert len(caught.value.faults) == 8


@pytest.mark.parametrize("host", ["10.0.0.1", "::1", "a", "a-b.c.example", "localhost"])
def test_addresses_and_names_are_hosts(host):
    assert Weights(Backend("v1", host, 65_535)).backends[0].host == host


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("2001:DB8::1", "2001:db8::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("::FFFF:127.0.0.1", "::ffff:127.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("Models.example", "Models.example"),
    ],
)
def test_an_address_is_kept_as_a_system_tells_it(host, told):
    assert Backend("v1", host, 1) == Backend("v1", told, 1)


ONE, TWO, THREE = (Backend(name, "127.0.0.1", 80) for name in ("one", "two", "three"))
HALF = Weights(ONE, TWO, 5_000, "salt")


@pytest.mark.parametrize(
    ("wanted", "before", "is_less"),
    [
        (Weights(THREE), None, True),
        (HALF, HALF, True),
        (Weights(ONE, TWO, 5_001, "salt"), HALF, False),
        (Weights(ONE, TWO, 4_999, "other"), HALF, False),  # other users, who had the champion
        (Weights(ONE, THREE, 4_999, "salt"), HALF, False),
        (HALF, Weights(ONE), False),
        (HALF, None, False),
    ],
)
def test_traffic_is_taken_away_where_no_user_gets_a_challenger_anew(wanted, before, is_less):
    assert wanted.is_no_more_than(before) is is_less
