"""One request, or one answer, taken from one dialect to another as the proxy does it, in few words."""

from typing import Any

import orjson
from msgspec import structs

from translators import remember, sse
from translators.catalog import codec
from translators.codec import Context
from translators.fold import fold
from translators.ir import Dialect, Event
from translators.pipe import Translating
from translators.profile import Profile
from translators.sse import EventSplitter

CHAT = Dialect.OPENAI_CHAT
RESPONSES = Dialect.OPENAI_RESPONSES
CLAUDE = Dialect.ANTHROPIC_MESSAGES
GEMINI = Dialect.GEMINI

Json = Any
SECRET = b"s" * 32


def profile(**more: Json) -> Profile:
    return Profile(**{"provider": "p", "model": "m", "account": "a", "max_output": 8192} | more)


def context(*, echo: Json = None) -> Context:
    return Context(id="id_1", created=5, model="m", include_usage=True, echo=echo or {})


# -- requests ----------------------------------------------------------------------------------------------------


def asked(client: Dialect, target: Dialect, body: Json, **quirks: Json) -> tuple[Json, dict[str, str]]:
    """The body for the target, and what the Report says of each field."""
    request = codec(client).parse_request({"model": "m", **body})
    rendered, report = codec(target).render_request(request, profile(**quirks))
    return orjson.loads(orjson.dumps(rendered)), {entry.field: entry.verdict.value for entry in report.entries}


def asked_again(client: Dialect, target: Dialect, answer: bytes, body: Json, **quirks: Json) -> Json:
    """The body of a request whose client has dropped all it does not know of `answer`, which `target` gave."""
    maker = profile(**quirks)
    items = codec(target).parse_reply(answer, maker).choices[0].items
    origin = maker.origin(target)
    kept = remember.remembered(items, SECRET, origin, plain=maker.reasoning_replay)
    assert kept is not None
    request = codec(client).parse_request({"model": "m", **body})
    found = remember.spans(request.items, SECRET)
    turns = {at: kept.turn for at, span in enumerate(found) if span.key == kept.key}
    return codec(target).render_request(remember.restored(request, turns, found, origin), maker)[0]


# -- answers -----------------------------------------------------------------------------------------------------


def told(upstream: Dialect, client: Dialect, answer: Json, **quirks: Json) -> Json:
    """A whole answer as the client gets it."""
    body = answer if isinstance(answer, bytes) else orjson.dumps(answer)
    reply = codec(upstream).parse_reply(body, profile(**quirks))
    return orjson.loads(codec(client).render_reply(reply, context()))


def streamed(upstream: Dialect, client: Dialect, events: list[Json], **quirks: Json) -> list[Json]:
    """The client's events, parsed, of an upstream's; raises as the pipe does."""
    reader, writer = codec(upstream).reader(profile(**quirks)), codec(client).writer(context())
    pipe = Translating(reader, writer)
    sent = b"".join([*(pipe.feed(event_of(one))[1] for one in events), pipe.close()[1]])
    return payloads(sent)


def relayed(dialect: Dialect, events: list[Json], **quirks: Json) -> list[Json]:
    """The client's events of an upstream of its own dialect."""
    pipe = codec(dialect).relay(profile(**quirks), context())
    return payloads(b"".join([*(pipe.feed(event_of(one))[1] for one in events), pipe.close()[1]]))


def folded(dialect: Dialect, events: list[Json], **quirks: Json) -> Json:
    """The neutral answer that a stream makes."""
    reader = codec(dialect).reader(profile(**quirks))
    deltas = [delta for one in events for delta in reader.feed(event_of(one))]
    return fold([*deltas, *reader.close()])


def event_of(value: Json) -> Event:
    if isinstance(value, bytes):
        return Event(value)
    kind = value.get("type")
    return Event(orjson.dumps(value), kind if isinstance(kind, str) and "choices" not in value else "")


def payloads(data: bytes) -> list[Json]:
    """What events carry; a `[DONE]` as its text."""
    events = EventSplitter().feed(data)
    assert b"".join(sse.encode(event.data, event.name) for event in events) == data, "nothing but whole events"
    return [orjson.loads(event.data) if event.data[:1] == b"{" else event.data.decode() for event in events]


# -- what providers send -----------------------------------------------------------------------------------------


def chunk(finish: str | None = None, *, usage: Json = None, **delta: Json) -> Json:
    """One chunk of a chat stream."""
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 5, "model": "m"}
    more = {} if usage is None else {"usage": usage}
    return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def call_chunk(index: int, arguments: str, **head: str) -> Json:
    """A fragment of a tool call; `id` and `name` begin one."""
    function = {"arguments": arguments} | ({"name": head.pop("name")} if "name" in head else {})
    return chunk(tool_calls=[{"index": index, **head, "function": function}])


def chat_answer(finish: str = "stop", **message: Json) -> Json:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": None, **message}}
    head = {"id": "c1", "object": "chat.completion", "created": 5, "model": "m"}
    return {**head, "choices": [choice], "usage": usage}


def claude_answer(*content: Json, stop: str = "end_turn", usage: Json = None) -> Json:
    counts = usage or {"input_tokens": 3, "output_tokens": 4}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m"}
    return {**head, "content": list(content), "stop_reason": stop, "stop_sequence": None, "usage": counts}


def claude_events(*blocks: Json, stop: str = "end_turn", start: Json = None, end: Json = None) -> list[Json]:
    """The stream of an answer; a block is its start and the deltas after it."""
    counts = start or {"input_tokens": 3, "output_tokens": 1}
    events = [{"type": "message_start", "message": {**claude_answer(stop=stop, usage=counts), "stop_reason": None}}]
    for index, (block, *deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    told_end = {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}}
    return [*events, {**told_end, "usage": end or {"output_tokens": 4}}, {"type": "message_stop"}]


def gemini_answer(*parts: Json, finish: str | None = "STOP", usage: Json = None) -> Json:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    counts = usage or {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7}
    ended = {} if finish is None else {"finishReason": finish}
    return {"candidates": [candidate | ended], "usageMetadata": counts, "modelVersion": "m", "responseId": "r1"}


def response_of(*output: Json, status: str = "completed") -> Json:
    usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    head = {"id": "resp_1", "object": "response", "created_at": 5, "model": "m", "status": status}
    return {**head, "output": list(output), "usage": usage}


def said_item(text: str, **more: Json) -> Json:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content, **more}


def call_item(arguments: str, *, name: str = "look_up", call_id: str = "call_1") -> Json:
    item = {"type": "function_call", "id": "fc_1", "call_id": call_id, "name": name}
    return {**item, "arguments": arguments, "status": "completed"}


# -- what clients send -------------------------------------------------------------------------------------------

USER = {"role": "user", "content": "hello"}


def called(*ids: str, name: str = "look_up", **more: Json) -> Json:
    """A chat client's assistant message with calls."""
    calls = [{"id": one, "type": "function", "function": {"name": name, "arguments": "{}"}} for one in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls, **more}


def result(call_id: str, content: Json = "rain") -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def deltas_of(chunks: list[Json]) -> list[Json]:
    """The deltas of a chat client's chunks."""
    return [choice["delta"] for one in chunks if isinstance(one, dict) for choice in one["choices"]]


def calls_of(chunks: list[Json]) -> list[list[str]]:
    """Id, name and arguments of each call, put together as OpenAI's own SDK does: everything is appended."""
    made: list[list[str]] = []
    for call in (call for delta in deltas_of(chunks) for call in delta.get("tool_calls") or ()):
        if call["index"] == len(made):
            made.append(["", "", ""])
        slot = made[call["index"]]
        slot[0] += call.get("id", "")
        slot[1] += call["function"].get("name", "")
        slot[2] += call["function"].get("arguments", "")
    return made


def finishes_of(chunks: list[Json]) -> list[str | None]:
    return [choice["finish_reason"] for one in chunks if isinstance(one, dict) for choice in one["choices"]]


def kinds_of(events: list[Json]) -> list[str]:
    """The types of an Anthropic or Responses client's events."""
    return [event["type"] for event in events]


def blocks_of(events: list[Json]) -> list[Json]:
    """The blocks of an Anthropic client's events, put together as its SDK does."""
    blocks: list[Json] = []
    for event in events:
        if event["type"] == "content_block_start":
            assert event["index"] == len(blocks)
            blocks.append({**event["content_block"], "json": ""})
        elif event["type"] == "content_block_delta":
            block, delta = blocks[event["index"]], event["delta"]
            block["json"] += delta.get("partial_json", "")
            for name in ("text", "thinking", "signature"):
                if name in delta:
                    block[name] = block.get(name, "") + delta[name]
    for block in blocks:
        text = block.pop("json")
        if text:
            block["input"] = orjson.loads(text)
    return blocks


def without(value: Json, *names: str) -> Json:
    return {name: one for name, one in value.items() if name not in names}


def unstarted(reply: Json) -> Json:
    """A neutral answer without its id and model."""
    return structs.replace(reply, id="", model="")
