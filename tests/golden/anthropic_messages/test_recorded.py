"""Real traffic with Anthropic, where a folder of it is named by SIDESTEP_RECORDED; none of it is part of the project.

`anthropic.jsonl.gz` there holds one exchange a line. Beside that folder, `specs/oas_validate.py` may offer the
published schema of the API; requests are then checked against it too.
"""

import gzip
import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path

import orjson
import pytest

from tests.recorded.each import each
from translators import anthropic_messages
from translators.faults import Kind
from translators.fold import fold
from translators.ir import Message, Text, ToolCall
from translators.profile import Profile
from translators.sse import EventSplitter

FOLDER = os.environ.get("SIDESTEP_RECORDED")
FILE = Path(FOLDER or "", "anthropic.jsonl.gz")
SPECS = Path(FOLDER or "", "..", "specs", "oas_validate.py")

if not FOLDER or not FILE.is_file():
    pytest.skip(f"SIDESTEP_RECORDED names no folder with {FILE.name}", allow_module_level=True)

LINES = gzip.decompress(FILE.read_bytes()).splitlines()
EXCHANGES = [exchange for exchange in map(orjson.loads, LINES) if exchange["endpoint"] == "/v1/messages"]
REQUESTS = [exchange for exchange in EXCHANGES if isinstance(exchange["request_body"], dict)]
ANSWERED = [exchange for exchange in EXCHANGES if exchange["status"] == 200 and exchange["response_body"]]


def profile_of(body):
    """A target that takes what this request says: the request was accepted."""
    thinking = (body.get("thinking") or {}).get("type")
    form = {"enabled": "budget", "adaptive": "adaptive", "disabled": "default"}.get(thinking, "effort")
    return Profile(provider="anthropic", model=body["model"], thinking=form, temperature_max=1.0, stop_max=100)


# -- answers -----------------------------------------------------------------------------------------------------


@each([one for one in ANSWERED if not one["stream"]])
def test_every_answer_is_read_and_written_again(exchange):
    body = exchange["response_body"].encode()
    reply = anthropic_messages.parse_reply(body, Profile(provider="anthropic", model="m"))
    said = orjson.loads(body)
    check(reply, said["content"], said["usage"])
    seen = anthropic_messages.inspect_reply(body, Profile())
    assert (seen.id, seen.usage, seen.finish) == (said["id"], reply.usage, reply.choices[0].finish)


def check(reply, content, usage):
    """What a reply must say of the blocks it was read from."""
    [choice] = reply.choices
    text = "".join(
        part.text for item in choice.items if isinstance(item, Message) for part in item.parts if isinstance(part, Text)
    )
    assert text == "".join(block["text"] for block in content if block["type"] == "text")
    calls = [(item.id, item.name, orjson.loads(item.arguments)) for item in choice.items if isinstance(item, ToolCall)]
    assert calls == [(one["id"], one["name"], one["input"]) for one in content if one["type"] == "tool_use"]
    thoughts = [item.opaque.data for item in choice.items if not isinstance(item, Message | ToolCall) and item.opaque]
    signed = [
        one.get("signature") or one.get("data") for one in content if one["type"] in ("thinking", "redacted_thinking")
    ]
    assert thoughts == [one for one in signed if one]
    cached, written = usage.get("cache_read_input_tokens") or 0, usage.get("cache_creation_input_tokens") or 0
    assert reply.usage.input == usage["input_tokens"] + cached + written
    assert reply.usage.output == usage["output_tokens"]


@each([one for one in ANSWERED if one["stream"]])
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_every_stream_folds_to_a_sane_answer(exchange, size):
    data = exchange["response_body"].encode()
    answers = data.count(b"event: message_start")
    if answers != 1:
        pytest.skip(f"{answers} answers were recorded in one body")
    splitter, reader = EventSplitter(), anthropic_messages.reader(Profile(provider="anthropic", model="m"))
    events = [event for at in range(0, len(data), size) for event in splitter.feed(data[at : at + size])]
    reply = fold([delta for event in events for delta in reader.feed(event)])
    reader.close()
    content, usage = assembled([orjson.loads(event.data) for event in events])
    check(reply, content, usage)


def assembled(events):
    """Blocks and usage of a stream, put together the plain way."""
    blocks, usage = {}, {}
    for event in events:
        kind = event["type"]
        if kind == "message_start":
            usage |= event["message"]["usage"]
        elif kind == "message_delta":
            usage |= {name: value for name, value in event["usage"].items() if value is not None}
        elif kind == "content_block_start":
            blocks[event["index"]] = {**event["content_block"], "json": ""}
        elif kind == "content_block_delta":
            block, delta = blocks[event["index"]], event["delta"]
            block["json"] += delta.get("partial_json", "")
            for name in ("text", "signature"):
                if name in delta:
                    block[name] += delta[name]
    for block in blocks.values():
        if block["type"] == "tool_use" and block["json"]:
            block["input"] = orjson.loads(block["json"])
    return [blocks[index] for index in sorted(blocks)], usage


@each([one for one in EXCHANGES if one["status"] != 200])
def test_every_error_is_classified_by_more_than_its_status(exchange):
    fault = anthropic_messages.parse_fault(exchange["status"], exchange["response_body"].encode(), Profile())
    kinds = {400: Kind.REFUSED, 404: Kind.MISSING, 429: Kind.THROTTLED, 529: Kind.OVERLOADED}
    assert fault.kind is kinds[exchange["status"]]
    assert fault.type in ("invalid_request_error", "not_found_error", "rate_limit_error", "overloaded_error")


# -- requests ----------------------------------------------------------------------------------------------------


def plain(value):
    """A request's value with the two ways of saying one thing made one, and the silent fields left out."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    kept = {name: plain(one) for name, one in value.items() if one is not None and not (name == "is_error" and not one)}
    if isinstance(kept.get("content"), str) and ("role" in kept or kept.get("type") == "tool_result"):
        kept["content"] = [{"type": "text", "text": kept["content"]}] if kept["content"].strip() else []
    if kept.get("type") == "tool_result" and not kept.get("content"):
        kept.pop("content", None)
    return kept


def comparable(body):
    """A body whose order of tools, unsaid defaults and split turns say nothing."""
    body = plain({name: value for name, value in body.items() if name not in ("stream", "output_format")})
    if isinstance(body.get("system"), str):
        body["system"] = [{"type": "text", "text": body["system"]}]
    for tool in body.get("tools", ()):
        if tool.get("type") == "custom":
            del tool["type"]
    body["tools"] = sorted(body.get("tools", ()), key=lambda tool: orjson.dumps(tool, option=orjson.OPT_SORT_KEYS))
    turns = []
    for message in body["messages"]:
        if turns and turns[-1]["role"] == message["role"]:
            turns[-1]["content"] = turns[-1]["content"] + message["content"]
        else:
            turns.append(message)
    body["messages"] = turns
    number_calls(turns)
    return body


def number_calls(turns):
    """Names calls by their place: an id that came twice is made unique on its way."""
    numbers, count = {}, 0
    for block in (block for turn in turns for block in turn["content"]):
        if block["type"] == "tool_use":
            count += 1
            numbers[block["id"]] = block["id"] = count
        elif block["type"] == "tool_result":
            block["tool_use_id"] = numbers[block["tool_use_id"]]


@each(REQUESTS)
def test_every_request_comes_back_up_to_its_report(exchange):
    body = exchange["request_body"]
    rendered, report = anthropic_messages.render_request(anthropic_messages.parse_request(body), profile_of(body))
    told = {"items": "messages", "max_completion_tokens": "max_tokens", "reasoning_effort": "thinking"}
    told |= {"web_search_options": "tools", "response_format": "output_config"}
    fields = {entry.field.partition("[")[0].partition(".")[0] for entry in report.entries}
    fields = {told.get(field, field) for field in fields}
    given, got = comparable(body), comparable(rendered)
    if "output_format" in body:
        given["output_config"] = {"format": body["output_format"]}
    if "messages" in fields:
        # Thinking does not say who signed it, so it is dropped, and that is in the report.
        given["messages"] = without_thinking(given["messages"])
    different = {name for name in given.keys() | got.keys() if given.get(name) != got.get(name)}
    assert different <= fields | adaptive_shown(given, got)


def without_thinking(messages):
    kinds = ("thinking", "redacted_thinking")
    kept = [{**one, "content": [block for block in one["content"] if block["type"] not in kinds]} for one in messages]
    return [one for one in kept if one["content"]]


def adaptive_shown(given, got):
    """Thinking that was asked for by an effort comes back with a summary: more is shown, nothing is lost."""
    asked, sent = given.get("thinking"), got.get("thinking")
    return {"thinking"} if asked and sent and {**sent, **asked} == sent else set()


@pytest.fixture(scope="module")
def schema_errors():
    if not SPECS.is_file():
        pytest.skip("no published schema beside the recorded folder")
    spec = importlib.util.spec_from_file_location("oas_validate", SPECS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda body: module.errors("anthropic", "CreateMessageParams", body)


# The schema's own loader leaves its file to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@each(REQUESTS)
def test_every_request_that_was_valid_stays_valid(exchange, schema_errors):
    body = exchange["request_body"]
    rendered, _ = anthropic_messages.render_request(anthropic_messages.parse_request(body), profile_of(body))
    assert schema_errors(body) or schema_errors(rendered) == []
