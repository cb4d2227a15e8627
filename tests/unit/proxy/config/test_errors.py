"""Mistakes are collected, told with their source, and raised together."""

import pytest

from proxy.config.errors import ENVIRONMENT, OPTION, ConfigError, ConfigErrors, Problems, listed, nearest


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConfigError("a.b", "is wrong", "f.toml"), "f.toml: a.b: is wrong"),
        (ConfigError("", "is wrong", "f.toml"), "f.toml: is wrong"),
        (ConfigError("X", "is wrong", ENVIRONMENT), "environment variable X: is wrong"),
        (ConfigError("--x", "is wrong", OPTION), "option --x: is wrong"),
        (ConfigError("", "it is wrong", ""), "it is wrong"),
    ],
)
def test_an_error_says_where_its_value_came_from(error, text):
    assert str(error) == text


def test_the_same_mistake_is_told_once():
    problems = Problems("f.toml")
    problems.add("a", "b")
    problems.add("a", "b")
    problems.add("a", "c")
    assert len(problems.errors) == 2


def test_names_are_listed_and_suggested():
    assert (listed([]), listed(["a"]), listed(["a", "b", "c"])) == ("nothing", "a", "a, b and c")
    assert nearest("opnai", ["openai", "anthropic"]) == '; did you mean "openai"?'
    assert nearest("zzz", ["openai"]) == ""


def test_errors_are_raised_together_and_only_if_there_are_any():
    problems = Problems("f.toml")
    problems.warn("x", "is odd")
    problems.stop()
    problems.add("a", "is wrong")
    problems.add("B", "is not set", ENVIRONMENT)
    with pytest.raises(ConfigErrors, match=r"^f.toml: a: is wrong\nenvironment variable B: is not set$"):
        problems.stop()
    assert problems.warnings == ["f.toml: x: is odd"]


def test_a_mistake_is_one_line_whatever_it_names():
    assert "\n" not in str(ConfigError('headers."a\nb"', "is not\na header name", "config.toml"))
    assert str(ConfigError("X", "is\x1b[2J odd", ENVIRONMENT)) == "environment variable X: is [2J odd"
