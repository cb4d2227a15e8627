"""An estimate is near, and rather above."""

import pytest

from proxy.tokens.estimated import AN_IMAGE, estimate
from translators.ir import (
    File,
    Foreign,
    Image,
    Message,
    OutputFormat,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)


def estimated(*items, **more) -> int:
    return estimate(Request(model="m", items=items, **more))


def test_an_estimate_is_near_the_text_and_rather_above_it():
    """English has some four bytes to a token."""
    text = "The quick brown fox jumps over the lazy dog. " * 100
    assert len(text) / 4.6 <= estimated(Message("user", (Text(text),))) <= len(text) / 2.5


@pytest.mark.parametrize(
    ("item", "more", "least"),
    [
        (ToolCall("1", "f", "x" * 300), {}, 100),
        (ToolResult("1", (Text("x" * 300),)), {}, 100),
        (Reasoning("x" * 300), {}, 100),
        (Message("user", (Image(data="AAAA", media_type="image/png"),)), {}, AN_IMAGE),
        (Message("user", (File(data="A" * 4000, media_type="application/pdf"),)), {}, 100),
        (Message("user", (Foreign("anthropic-messages", "search_result", {"text": "x" * 300}),)), {}, 100),
        (Message("user", ()), {"tools": (Tool("f", "x" * 300, {"type": "object"}),)}, 100),
        (Message("user", ()), {"output": OutputFormat("json_schema", {"description": "x" * 300})}, 100),
        (Message("user", ()), {"extra": {"mcp_servers": "x" * 300}}, 100),
    ],
)
def test_everything_in_a_conversation_counts(item, more, least):
    assert estimated(item, **more) >= least


def test_an_image_does_not_count_by_its_bytes():
    picture = Image(data="A" * 1_000_000, media_type="image/png")
    assert estimated(Message("user", (picture,))) < 2 * AN_IMAGE


def test_what_is_not_in_the_request_counts_as_nothing():
    assert estimated(Message("user", (File(file_id="file-1"),))) < 20
