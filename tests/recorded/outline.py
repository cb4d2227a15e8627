"""What an answer says, read out of the client's bytes by the vendors' own SDKs, or by hand where there is none.

An outline is text, calls as names with parsed arguments, how it ended, and the counts of input and output: what no
translation may change. `model_of` raises where an SDK does not take a body or an event.
"""

import orjson
from anthropic.types import Message as ClaudeMessage
from anthropic.types import RawMessageStreamEvent
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from translators.ir import Dialect, Finish, Message, Refusal, Text, ToolCall
from translators.sse import EventSplitter

WHOLE = {
    Dialect.OPENAI_CHAT: TypeAdapter(ChatCompletion),
    Dialect.OPENAI_COMPLETIONS: TypeAdapter(Completion),
    Dialect.OPENAI_RESPONSES: TypeAdapter(Response),
    Dialect.ANTHROPIC_MESSAGES: TypeAdapter(ClaudeMessage),
}
EVENT = {
    Dialect.OPENAI_CHAT: TypeAdapter(ChatCompletionChunk),
    Dialect.OPENAI_COMPLETIONS: TypeAdapter(Completion),
    Dialect.OPENAI_RESPONSES: TypeAdapter(ResponseStreamEvent),
    Dialect.ANTHROPIC_MESSAGES: TypeAdapter(RawMessageStreamEvent),
}
OWN = ("msg_sidestep_", "rs_sidestep_", "fc_sidestep_", "ctc_sidestep_")
"""How ids of items begin that were written here; items of a provider's own tools pass as it wrote them."""


def neutral(reply, client):
    """The outline that a client's answer must have, from the first choice of the neutral one.

    Completions and Gemini have no word for a refusal that ends as any other answer does: it is text there.
    """
    choice = reply.choices[0]
    parts = [part for item in choice.items if isinstance(item, Message) for part in item.parts]
    text = "".join(part.text for part in parts if isinstance(part, Text))
    calls = [(item.name, _arguments(item.arguments)) for item in choice.items if isinstance(item, ToolCall)]
    counts = (reply.usage.input, reply.usage.output) if reply.usage is not None else (0, 0)
    refusal = "".join(part.text for part in parts if isinstance(part, Refusal))
    if refusal and client in (Dialect.OPENAI_COMPLETIONS, Dialect.GEMINI):
        return said(text + refusal, calls, choice.finish, counts)
    return said(text, calls, Finish.CONTENT_FILTER if refusal else choice.finish, counts)


def said(text, calls, finish, counts):
    """The text of a filtered answer is not compared: some dialects say there why it was."""
    filtered = finish is Finish.CONTENT_FILTER
    return {"text": "" if filtered else text, "calls": calls, "finish": finish, "counts": counts}


def _arguments(text):
    """Arguments as a value; free text, and what was cut, as it is."""
    try:
        value = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return text
    return value["input"] if isinstance(value, dict) and value.keys() == {"input"} else value


# -- whole answers -----------------------------------------------------------------------------------------------


def of_body(client, body):
    """The outline of a client's whole answer. Raises ValidationError where its SDK does not take it."""
    value = orjson.loads(body)
    if client in WHOLE:
        own = {Dialect.OPENAI_RESPONSES: own_items, Dialect.ANTHROPIC_MESSAGES: own_blocks}.get(client)
        WHOLE[client].validate_python(value if own is None else own(value))
    return _READ[client](value)


def own_blocks(message):
    """The message without what its provider alone has a word for, which passes as it wrote it, a beta's blocks too."""
    kinds = ("text", "thinking", "redacted_thinking", "tool_use")
    return {**message, "content": [block for block in message["content"] if block["type"] in kinds]}


def own_items(response):
    return {**response, "output": [item for item in response["output"] if _is_own(item)]}


def _is_own(item):
    return str(item.get("id")).startswith(OWN)


_FINISHES = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "tool_calls": Finish.TOOL_CALLS,
    "content_filter": Finish.CONTENT_FILTER,
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "max_tokens": Finish.LENGTH,
    "tool_use": Finish.TOOL_CALLS,
    "refusal": Finish.CONTENT_FILTER,
    "STOP": Finish.STOP,
    "MAX_TOKENS": Finish.LENGTH,
    "SAFETY": Finish.CONTENT_FILTER,
}


def _chat(value):
    choice, usage = value["choices"][0], value.get("usage") or {}
    message = choice["message"]
    calls = [_chat_call(call) for call in message.get("tool_calls") or ()]
    counts = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
    finish = Finish.CONTENT_FILTER if message.get("refusal") else _FINISHES[choice["finish_reason"]]
    return said(message.get("content") or "", calls, finish, counts)


def _chat_call(call):
    if call["type"] == "custom":
        return call["custom"]["name"], _arguments(call["custom"]["input"])
    return call["function"]["name"], _arguments(call["function"]["arguments"])


def _completion(value):
    choice, usage = value["choices"][0], value.get("usage") or {}
    counts = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
    return said(choice["text"], [], _FINISHES[choice["finish_reason"]], counts)


def _claude(value):
    content, usage = value["content"], value["usage"]
    text = "".join(block["text"] for block in content if block["type"] == "text")
    calls = [(one["name"], _arguments(orjson.dumps(one["input"]))) for one in content if one["type"] == "tool_use"]
    cached = (usage.get("cache_read_input_tokens") or 0) + (usage.get("cache_creation_input_tokens") or 0)
    counts = (usage.get("input_tokens") or 0) + cached, usage["output_tokens"]
    return said(text, calls, _FINISHES[value["stop_reason"]], counts)


def _response(value):
    output, usage = value["output"], value.get("usage") or {}
    parts = [part for item in output if item["type"] == "message" for part in item["content"]]
    calls = [
        (item["name"], _arguments(item.get("arguments", item.get("input"))))
        for item in output
        if item["type"] in ("function_call", "custom_tool_call") and _is_own(item)
    ]
    reason = (value.get("incomplete_details") or {}).get("reason")
    ended = {"max_output_tokens": Finish.LENGTH, "content_filter": Finish.CONTENT_FILTER}
    finish = ended.get(reason, Finish.TOOL_CALLS if calls else Finish.STOP)
    if any(part["type"] == "refusal" for part in parts):
        finish = Finish.CONTENT_FILTER
    text = "".join(part.get("text", "") for part in parts if part["type"] == "output_text")
    return said(text, calls, finish, (usage.get("input_tokens", 0), usage.get("output_tokens", 0)))


def _gemini(value):
    candidate, usage = value["candidates"][0], value.get("usageMetadata") or {}
    parts = (candidate.get("content") or {}).get("parts") or []
    text = "".join(part["text"] for part in parts if "text" in part and not part.get("thought"))
    made = [part["functionCall"] for part in parts if "functionCall" in part]
    calls = [(call["name"], _arguments(orjson.dumps(call.get("args", {})))) for call in made]
    finish = _FINISHES[candidate["finishReason"]]
    if calls and finish is Finish.STOP:
        finish = Finish.TOOL_CALLS
    given = usage.get("promptTokenCount", 0) + usage.get("toolUsePromptTokenCount", 0)
    counts = given, usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0)
    return said(text, calls, finish, counts)


_READ = {
    Dialect.OPENAI_CHAT: _chat,
    Dialect.OPENAI_COMPLETIONS: _completion,
    Dialect.OPENAI_RESPONSES: _response,
    Dialect.ANTHROPIC_MESSAGES: _claude,
    Dialect.GEMINI: _gemini,
}

# -- streams -----------------------------------------------------------------------------------------------------


def of_stream(client, data):
    """The outline of a client's stream, put together as its SDK does it."""
    events = [orjson.loads(event.data) for event in EventSplitter().feed(data) if event.data != b"[DONE]"]
    for event in events if client in EVENT else ():
        EVENT[client].validate_python(_shown(client, event))
    return _READ[client](_JOINED[client](events))


def _shown(client, event):
    """A Responses client's event without items of a provider's own tools; of a completion's chunk the end that OpenAI,
    too, leaves null."""
    if client is Dialect.OPENAI_COMPLETIONS:
        return {
            **event,
            "choices": [{**one, "finish_reason": one["finish_reason"] or "stop"} for one in event["choices"]],
        }
    if client is not Dialect.OPENAI_RESPONSES:
        return event
    if "response" in event:
        return {**event, "response": own_items(event["response"])}
    if "item" in event and not _is_own(event["item"]):
        return {**event, "item": {"type": "reasoning", "id": "rs_1", "summary": []}}
    return event


def _chat_joined(events):
    state = ChatCompletionStreamState()
    for event in events:
        state.handle_chunk(ChatCompletionChunk.model_validate(event))
    return state.current_completion_snapshot.model_dump()


def _completion_joined(events):
    choices = [choice for event in events for choice in event["choices"] if choice["index"] == 0]
    usage = next((event["usage"] for event in reversed(events) if event.get("usage")), None)
    ends = [choice["finish_reason"] for choice in choices if choice["finish_reason"]]
    text = "".join(choice["text"] for choice in choices)
    return {"choices": [{"text": text, "finish_reason": ends[-1]}], "usage": usage}


def _claude_joined(events):
    blocks, message = {}, {}
    for event in events:
        if event["type"] == "message_start":
            message = event["message"]
        elif event["type"] == "content_block_start":
            blocks[event["index"]] = {**event["content_block"], "json": ""}
        elif event["type"] == "content_block_delta":
            block, delta = blocks[event["index"]], event["delta"]
            block["json"] += delta.get("partial_json", "")
            block["text"] = block.get("text", "") + delta.get("text", "")
        elif event["type"] == "message_delta":
            known = {name: one for name, one in event["usage"].items() if one is not None}
            message = {**message, **event["delta"], "usage": {**message["usage"], **known}}
    assert list(blocks) == list(range(len(blocks)))
    for block in blocks.values():
        if block["type"] == "tool_use":
            block["input"] = _arguments(block["json"]) if block["json"] else block["input"]
    return {**message, "content": list(blocks.values())}


def _response_joined(events):
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events[-1]["response"]


def _gemini_joined(events):
    first = [one for event in events for one in event.get("candidates", ()) if not one.get("index")]
    parts = [part for one in first for part in one.get("content", {}).get("parts", ())]
    ends = [one["finishReason"] for one in first if "finishReason" in one]
    usage = next((event["usageMetadata"] for event in reversed(events) if "usageMetadata" in event), {})
    return {"candidates": [{"content": {"parts": parts}, "finishReason": ends[-1]}], "usageMetadata": usage}


_JOINED = {
    Dialect.OPENAI_CHAT: _chat_joined,
    Dialect.OPENAI_COMPLETIONS: _completion_joined,
    Dialect.OPENAI_RESPONSES: _response_joined,
    Dialect.ANTHROPIC_MESSAGES: _claude_joined,
    Dialect.GEMINI: _gemini_joined,
}
