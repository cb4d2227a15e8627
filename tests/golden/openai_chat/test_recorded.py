"""Real traffic of the vendors that speak chat, where a folder of it is named by SIDESTEP_RECORDED; none of it is part
of the project.

`VENDOR.jsonl.gz` there hold one exchange a line. Beside that folder, `specs/oas_validate.py` may offer OpenAI's
published schema; what is written is then checked against it too.
"""

import gc
import gzip
import importlib.util
import os
import warnings
from pathlib import Path

import orjson
import pytest

from tests.recorded.each import each
from translators import embeddings, openai_chat
from translators.codec import Context
from translators.faults import Failure, Kind
from translators.fold import fold
from translators.ir import Failed, Message, Text, ToolCall, Usage
from translators.profile import Profile
from translators.sse import EventSplitter

FOLDER = os.environ.get("SIDESTEP_RECORDED")
VENDORS = ("openai", "azure", "deepseek", "groq", "mistral", "openrouter", "xai")
FILES = [path for vendor in VENDORS if (path := Path(FOLDER or "", f"{vendor}.jsonl.gz")).is_file()]
SPECS = Path(FOLDER or "", "..", "specs", "oas_validate.py")

if not FOLDER or not FILES:
    pytest.skip("SIDESTEP_RECORDED names no folder of recorded chat traffic", allow_module_level=True)

EXCHANGES = [orjson.loads(line) for path in FILES for line in gzip.decompress(path.read_bytes()).splitlines()]
CHAT = [one for one in EXCHANGES if one["endpoint"].endswith("/chat/completions") and one["response_body"]]
ANSWERED = [one for one in CHAT if one["status"] == 200]
PROFILE = Profile(provider="p", model="m", audio=True)
CONTEXT = Context(id="chatcmpl-1", created=1790000000, model="m", include_usage=True)


@pytest.fixture(scope="module")
def invalid():
    """What OpenAI's schema has against a value."""
    if not SPECS.is_file():
        pytest.skip("no published schemas beside the recordings")
    spec = importlib.util.spec_from_file_location("oas_validate", SPECS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with warnings.catch_warnings(action="ignore"):
        module.errors("openai", "CreateChatCompletionResponse", {})  # it leaves its files to the garbage collector
        gc.collect()
    return lambda name, value: module.errors("openai", name, value)


def profile_of(exchange):
    return Profile(provider="p", model="m", output_excludes_reasoning=exchange["provider"] == "xai")


def events_of(data, size=1 << 24):
    splitter = EventSplitter()
    return [event for at in range(0, len(data), size) for event in splitter.feed(data[at : at + size])]


def read(exchange, size=1 << 24):
    reader = openai_chat.reader(profile_of(exchange))
    deltas = [delta for event in events_of(exchange["response_body"].encode(), size) for delta in reader.feed(event)]
    if not any(isinstance(delta, Failed) for delta in deltas):
        deltas += reader.close()
    return deltas


def text_of(content):
    """The text of a content field, thinking aside."""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if part["type"] == "text")
    return content or ""


def check(choice, content, calls):
    parts = [part for item in choice.items if isinstance(item, Message) for part in item.parts]
    assert "".join(part.text for part in parts if isinstance(part, Text)) == content
    found = [(item.name, orjson.loads(item.arguments or "{}")) for item in choice.items if isinstance(item, ToolCall)]
    assert found == [(name, orjson.loads(arguments or "{}")) for name, arguments in calls]


def counted(exchange, usage):
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    more = reasoning if exchange["provider"] == "xai" else 0
    return usage["prompt_tokens"], usage["completion_tokens"] + more


# -- answers -----------------------------------------------------------------------------------------------------


@each([one for one in ANSWERED if not one["sse"]])
def test_every_answer_is_read_and_its_counts_agree(exchange):
    body = exchange["response_body"].encode()
    said = orjson.loads(body)
    reply = openai_chat.parse_reply(body, profile_of(exchange))
    for choice, wire in zip(reply.choices, said["choices"], strict=True):
        message = wire["message"]
        functions = [one["function"] for one in message.get("tool_calls") or []]
        functions += [message["function_call"]] if message.get("function_call") else []
        calls = [(one["name"], one.get("arguments")) for one in functions]
        check(choice, text_of(message.get("content")) or (message.get("audio") or {}).get("transcript", ""), calls)
    assert (reply.usage.input, reply.usage.output) == counted(exchange, said["usage"])
    seen = openai_chat.inspect_reply(body, profile_of(exchange))
    assert (seen.id, seen.usage, seen.finish) == (said["id"], reply.usage, reply.choices[0].finish)


@each([one for one in ANSWERED if one["sse"]])
def test_every_stream_is_read_and_its_counts_agree(exchange):
    chunks = [
        orjson.loads(event.data) for event in events_of(exchange["response_body"].encode()) if event.data[:1] == b"{"
    ]
    deltas = read(exchange)
    if any(chunk.get("error") for chunk in chunks):
        with pytest.raises(Failure):
            fold(deltas)
        return
    reply = fold(deltas)
    for choice in reply.choices:
        wires = [one for chunk in chunks for one in chunk["choices"] if one["index"] == choice.index]
        pieces = [one.get("delta") or {} for one in wires]
        assembled = {}
        for call in (call for piece in pieces for call in piece.get("tool_calls") or []):
            slot = assembled.setdefault(call.get("index", 0), ["", ""])
            slot[0] = slot[0] or call["function"].get("name") or ""
            slot[1] += call["function"].get("arguments") or ""
        check(choice, "".join(text_of(piece.get("content")) for piece in pieces), map(tuple, assembled.values()))
    usages = [chunk["usage"] for chunk in chunks if chunk.get("usage")]
    usages += [chunk["x_groq"]["usage"] for chunk in chunks if (chunk.get("x_groq") or {}).get("usage")]
    if usages:
        assert (reply.usage.input, reply.usage.output) == counted(exchange, usages[-1])
    else:
        assert reply.usage is None


@each([one for one in ANSWERED if one["sse"] and len(one["response_body"]) < 60_000][::5])
def test_how_the_bytes_are_cut_changes_nothing(exchange):
    assert read(exchange, 1) == read(exchange, 7) == read(exchange)


def readable(came):
    """The chunks as OpenAI's SDKs want them: a first one without choices joins the next, each choice has a delta."""
    chunks = [None if data == b"[DONE]" else orjson.loads(data) for data in came]
    if chunks and chunks[0] is not None and chunks[0].get("choices") == [] and not chunks[0].get("usage"):
        head, chunks, came = chunks[0], chunks[1:], came[1:]
        chunks[0] = {**head, **chunks[0]}
        came = [orjson.dumps(chunks[0]), *came[1:]]
    for at, chunk in enumerate(chunks):
        choices = chunk["choices"] if chunk else ()
        if any("delta" not in choice for choice in choices):
            came[at] = orjson.dumps(
                {**chunk, "choices": [{**choice, "delta": choice.get("delta", {})} for choice in choices]}
            )
    return came


@each([one for one in ANSWERED if one["sse"]])
def test_a_relayed_stream_is_equal_but_for_marks_and_what_sdks_stumble_over(exchange):
    pipe = openai_chat.relay(profile_of(exchange), CONTEXT)
    events = events_of(exchange["response_body"].encode())
    if any(b'"error":{' in event.data for event in events):
        pytest.skip("it failed in the middle")
    sent = b"".join([*(pipe.feed(event)[1] for event in events), pipe.close()[1]])
    came = [event.data for event in events]
    changed = readable(list(came))
    for one, other in zip(events_of(sent), changed, strict=True):
        if other not in came:
            assert orjson.loads(one.data) == orjson.loads(other)
        elif b'"origin"' in one.data:
            assert orjson.loads(one.data.replace(b',"origin":"openai-chat|p|m|"', b"")) == orjson.loads(other)
        else:
            assert one.data == other


@each(ANSWERED)
def test_what_is_written_of_it_fits_the_published_schema(exchange, invalid):
    body = exchange["response_body"].encode()
    if not exchange["sse"]:
        reply = openai_chat.parse_reply(body, profile_of(exchange))
        whole = orjson.loads(openai_chat.render_reply(reply, CONTEXT))
        assert invalid("CreateChatCompletionResponse", whole) == []
        return
    writer = openai_chat.writer(CONTEXT)
    written = b"".join(map(writer.feed, read(exchange))) + writer.close()
    chunks = [orjson.loads(event.data) for event in events_of(written) if event.data != b"[DONE]"]
    sample = chunks[:20] + chunks[-5:]
    assert [error for chunk in sample for error in invalid("CreateChatCompletionStreamResponse", chunk)] == []


# -- errors ------------------------------------------------------------------------------------------------------


def expected(status, body):
    """What the vendors' own documents say of it."""
    for sign, kind in (
        ('insufficient_quota"', Kind.QUOTA),
        ('content_filter"', Kind.CONTENT),
        ('tool_use_failed"', Kind.SERVER),
        ('"429"', Kind.THROTTLED),
        ("overloaded", Kind.OVERLOADED),
        ("capacity exceeded", Kind.OVERLOADED),
    ):
        if sign in body:
            return kind
    kinds = {400: Kind.REFUSED, 401: Kind.AUTH, 402: Kind.QUOTA, 404: Kind.MISSING, 413: Kind.THROTTLED}
    return kinds.get(status) or {429: Kind.THROTTLED, 500: Kind.SERVER}[status]


@each([one for one in EXCHANGES if one["status"] >= 400 and "/responses" not in one["endpoint"]])
def test_every_error_is_what_its_vendor_says_it_is(exchange):
    body = exchange["response_body"]
    fault = openai_chat.parse_fault(exchange["status"], body.encode(), PROFILE)
    assert fault.kind is expected(exchange["status"], body)
    assert ("again in" in body or "retry after" in body) <= (fault.retry_after_s is not None)


# -- requests ----------------------------------------------------------------------------------------------------

REQUESTS = [one for one in ANSWERED if isinstance(one["request_body"], dict) and one["request_body"].get("messages")]


@each(REQUESTS)
def test_every_accepted_request_is_read_and_relayed_as_it_is(exchange):
    body = {"model": "m", **exchange["request_body"]}
    openai_chat.parse_request(body)
    relayed, report = openai_chat.relay_request(body, Profile(provider="p", model="m"), None)
    changed = {name for name in relayed.keys() | body.keys() if relayed.get(name) != body.get(name)}
    assert changed <= {"model", "stream_options"} | ({"messages"} if report.entries else set())


@each(REQUESTS)
def test_what_is_rendered_of_it_fits_the_published_schema(exchange, invalid):
    body = {"model": "m", **exchange["request_body"]}
    if invalid("CreateChatCompletionRequest", body):
        pytest.skip("the vendor took what OpenAI's schema does not")
    rendered, report = openai_chat.render_request(openai_chat.parse_request(body), PROFILE)
    if any(entry.verdict == "refused" for entry in report.entries):
        pytest.skip("a target that cannot say it is not called")
    assert invalid("CreateChatCompletionRequest", rendered) == []


# -- embeddings --------------------------------------------------------------------------------------------------


@each([one for one in EXCHANGES if one["endpoint"].endswith("embeddings") and one["status"] == 200])
@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_vectors_arrive_in_either_encoding(exchange, encoding, invalid):
    body = exchange["response_body"].encode()
    said = orjson.loads(body)
    adapted, usage, model, vectors = embeddings.adapt(body, encoding, PROFILE)
    assert (usage, model, vectors) == (Usage(said["usage"]["prompt_tokens"], 0), said["model"], len(said["data"]))
    forms = {type(item["embedding"]) for item in orjson.loads(adapted)["data"]}
    assert forms == {list if encoding == "float" else str}
    assert embeddings.adapt(adapted, encoding, PROFILE)[1:] == (usage, model, vectors)
    assert invalid("CreateEmbeddingResponse", orjson.loads(adapted)) == []
