"""Laws of answers, for every dialect and every pair of them. To make one up costs many times what it costs to translate
it, so each is told to clients of every dialect."""

import gc
import itertools
import json
from contextlib import suppress
from functools import partial

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from msgspec import structs

from translators.catalog import DIALECTS, codec
from translators.faults import Failure, ProtocolFault, Truncated
from translators.fold import Folding, fold
from translators.ir import Delta, Dialect, Ended, Event, Reasoning, ReasoningEnd, TextDelta
from translators.openai_responses import marks
from translators.pipe import Translating
from translators.sse import EventSplitter

every_dialect = pytest.mark.parametrize("dialect", DIALECTS)


def law(test):
    """Of every dialect some answers: each costs more to make up than a hundred to read."""
    return every_dialect(settings(max_examples=25)(given(data=st.data())(test)))


def written(dialect, deltas, context):
    writer = codec(dialect).writer(context)
    return b"".join(map(writer.feed, deltas)) + writer.close()


def events_of(data, cuts=()):
    splitter = EventSplitter()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    events = [event for a, b in itertools.pairwise(edges) for event in splitter.feed(data[a:b])]
    splitter.close()
    assert splitter.leftover == 0
    return events


def read(dialect, events, profile):
    reader = codec(dialect).reader(profile)
    deltas = [delta for event in events for delta in reader.feed(event)]
    return [*deltas, *reader.close()]


@law
def test_any_split_of_the_bytes_gives_the_same_events(dialect, data, context, reply_of, deltas_of):
    stream = written(dialect, deltas_of(data.draw(reply_of(dialect))), context)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20))
    whole = events_of(stream)
    assert events_of(stream, cuts) == whole
    assert events_of(stream.replace(b"\n", b"\r\n"), cuts) == whole


@law
def test_the_deltas_of_an_answer_fold_to_it(dialect, data, reply_of, deltas_of):
    reply = data.draw(reply_of(dialect))
    assert fold(deltas_of(reply)) == reply


@law
def test_a_stream_folds_to_what_the_whole_answer_says(dialect, data, context, profile, reply_of, deltas_of):
    """Usage included."""
    reply = data.draw(reply_of(dialect))
    folded = fold(read(dialect, events_of(written(dialect, deltas_of(reply), context)), profile))
    assert folded == codec(dialect).parse_reply(codec(dialect).render_reply(reply, context), profile)


def unmarked(reply):
    """The answer with its blobs as their maker wrote them: a Responses client is told the maker in the blob."""
    return structs.replace(
        reply,
        choices=tuple(
            structs.replace(choice, items=tuple(map(_unmarked_item, choice.items))) for choice in reply.choices
        ),
    )


def _unmarked_item(item):
    mark = marks.unmarked(item.opaque.data) if isinstance(item, Reasoning) and item.opaque else None
    return item if mark is None else structs.replace(item, opaque=mark.opaque)


def _unmarked_delta(delta):
    mark = marks.unmarked(delta.opaque.data) if isinstance(delta, ReasoningEnd) and delta.opaque else None
    if mark is None:
        return delta
    return structs.replace(delta, opaque=structs.replace(delta.opaque, data=mark.opaque.data))


@law
def test_an_answer_comes_back_as_it_was_written(dialect, data, context, profile, reply_of):
    reply = data.draw(reply_of(dialect))
    assert unmarked(codec(dialect).parse_reply(codec(dialect).render_reply(reply, context), profile)) == reply


@law
def test_a_glance_agrees_with_a_reading(dialect, data, context, profile, reply_of):
    body = codec(dialect).render_reply(data.draw(reply_of(dialect)), context)
    seen, reply = codec(dialect).inspect_reply(body, profile), codec(dialect).parse_reply(body, profile)
    assert (seen.id, seen.model, seen.usage) == (reply.id, reply.model, reply.usage)
    assert seen.finish is reply.choices[0].finish


@law
def test_a_stream_that_ends_early_is_truncated(dialect, data, context, profile, reply_of, deltas_of):
    events = events_of(written(dialect, deltas_of(data.draw(reply_of(dialect))), context))
    kept = events[: data.draw(st.integers(0, len(events)))]
    reader = codec(dialect).reader(profile)
    deltas = [delta for event in kept for delta in reader.feed(event)]
    ended = {delta.choice for delta in deltas if isinstance(delta, Ended)}
    begun = {delta.choice for delta in deltas if hasattr(delta, "choice")}
    if begun and begun == ended:
        return
    with pytest.raises(Truncated):
        reader.close()


@pytest.mark.parametrize("upstream", DIALECTS)
@settings(max_examples=40)
@given(data=st.data())
def test_translating_a_stream_and_a_whole_answer_comes_to_the_same(
    upstream, data, context, profile, reply_of, deltas_of
):
    reply = data.draw(reply_of(upstream))
    reply = structs.replace(reply, choices=reply.choices[:1])
    events = events_of(written(upstream, deltas_of(reply), context))
    neutral = codec(upstream).parse_reply(codec(upstream).render_reply(reply, context), profile)
    for client in DIALECTS:
        pipe = Translating(codec(upstream).reader(profile), codec(client).writer(context))
        sent = [pipe.feed(event)[1] for event in events]
        streamed = fold(read(client, events_of(b"".join([*sent, pipe.close()[1]])), profile))
        whole = codec(client).parse_reply(codec(client).render_reply(neutral, context), profile)
        assert streamed == whole, client


@pytest.mark.parametrize("upstream", DIALECTS)
@settings(max_examples=40)
@given(data=st.data())
def test_a_folded_stream_is_the_body_that_a_whole_answer_gives(upstream, data, context, profile, reply_of, deltas_of):
    """And the reader sees no end before it is there."""
    reply = data.draw(reply_of(upstream))
    reply = structs.replace(reply, choices=reply.choices[:1])
    *events, last = events_of(written(upstream, deltas_of(reply), context))
    neutral = codec(upstream).parse_reply(codec(upstream).render_reply(reply, context), profile)
    for client in DIALECTS:
        rendered = partial(codec(client).render_reply, context=context)
        pipe = Folding(codec(upstream).reader(profile), rendered, 1 << 20)
        assert [pipe.feed(event)[1] for event in events] == [b""] * len(events), client
        assert not pipe.done, client
        pipe.feed(last)
        assert pipe.close()[1] == rendered(neutral), client


@law
def test_relaying_changes_no_delta_and_ends_once(dialect, data, context, profile, reply_of, deltas_of):
    stream = written(dialect, deltas_of(data.draw(reply_of(dialect))), context)
    pipe = codec(dialect).relay(profile, context)
    sent = b"".join([*(pipe.feed(event)[1] for event in events_of(stream)), pipe.close()[1]])
    relayed = [_unmarked_delta(delta) for delta in read(dialect, events_of(sent), profile)]
    assert relayed == read(dialect, events_of(stream), profile)


# -- totality ----------------------------------------------------------------------------------------------------

WORDS = [
    *("id", "model", "choices", "index", "delta", "message", "content", "text", "type", "error", "usage", "name"),
    *("finish_reason", "tool_calls", "function", "arguments", "custom", "input", "function_call", "logprobs", "role"),
    *("reasoning", "reasoning_content", "reasoning_details", "signature", "data", "thinking", "summary", "refusal"),
    *("prompt_tokens", "completion_tokens", "annotations", "audio", "x_groq", "prompt_tokens_details", "cached_tokens"),
    *("message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "ping"),
    *("message_stop", "content_block", "text_delta", "input_json_delta", "partial_json", "tool_use", "stop_reason"),
    *("input_tokens", "output_tokens", "details", "status", "code", "metadata", "raw", "stop", "length"),
    *("response.created", "response.completed", "response.output_item.added", "response.output_item.done", "output"),
    *("response.output_text.delta", "response.function_call_arguments.delta", "response.failed", "function_call"),
    *("item", "response", "call_id", "encrypted_content", "annotation", "message", "completed", "incomplete"),
]
scalars = st.none() | st.booleans() | st.integers(-2, 200) | st.floats() | st.sampled_from(WORDS) | st.text(max_size=5)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=20,
)
chunks = st.fixed_dictionaries(
    {"type": st.sampled_from(WORDS)},
    optional={
        "choices": st.lists(
            st.fixed_dictionaries(
                {"delta": st.dictionaries(st.sampled_from(WORDS), json_values, max_size=4)},
                optional={"index": st.integers(-1, 2), "finish_reason": json_values},
            ),
            max_size=2,
        ),
        "index": st.integers(-1, 2),
        "delta": json_values,
        "message": json_values,
        "content_block": json_values,
        "usage": json_values,
    },
)


@st.composite
def odd_events(draw):
    value = draw(json_values | chunks)
    data = draw(st.binary(max_size=20) | st.just(json.dumps(value).encode()) | st.just(b"[DONE]"))
    return Event(data, draw(st.sampled_from(["", "error", *WORDS[-23:-10]])))


@given(events=st.lists(odd_events(), max_size=6))
@settings(max_examples=100)
def test_any_event_gives_deltas_or_one_protocol_fault(events, context, profile):
    """And whatever came of it can be written in every dialect."""
    for dialect in DIALECTS:
        note(f"read as {dialect}")
        gives_deltas_or_one_protocol_fault(dialect, events, context, profile)


def gives_deltas_or_one_protocol_fault(dialect, events, context, profile):
    reader = codec(dialect).reader(profile)
    deltas = []
    try:
        for event in events:
            deltas += reader.feed(event)
        deltas += reader.close()
    except ProtocolFault:
        pass
    assert all(isinstance(delta, Delta) for delta in deltas)
    for other in DIALECTS:
        written(other, deltas, context)


@given(body=st.binary(max_size=40) | st.builds(lambda value: json.dumps(value).encode(), json_values | chunks))
@settings(max_examples=100)
def test_any_body_is_an_answer_a_failure_or_one_protocol_fault(body, profile):
    for dialect in DIALECTS:
        note(f"read as {dialect}")
        for read_body in (codec(dialect).parse_reply, codec(dialect).inspect_reply):
            with suppress(Failure, ProtocolFault):
                read_body(body, profile)


@given(
    status=st.integers(100, 599),
    body=st.binary(max_size=40) | st.builds(lambda v: json.dumps({"error": v}).encode(), json_values),
)
@settings(max_examples=100)
def test_any_error_body_is_some_fault(status, body, profile):
    for dialect in DIALECTS:
        fault = codec(dialect).parse_fault(status, body, profile)
        assert fault.message, dialect
        assert codec(dialect).render_fault(fault)[0] >= 400, dialect


# -- memory ------------------------------------------------------------------------------------------------------


def weight(thing):
    """Objects reachable from `thing` that are data, and the bytes in them."""
    seen, left, total = set(), [thing], 0
    while left:
        one = left.pop()
        if id(one) in seen or isinstance(one, type) or callable(one):
            continue
        seen.add(id(one))
        total += one.__sizeof__()
        left += gc.get_referents(one)
    return total


@every_dialect
def test_state_does_not_grow_with_the_text(dialect, context, profile, reply_of, deltas_of):
    """A megabyte of deltas leaves reader, writer and splitter as small as ten did. A Responses stream ends with the
    whole answer, so its writer must hold it."""
    reader, writer, splitter = codec(dialect).reader(profile), codec(dialect).writer(context), EventSplitter()
    weighed = [reader, splitter] if dialect is Dialect.OPENAI_RESPONSES else [reader, writer, splitter]
    weights = []
    for count in (10, 2000):
        for _ in range(count):
            for event in splitter.feed(writer.feed(TextDelta("x" * 500))):
                reader.feed(event)
        weights.append(weight(weighed))
    assert weights[1] <= weights[0] + 200
