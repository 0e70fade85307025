"""GitHub's parser and expressions answer as GitHub does."""

import pytest

from tests.actions.engine import FOLDER, Faulty, engine

RUN = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: echo\n"


def test_the_lock_file_names_no_registry_and_pins_every_package():
    text = (FOLDER / "package-lock.json").read_text()
    assert "http" not in text
    assert text.count('"integrity"') == text.count('"node_modules/')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            RUN.replace("runs-on: x", "runs-on: x\n    needs: b"),
            "at least one job with no dependencies",
        ),
        (RUN.replace("run: echo", "run: echo\n        oops: 1"), "Unexpected value 'oops'"),
        (RUN.replace("run: echo", "run: ${{ nobody.x }}"), "Unrecognized named-value: 'nobody'"),
        (
            RUN.replace("run: echo", "run: echo\n        if: always("),
            "Unexpected end of expression",
        ),
        ("on: push\njobs: [", "Flow sequence"),
    ],
)
def test_a_file_that_github_refuses_is_refused_in_its_words(text, words):
    with pytest.raises(Faulty, match=words.replace("(", r"\(")):
        engine().workflow("w.yml", text)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("github.nothing.below", None),
        ("github.EVENT.Name", "push"),
        ("'abc' == 'ABC'", True),
        ("'' || 0 || 'last'", "last"),
        ("1 == '1'", True),
        ("'it''s ''quoted'' twice'", "it's 'quoted' twice"),
        ("contains(github.list, 'b')", True),
        ("format('{0}-{1}', github.event.name, 3)", "push-3"),
        ("fromJSON('[1, 2]')[1]", 2),
        ("join(github.list.*, '+')", "a+b"),
        ("startsWith(github.event.name, 'PU')", True),
    ],
)
def test_expressions_have_githubs_own_rules(expression, value):
    contexts = {"github": {"event": {"name": "push"}, "list": ["a", "b"]}}
    assert engine().resolve({"$": expression}, contexts) == value


def test_leaves_become_strings_as_github_writes_them():
    value = {"a": {"$": "github.none"}, "b": {"$": "1 == 1"}, "c": {"$": "github.n"}, "d": 0.5}
    strings = engine().resolve(value, {"github": {"n": 3}}, strings=True)
    assert strings == {"a": "", "b": "true", "c": "3", "d": "0.5"}


@pytest.mark.parametrize(
    ("condition", "when_well", "when_failed", "when_cancelled"),
    [
        ("success() && (1 == 1)", True, False, False),
        ("failure()", False, True, False),
        ("always()", True, True, True),
        ("!cancelled()", True, True, False),
        ("cancelled()", False, False, True),
    ],
)
def test_status_functions_answer_for_the_job(condition, when_well, when_failed, when_cancelled):
    def asked(word):
        status = {name: name == word for name in ("success", "failure", "cancelled")}
        return engine().condition(condition, {}, status)

    answers = [asked(word) for word in ("success", "failure", "cancelled")]
    assert answers == [when_well, when_failed, when_cancelled]


def test_an_if_without_a_status_function_means_success_as_well():
    steps = "      - run: echo\n        if: github.ref == 'x'\n"
    tree = engine().workflow("w.yml", RUN.replace("      - run: echo\n", steps))["tree"]
    assert tree["jobs"]["a"]["if"] == "success()"
    assert tree["jobs"]["a"]["steps"][0]["if"] == "success() && (github.ref == 'x')"


def test_files_are_hashed_by_content_in_a_fixed_order(tmp_path):
    for name in ("b.txt", "a.txt"):
        (tmp_path / name).write_text(name)
    one = {"$": "hashFiles('*.txt')"}
    first = engine().strings(one, {}, tmp_path)
    assert len(first) == 64
    (tmp_path / "a.txt").write_text("other")
    assert engine().strings(one, {}, tmp_path) != first
    assert engine().strings({"$": "hashFiles('*.none')"}, {}, tmp_path) == ""


def test_a_folded_expression_is_nothing_but_its_value():
    text = RUN + "        env:\n          A: >-\n            ${{ github.x\n            || 'b' }}\n"
    [step] = engine().workflow("w.yml", text)["tree"]["jobs"]["a"]["steps"]
    assert engine().resolve(step["env"], {"github": {}}) == {"A": "b"}
