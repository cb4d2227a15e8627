"""How much one answer may say."""

import pytest

from translators.bounds import output_bound
from translators.ir import Dialect


@pytest.mark.parametrize(
    ("dialect", "fields", "found"),
    [
        (Dialect.OPENAI_CHAT, {}, (None, 1)),
        (Dialect.OPENAI_CHAT, {"max_tokens": 5}, (5, 1)),
        (Dialect.OPENAI_CHAT, {"max_completion_tokens": 7, "n": 3}, (7, 3)),
        (Dialect.OPENAI_CHAT, {"max_completion_tokens": 7, "max_tokens": 9}, (9, 1)),
        (Dialect.OPENAI_COMPLETIONS, {"max_tokens": 16, "n": 2, "best_of": 5}, (16, 5)),
        (Dialect.OPENAI_RESPONSES, {"max_output_tokens": 20, "n": 4, "max_tokens": 90}, (20, 1)),
        (Dialect.ANTHROPIC_MESSAGES, {"max_tokens": 0}, (0, 1)),
        (Dialect.GEMINI, {"generationConfig": {"maxOutputTokens": 8, "candidateCount": 2}}, (8, 2)),
        (Dialect.GEMINI, {"maxOutputTokens": 8}, (None, 1)),
        (Dialect.GEMINI, {"generationConfig": None}, (None, 1)),
    ],
)
def test_each_dialect_bounds_its_answers_in_its_own_fields(dialect, fields, found):
    assert output_bound(dialect, fields) == found


@pytest.mark.parametrize("value", ["100", 10.0, True, -1, None, [5]])
def test_what_is_no_whole_number_bounds_nothing(value):
    assert output_bound(Dialect.OPENAI_CHAT, {"max_tokens": value, "n": value}) == (None, 1)


def test_no_number_of_answers_is_none():
    assert output_bound(Dialect.OPENAI_CHAT, {"n": 0}) == (None, 1)


@pytest.mark.parametrize("dialect", Dialect)
def test_every_dialect_has_a_bound(dialect):
    assert output_bound(dialect, {}) == (None, 1)
