"""What is charged for tools of the provider's own, by what a body allows."""

import pytest

from proxy.flow import Hosted
from proxy.tokens.hosted import hosted
from translators.ir import Dialect

MESSAGES, RESPONSES, CHAT = Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_RESPONSES, Dialect.OPENAI_CHAT
GEMINI = Dialect.GEMINI
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
PREVIEW = {"type": "web_search_preview_2025_03_11"}


@pytest.mark.parametrize(
    ("dialect", "fields", "found"),
    [
        (MESSAGES, {"tools": [SEARCH]}, Hosted(3)),
        (MESSAGES, {"tools": [SEARCH, {**SEARCH, "max_uses": 2}]}, Hosted(5)),
        (MESSAGES, {"tools": [{**SEARCH, "max_uses": 0}]}, None),
        (MESSAGES, {"tools": [{"name": "f", "input_schema": {}}, {"type": "custom", "name": "g"}]}, None),
        (MESSAGES, {"tools": [{"type": "bash_20250124"}, {"type": "web_fetch_20250910", "max_uses": 2}]}, None),
        (MESSAGES, {"tools": [{"type": "advisor_20260101", "max_uses": 2}]}, Hosted(0, "advisor_20260101")),
        (RESPONSES, {"tools": [{"type": "web_search"}], "max_tool_calls": 4}, Hosted(4)),
        (RESPONSES, {"tools": [{"type": "web_search"}, {"type": "mcp"}], "max_tool_calls": 4}, Hosted(4)),
        (RESPONSES, {"tools": [PREVIEW], "max_tool_calls": 4}, Hosted(4, "web_search_preview")),
        (RESPONSES, {"tools": [PREVIEW, {"type": "file_search"}], "max_tool_calls": 4}, Hosted(4, "file_search")),
        (RESPONSES, {"tools": [{"type": "image_generation"}], "web_search_options": {}}, Hosted(0, "image_generation")),
        (RESPONSES, {"tools": [{"type": "web_search", "max_uses": 1}], "max_tool_calls": 50}, Hosted(50)),
        (RESPONSES, {"tools": [{"type": "web_search", "max_uses": None}], "max_tool_calls": 50}, Hosted(50)),
        (RESPONSES, {"tools": [{"type": "web_search"}]}, Hosted(1)),
        (MESSAGES, {"tools": [{**SEARCH, "max_uses": "many"}, {**SEARCH, "max_uses": -1}]}, Hosted(2)),
        (MESSAGES, {"tools": [SEARCH], "max_tool_calls": 1}, Hosted(3)),
        (RESPONSES, {"tools": [{"type": "file_search"}], "max_tool_calls": 4}, Hosted(0, "file_search")),
        (RESPONSES, {"tools": [{"type": "function", "name": "f"}], "max_tool_calls": 4}, None),
        (CHAT, {"tools": [{"type": "function"}]}, None),
        (CHAT, {"web_search_options": {}}, Hosted(0, "web_search_options")),
        (CHAT, {"tools": "nonsense"}, None),
        (CHAT, {}, None),
        (CHAT, {"tools": [{"google_search": {}}]}, Hosted(0, "google_search")),
        (CHAT, {"tools": [{"function": {"name": "f"}}, {"name": "f"}, {}]}, None),
        (GEMINI, {"tools": [{"googleSearch": {}}]}, Hosted(1)),
        (GEMINI, {"tools": [{"google_search": {}, "functionDeclarations": []}]}, Hosted(1)),
        (GEMINI, {"tools": [{"googleSearchRetrieval": {}}, {"urlContext": {}}]}, Hosted(1)),
        (GEMINI, {"tools": [{"googleSearch": {}}, {"googleMaps": {}}]}, Hosted(1, "googleMaps")),
        (GEMINI, {"tools": [{"enterpriseWebSearch": {}}]}, Hosted(0, "enterpriseWebSearch")),
        (GEMINI, {"tools": [{"functionDeclarations": []}, {"codeExecution": {}}]}, None),
        (GEMINI, {"tools": {}}, None),
    ],
)
def test_only_searches_are_counted_and_what_else_costs_is_named(dialect, fields, found):
    assert hosted(dialect, fields) == found


def test_a_model_that_searches_unasked_counts_as_asked():
    assert hosted(CHAT, {"messages": []}, unasked=True) == Hosted(0, "web_search_options")
    assert hosted(CHAT, {"messages": []}) is None
