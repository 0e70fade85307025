from pipeline.core.report import parameters as report_parameters
from tests.core import reports


def test_what_changed_comes_first_in_the_table_of_parameters():
    rows = [
        [cell.text for cell in row]
        for row in report_parameters.parameter_table(reports.passing()).rows
    ]
    assert rows == [
        ["learning_rate", "0.05", "0.0371", "changed"],
        ["max_leaf_nodes", "not set", "31", "changed"],
        ["warm_start", "True", "not set", "changed"],
        ["max_iter", "150", "150", "same"],
    ]
    line = report_parameters.parameter_line(reports.passing())
    assert line == "3 of 4 changed; 16 trials by halving search."


def test_without_the_champions_parameters_the_challengers_stand_alone():
    inputs = reports.passing(champion_params=None)
    assert len(report_parameters.parameter_table(inputs).columns) == 2
    assert report_parameters.parameter_line(inputs) == "3 parameters; 16 trials by halving search."


def test_a_search_that_ran_out_of_time_says_so():
    train = {**reports.passing().train, "is_out_of_time": True}
    assert "out of time" in report_parameters.parameter_line(reports.passing(train=train))


def test_without_a_search_the_line_says_so_and_there_are_no_trials():
    train = {**reports.passing().train, "trials": 0}
    inputs = reports.passing(train=train, trials=())
    assert report_parameters.parameter_line(inputs) == "3 of 4 changed; no search."
    assert report_parameters.trial_table(inputs).rows == ()


def test_trials_of_the_last_round_come_first_and_the_best_of_them():
    rows = [
        [cell.text for cell in row] for row in report_parameters.trial_table(reports.passing()).rows
    ]
    assert rows[0] == ["learning_rate 0.0371, loss log_loss", "27,000", "−0.512"]
    assert [row[2] for row in rows] == ["−0.512", "−0.520", "−0.530", "−0.610"]


def test_a_search_in_one_round_has_neither_rounds_nor_rows():
    trials = [{"param_model__depth": "3", "mean_test_score": "0.5", "std_test_score": "0.1"}]
    rows = report_parameters.trial_table(reports.passing(trials=trials)).rows
    assert [cell.text for cell in rows[0]] == ["depth 3", "", "0.500"]
