"""One version for each digest, and aliases that move between them."""

import pytest

from pipeline.adapters.tracking import find_version, register, set_alias
from pipeline.errors import OutsideError
from tests.adapters.tracking.challengers import details, new_challenger


def test_a_newer_challenger_takes_the_alias_and_can_give_it_back(client, name, tmp_path, model):
    first, second = (new_challenger(tmp_path, model) for _ in range(2))
    register(first, **details(name))
    register(second, **details(name))
    assert find_version(name, first.digest) == 1
    assert find_version(name, second.digest) == 2
    assert client.get_model_version_by_alias(name, "challenger").version == "2"
    assert set_alias(name, "champion", first.digest) == 1
    assert set_alias(name, "champion", first.digest) == 1
    assert client.get_registered_model(name).aliases == {"challenger": "2", "champion": "1"}


def test_a_digest_that_nobody_registered_has_no_version_and_gets_no_alias(name, challenger):
    unknown = "sha256:" + "0" * 64
    assert find_version(name, unknown) is None
    register(challenger, **details(name))
    assert find_version(name, unknown) is None
    with pytest.raises(OutsideError, match=f"{unknown}: no version of '{name}'"):
        set_alias(name, "champion", unknown)
