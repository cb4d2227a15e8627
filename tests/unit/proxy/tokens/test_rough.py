"""A rough count of input tokens."""

import pytest

from proxy.tokens.rough import roughly


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ({}, 0),
        ({"messages": [{"role": "user", "content": "x" * 400}]}, 100),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "x" * 40}]}, {"content": None}]}, 10),
        ({"input": "x" * 80, "instructions": "y" * 40}, 30),
        ({"input": ["x" * 80, "y" * 40]}, 30),
        ({"input": [1, 2, 3]}, 3),
        ({"input": [[1, 2], [3]]}, 3),
        ({"input": []}, 0),
        ({"messages": [{"content": "日本語" * 10}]}, 30),
        ({"messages": [{"content": "\ud800" * 10}]}, 10),
        ({"messages": [{"content": [{"type": "image_url", "image_url": {"url": "data:" + "A" * 10_000}}]}]}, 0),
        ({"tools": [{"name": "x" * 30}]}, 10),
        ({"messages": 7, "input": {"text": 3}}, 0),
    ],
)
def test_text_counts_by_its_length_and_pictures_do_not(body, tokens):
    assert roughly(body) == tokens
