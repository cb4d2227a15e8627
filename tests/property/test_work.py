"""Work grows with the size of what came, and no faster: a request or an answer of many small parts holds nobody up.

Counted are the calls that are made, which a busy machine does not change.
"""

import json
import sys

import pytest

from translators.catalog import DIALECTS, PROVIDERS, codec
from translators.faults import Malformed
from translators.ir import (
    Dialect,
    Ended,
    Finish,
    ReasoningDelta,
    ReasoningEnd,
    Started,
    TextDelta,
    ToolArguments,
    ToolStart,
)
from translators.sse import EventSplitter

FEW, MANY = 60, 240
MARK = {"cache_control": {"type": "ephemeral"}}
USER = {"role": "user", "content": "u"}


def calls(work) -> int:
    """How many calls `work()` makes, resumed generators among them."""
    count = 0

    def seen(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def linear(make) -> None:
    """`make(n)` gives work on `n` things; what is done once may stand beside it."""
    make(FEW)()
    base, few, many = (calls(make(count)) for count in (0, FEW, MANY))
    assert many - base <= 1.3 * MANY / FEW * (few - base) + 200, (base, few, many)


def anthropic(**fields):
    return {"model": "m", "max_tokens": 9, "messages": [USER], **fields}


def tool_loop(count):
    called = [{"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for n in range(count)]
    results = [{"role": "tool", "tool_call_id": f"c{n}", "content": "r"} for n in range(count)]
    return [USER, {"role": "assistant", "tool_calls": called}, *results] if count else [USER]


CHAT, RESPONSES, MESSAGES = Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES, Dialect.ANTHROPIC_MESSAGES
TEXT = {"type": "text", "text": "t", **MARK}
FILE = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}
PICTURE = {"type": "image_url", "image_url": {"url": "https://images.test/a.svg"}}
SEARCH = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
REQUESTS = {
    "marked texts of a system message": (MESSAGES, lambda n: anthropic(system=[TEXT] * n or "s")),
    "marked texts": (MESSAGES, lambda n: anthropic(messages=[{"role": "user", "content": [TEXT] * n or "u"}])),
    "parts of another's": (
        MESSAGES,
        lambda n: anthropic(messages=[USER, {"role": "assistant", "content": [SEARCH] * n}]),
    ),
    "messages": (CHAT, lambda n: {"model": "m", "messages": [USER, {"role": "system", "content": "s"}] * n or [USER]}),
    "pictures": (CHAT, lambda n: {"model": "m", "messages": [{"role": "user", "content": [PICTURE] * n or "u"}]}),
    "calls": (CHAT, lambda n: {"model": "m", "messages": tool_loop(n)}),
    "files": (RESPONSES, lambda n: {"model": "m", "input": [{"role": "user", "content": [FILE] * n or "u"}]}),
    "tools": (
        CHAT,
        lambda n: {
            "model": "m",
            "messages": [USER],
            "tools": [{"type": "function", "function": {"name": f"f{k}", "strict": True}} for k in range(n)],
        },
    ),
}


@pytest.mark.parametrize("target", PROVIDERS)
@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_of_many_parts_costs_as_much_as_they_are(name, target, profile):
    """Read, rendered, and its report told in the client's words."""
    client, body_of = REQUESTS[name]

    def make(count):
        body = body_of(count)

        def work():
            try:
                request = codec(client).parse_request(body)
            except Malformed:
                assert not count
                return
            fields, report = codec(target).render_request(request, profile)
            report.rename(codec(client).naming(body), request.extra)
            report.header()
            json.dumps(fields)

        return work

    linear(make)


def texts(count):
    return [TextDelta("x") for _ in range(count)]


def thoughts(count):
    return [delta for _ in range(count) for delta in (ReasoningDelta("x"), ReasoningEnd(None))]


def tools(count):
    return [delta for n in range(count) for delta in (ToolStart(n, f"c{n}", "f"), ToolArguments(n, "{}"))]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("said", [texts, thoughts, tools])
def test_a_stream_of_many_parts_costs_as_much_as_they_are(said, dialect, context, profile):
    """Written, cut into events, and read again."""

    def make(count):
        deltas = [Started("i", "m"), TextDelta("t"), *said(count), Ended(Finish.STOP)]

        def work():
            writer, reader, splitter = codec(dialect).writer(context), codec(dialect).reader(profile), EventSplitter()
            for delta in deltas:
                for event in splitter.feed(writer.feed(delta)):
                    reader.feed(event)
            for event in splitter.feed(writer.close()):
                reader.feed(event)

        return work

    linear(make)
