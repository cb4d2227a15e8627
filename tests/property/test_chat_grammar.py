"""The grammar of a chat stream, whatever deltas it is written from.

Per choice: one role chunk first, then deltas, one finish reason, and nothing after it. Then the usage chunk where it
was asked for, then the end mark.
"""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from translators.catalog import DIALECTS, codec
from translators.codec import Context
from translators.ir import Dialect, Finish, ToolCall
from translators.sse import EventSplitter

chat = codec(Dialect.OPENAI_CHAT)


def check(chunks, deltas, context):
    *chunks, end = chunks
    assert end == b"[DONE]"
    chunks = [orjson.loads(chunk) for chunk in chunks]
    if context.include_usage:
        assert chunks[-1]["choices"] == []
        assert chunks.pop()["usage"] is not None
    assert {chunk.get("usage", "absent") for chunk in chunks} == {None if context.include_usage else "absent"}
    assert {(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks} == {
        (context.id, context.created, context.model)
    }
    found = {}
    for [choice] in (chunk["choices"] for chunk in chunks):
        found.setdefault(choice["index"], []).append(choice)
    assert found.keys() == {delta.choice for delta in deltas if hasattr(delta, "choice")} | {0}
    for choices in found.values():
        check_choice(choices)


def check_choice(choices):
    *before, last = choices
    assert [choice["delta"].get("role") for choice in choices] == ["assistant"] + [None] * len(before)
    assert all(choice["finish_reason"] is None for choice in before)
    assert last["finish_reason"] in {finish.value for finish in Finish}
    calls = [call for choice in choices for call in choice["delta"].get("tool_calls", ())]
    started = [call["index"] for call in calls if "id" in call]
    assert started == list(range(len(started)))
    for index in started:
        own = [call for call in calls if call["index"] == index]
        assert "id" in own[0]
        assert all("id" not in call and "name" not in call["function"] for call in own[1:])
        orjson.loads("".join(call["function"]["arguments"] for call in own))


@pytest.mark.parametrize("dialect", DIALECTS)
@given(data=st.data(), include_usage=st.booleans(), named=st.booleans())
def test_every_stream_keeps_the_grammar(dialect, data, include_usage, named, reply_of, deltas_of):
    """A call without arguments included, whose arguments must still be JSON in the end."""
    reply = data.draw(reply_of(dialect))
    bare = data.draw(st.booleans())
    choices = [
        structs.replace(
            choice,
            items=tuple(
                structs.replace(item, arguments="") if bare and isinstance(item, ToolCall) else item
                for item in choice.items
            ),
        )
        for choice in reply.choices
    ]
    deltas = deltas_of(structs.replace(reply, choices=tuple(choices)))
    context = Context(id="chatcmpl-1", created=5, model="m", include_usage=include_usage, named_tool=named)
    writer = chat.writer(context)
    sent = b"".join(map(writer.feed, deltas)) + writer.close()
    check([event.data for event in EventSplitter().feed(sent)], deltas, context)
