"""Configuration: everything that is wrong is said at once, with its place."""

from pathlib import Path

import pytest

from pipeline.config import (
    ComparisonPolicy,
    Gates,
    Params,
    UseCase,
    load_gates,
    load_params,
    load_schema,
    load_section,
    load_usecase,
    parse_section,
)
from pipeline.errors import ConfigurationError
from pipeline.strict_yaml import parse_yaml

ROOT = Path(__file__).parent.parent


def faults_of(kind: type, text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        parse_section(kind, parse_yaml(text, "file.yaml"), "file.yaml")
    return caught.value.faults


def test_the_shipped_configuration_loads() -> None:
    assert load_params(ROOT).collect.as_of.isoformat() == "2013-07-02T00:00:00+00:00"
    assert isinstance(load_gates(ROOT).comparison, ComparisonPolicy)
    assert load_usecase(ROOT).model == "flight-delay"
    assert "carrier" in load_schema(ROOT).columns


def test_every_fault_is_reported_at_once_with_its_path() -> None:
    text = (ROOT / "params.yaml").read_text()
    text = text.replace("recent_days: 30", "recent_days: -1")
    text = text.replace("trials: 6", 'trials: "twelve"')
    text = text.replace("method: time", "method: shuffle")
    faults = faults_of(Params, text)
    assert len(faults) == 3
    assert faults[0].startswith("collect.recent_days: found -1")
    assert faults[1].startswith("split.method: found 'shuffle'")
    assert "'time' or 'stratified'" in faults[1]
    assert faults[2].startswith("train.trials: found 'twelve'")


def test_an_unknown_key_suggests_the_nearest_known_one() -> None:
    text = (ROOT / "configs" / "gates.yaml").read_text()
    faults = faults_of(Gates, text.replace("min_improvement", "min_improvment"))
    assert "comparison.min_improvment: unknown key; did you mean 'min_improvement'?" in faults
    assert "comparison.min_improvement: missing, expected a value" in faults


def test_a_missing_file_and_broken_yaml_name_the_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"(?s)usecase\.yaml.*not found"):
        load_section(UseCase, tmp_path / "usecase.yaml")
    with pytest.raises(ConfigurationError, match="line 2, column 5"):
        parse_yaml("a: [1,\nb: 2", "x.yaml")


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'a' twice"):
        parse_yaml("a: 1\na: 2\n", "x.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\nb: [*a, *a]\n",
        "!!python/object/apply:os.system ['true']",
        "[" * 5000,
        "a" * 1_000_001,
        "2013-99-99T00:00:00Z",
        "\x00",
    ],
    ids=["alias", "python tag", "deep", "huge", "impossible date", "control character"],
)
def test_hostile_yaml_is_one_clear_error(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_yaml(text, "x.yaml")


@pytest.mark.parametrize("name", ["../etc", "A", "", "a b", "-a", "a" * 64, "a\n", "${{x}}"])
def test_a_model_name_is_safe_wherever_it_is_used(name: str) -> None:
    value = {
        "model": name,
        "question": "?",
        "positive": "y",
        "negative": "n",
        "decision_threshold": 0.5,
    }
    with pytest.raises(ConfigurationError, match="model"):
        parse_section(UseCase, value, "usecase.yaml")


def test_a_time_without_a_zone_is_utc_and_another_zone_is_converted() -> None:
    text = (ROOT / "params.yaml").read_text()
    local = text.replace("2013-07-02T00:00:00Z", "2013-07-02T02:00:00+02:00")
    plain = text.replace("2013-07-02T00:00:00Z", "2013-07-02T00:00:00")
    for changed in (local, plain):
        params = parse_section(Params, parse_yaml(changed, "p"), "p")
        assert params.collect.as_of.isoformat() == "2013-07-02T00:00:00+00:00"


def test_a_limit_that_limits_nothing_is_refused() -> None:
    text = (ROOT / "configs" / "gates.yaml").read_text().replace("{min: 0.58}", "{}")
    assert any("limits nothing" in fault for fault in faults_of(Gates, text))


@pytest.mark.parametrize(
    ("name", "kind", "before", "after", "words"),
    [
        ("configs/gates.yaml", Gates, "min_improvement: 0.01", "min_improvement: 1", "0.01 is one"),
        ("configs/gates.yaml", Gates, "accuracy: 0.02", "accuracy: 2", "0.01 is one"),
        ("configs/gates.yaml", Gates, "margin: 0.05", "margin: 5", "0.01 is one"),
        ("configs/gates.yaml", Gates, "{min: 0.58}", "{min: 58}", "roc_auc.min is 58; expected"),
        ("params.yaml", Params, "n_jobs: 2", "n_jobs: 0", "or -1 for one a core"),
        ("params.yaml", Params, "neg_log_loss", "acuracy", "'neg_log_loss', 'neg_brier_score'"),
        ("params.yaml", Params, "sample_rows: 20_000", "sample_rows: 59", "equal to 60"),
        ("params.yaml", Params, "[0.5, 2.0]", "[2.0, 0.5]", "the lower end first"),
    ],
)
def test_a_figure_that_cannot_be_meant_is_refused(
    name: str, kind: type, before: str, after: str, words: str
) -> None:
    text = (ROOT / name).read_text()
    assert before in text
    [fault] = faults_of(kind, text.replace(before, after))
    assert words in fault


def test_a_limit_of_the_log_loss_may_be_above_one() -> None:
    text = (ROOT / "configs/gates.yaml").read_text()
    changed = text.replace("roc_auc: {min: 0.58}", "log_loss: {max: 1.5}")
    assert "log_loss" in parse_section(Gates, parse_yaml(changed, "g"), "g").comparison.limits


@pytest.mark.parametrize("text", ["? [a]\n: 1\n", "{{a: 1}: 2}"])
def test_a_key_that_is_no_plain_value_is_one_clear_error(text):
    with pytest.raises(ConfigurationError, match=r"x\.yaml"):
        parse_yaml(text, "x.yaml")


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n", "null\n"])
def test_an_empty_file_is_said_to_be_empty(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_section(UseCase, parse_yaml(text, "usecase.yaml"), "usecase.yaml")
    expected = "model, question, positive, negative, decision_threshold"
    assert caught.value.faults == (f"the file is empty, expected {expected}",)


def test_a_value_where_keys_belong_is_told_without_a_word_of_classes() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_section(UseCase, parse_yaml("- a list", "usecase.yaml"), "usecase.yaml")
    assert caught.value.faults[0].startswith("(whole file): found ('a list',), expected model, ")
    with pytest.raises(ConfigurationError) as caught:
        parse_section(Params, {"split": None}, "params.yaml")
    assert "split: found None, expected keys of its own below it" in caught.value.faults


def test_a_key_that_would_act_on_a_log_is_quoted() -> None:
    with pytest.raises(ConfigurationError) as found:
        parse_section(UseCase, {"a\n::error::x\x1b[2J": 1}, "usecase.yaml")
    assert "'a\\n::error::x\\x1b[2J': unknown key" in found.value.faults
