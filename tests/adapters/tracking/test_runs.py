"""What a run holds, however much it is."""

import pytest

from pipeline.adapters.tracking import register
from pipeline.errors import OutsideError
from tests.adapters.tracking.challengers import details


def test_more_params_than_fit_one_request_are_all_logged(client, name, challenger):
    many = {f"p{number}": number for number in range(230)}
    made = register(challenger, **details(name, params=many))
    assert len(client.get_run(made.run_id).data.params) == 232


def test_a_deleted_experiment_says_how_to_restore_it(client, name, challenger):
    experiment = client.create_experiment(name)
    client.delete_experiment(experiment)
    with pytest.raises(OutsideError, match=f"mlflow experiments restore.* {experiment}$"):
        register(challenger, **details(name))
