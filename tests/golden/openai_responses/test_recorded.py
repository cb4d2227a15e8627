"""Real traffic of `/responses` endpoints, where a folder of it is named by SIDESTEP_RECORDED; none of it is part of the
project.

`VENDOR.jsonl.gz` there hold one exchange a line. Beside that folder, `specs/oas_validate.py` may offer OpenAI's
published schema; what is written is then checked against it too, and always against the models of OpenAI's SDK.
"""

import gc
import gzip
import importlib.util
import os
import warnings
from pathlib import Path

import orjson
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from tests.recorded.each import each
from translators import openai_responses
from translators.catalog import PROVIDERS, codec
from translators.codec import Context
from translators.faults import Failure, Kind, Malformed, ProtocolFault
from translators.fold import fold
from translators.ir import Failed, Finish, Message, Reasoning, Refusal, Text, ToolCall
from translators.openai_responses import marks
from translators.openai_responses.envelope import pinned_by
from translators.profile import Profile
from translators.sse import EventSplitter

FOLDER = os.environ.get("SIDESTEP_RECORDED")
VENDORS = ("openai", "azure", "xai", "deepseek", "openrouter")
FILES = [path for vendor in VENDORS if (path := Path(FOLDER or "", f"{vendor}.jsonl.gz")).is_file()]
SPECS = Path(FOLDER or "", "..", "specs", "oas_validate.py")

if not FOLDER or not FILES:
    pytest.skip("SIDESTEP_RECORDED names no folder of recorded traffic", allow_module_level=True)

EXCHANGES = [
    one
    for path in FILES
    for line in gzip.decompress(path.read_bytes()).splitlines()
    if (one := orjson.loads(line))["endpoint"].endswith("/responses") and one["response_body"]
]
ANSWERED = [one for one in EXCHANGES if one["status"] == 200]
WHOLE = [one for one in ANSWERED if not one["sse"]]
PENDING = [one for one in WHOLE if orjson.loads(one["response_body"])["status"] in ("queued", "in_progress")]
MADE_UP = "ai-57adf0da2a"
"""Shortened by hand: its deltas do not say what its finished items hold, which is a fault."""
STREAMED = [one for one in ANSWERED if one["sse"] and one["id"] != MADE_UP]
PROFILE = Profile(provider="p", model="m")
CONTEXT = Context(id="resp_1", created=1790000000, model="m", include_usage=True)
EVENTS = TypeAdapter(ResponseStreamEvent)


@pytest.fixture(scope="module")
def invalid():
    """What OpenAI's schema has against a value."""
    if not SPECS.is_file():
        pytest.skip("no published schemas beside the recordings")
    spec = importlib.util.spec_from_file_location("oas_validate", SPECS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with warnings.catch_warnings(action="ignore"):
        module.errors("openai", "Response", {})  # it leaves its files to the garbage collector
        gc.collect()
    return lambda name, value: module.errors("openai", name, value)


def events_of(data, size=1 << 24):
    splitter = EventSplitter()
    return [event for at in range(0, len(data), size) for event in splitter.feed(data[at : at + size])]


def stream_of(exchange):
    """A recorded stream up to its end: some recordings hold several answers, one after another."""
    body = exchange["response_body"].encode()
    end = body.find(b'"type":"response.completed"')
    return body if end < 0 else body[: body.index(b"\n\n", end) + 2]


def own_items(response):
    """A written answer without the items that are the provider's own and pass as it wrote them."""
    own = [item for item in response["output"] if item["id"].startswith(("msg_sid", "rs_sid", "fc_sid", "ctc_sid"))]
    return {**response, "output": own}


def wires_of(exchange):
    """The events of a recorded stream, parsed."""
    return [orjson.loads(event.data) for event in events_of(stream_of(exchange)) if event.data[:1] == b"{"]


def read(exchange, size=1 << 24):
    reader = openai_responses.reader(PROFILE)
    deltas = [delta for event in events_of(stream_of(exchange), size) for delta in reader.feed(event)]
    if not any(isinstance(delta, Failed) for delta in deltas):
        deltas += reader.close()
    return deltas


def said(item, kind):
    return [part for part in item.get("content") or () if part["type"] == kind]


def check(reply, wire):
    """The answer that was read tells what the provider's object holds."""
    [choice] = reply.choices
    output = wire["output"]
    finals = [item for item in output if item["type"] == "message" and item.get("phase") != "commentary"]
    parts = [part for item in choice.items if isinstance(item, Message) for part in item.parts]
    texts = [part["text"] for item in finals for part in said(item, "output_text")]
    assert "".join(part.text for part in parts if isinstance(part, Text)) == "".join(texts)
    refusals = [part["refusal"] for item in finals for part in said(item, "refusal")]
    assert "".join(part.text for part in parts if isinstance(part, Refusal)) == "".join(refusals)
    calls = [item for item in output if item["type"] in ("function_call", "custom_tool_call")]
    made = [(item.id, item.name, item.arguments) for item in choice.items if isinstance(item, ToolCall)]
    assert made == [(one["call_id"], one["name"], one.get("arguments", one.get("input"))) for one in calls]
    blobs = [
        item["encrypted_content"] for item in output if item["type"] == "reasoning" and item.get("encrypted_content")
    ]
    kept = [item.opaque for item in choice.items if isinstance(item, Reasoning) and item.opaque is not None]
    assert [opaque.data for opaque in kept] == blobs
    assert {opaque.origin for opaque in kept} <= {PROFILE.origin("openai-responses")}
    usage = wire["usage"]
    assert (reply.usage.input, reply.usage.output) == (usage["input_tokens"], usage["output_tokens"])
    assert choice.finish is (Finish.TOOL_CALLS if calls else Finish.STOP)
    cited = [note for item in finals for part in said(item, "output_text") for note in part.get("annotations") or ()]
    assert len(choice.annotations) == len([note for note in cited if note["type"] == "url_citation"])
    text = "".join(texts)
    for note in (annotation["url_citation"] for annotation in choice.annotations):
        assert 0 <= note["start_index"] <= note["end_index"] <= len(text) + 1


# -- answers -----------------------------------------------------------------------------------------------------


@each([one for one in WHOLE if one not in PENDING])
def test_every_answer_is_read_and_its_counts_agree(exchange):
    body = exchange["response_body"].encode()
    reply = openai_responses.parse_reply(body, PROFILE)
    wire = orjson.loads(body)
    check(reply, wire)
    seen = openai_responses.inspect_reply(body, PROFILE)
    assert (seen.id, seen.usage, seen.finish) == (wire["id"], reply.usage, reply.choices[0].finish)


@each(PENDING)
def test_an_answer_made_in_the_background_passes_a_relay(exchange):
    seen = openai_responses.inspect_reply(exchange["response_body"].encode(), PROFILE)
    assert (seen.finish, seen.body) == (None, None)


@each([one for one in ANSWERED if one["id"] == MADE_UP])
def test_a_stream_whose_whole_text_is_another_is_a_fault(exchange):
    with pytest.raises(ProtocolFault, match="does not begin"):
        read(exchange)


@each(STREAMED)
def test_every_stream_is_read_and_its_counts_agree(exchange):
    deltas = read(exchange)
    if any(wire["type"] == "error" for wire in wires_of(exchange)):
        with pytest.raises(Failure):
            fold(deltas)
        return
    wire = next(one["response"] for one in wires_of(exchange) if one["type"] == "response.completed")
    items = [one["item"] for one in wires_of(exchange) if one["type"] == "response.output_item.done"]
    check(fold(deltas), {**wire, "output": items})


@each([one for one in STREAMED if len(one["response_body"]) < 60_000][::4])
def test_how_the_bytes_are_cut_changes_nothing(exchange):
    assert read(exchange, 1) == read(exchange, 7) == read(exchange)


@each(STREAMED)
def test_a_relayed_stream_is_equal_but_for_marks(exchange):
    pipe = openai_responses.relay(PROFILE, CONTEXT)
    events = events_of(stream_of(exchange))
    if any(event.name == "error" for event in events):
        pytest.skip("it failed in the middle")
    sent = b"".join([*(pipe.feed(event)[1] for event in events), pipe.close()[1]])
    came = [event for event in events if event.data != b"[DONE]"]
    for one, other in zip(events_of(sent), came, strict=True):
        assert one.name == other.name
        if one.data != other.data:
            assert _unmarked(orjson.loads(one.data)) == orjson.loads(other.data)


def _unmarked(value):
    """The value with each blob as its maker wrote it."""
    if isinstance(value, dict):
        return {
            name: marks.unmarked(one).opaque.data if name == "encrypted_content" and one else _unmarked(one)
            for name, one in value.items()
        }
    return [_unmarked(one) for one in value] if isinstance(value, list) else value


@each([one for one in WHOLE if one not in PENDING])
def test_what_is_written_of_an_answer_fits_the_schema_and_the_sdk(exchange, invalid):
    reply = openai_responses.parse_reply(exchange["response_body"].encode(), PROFILE)
    for echo in ({}, exchange["request_body"] or {}):
        context = Context(id="resp_1", created=1790000000, model="m", echo=echo)
        written = own_items(orjson.loads(openai_responses.render_reply(reply, context)))
        Response.model_validate(written)
        if not echo:
            assert invalid("Response", written) == []


@each(STREAMED)
def test_what_is_written_of_a_stream_fits_the_schema_and_the_sdk(exchange, invalid):
    writer = openai_responses.writer(CONTEXT)
    written = b"".join(map(writer.feed, read(exchange))) + writer.close()
    wires = [orjson.loads(event.data) for event in events_of(written)]
    assert [wire["sequence_number"] for wire in wires] == list(range(len(wires)))
    for wire in wires:
        if "response" in wire:
            wire["response"] = own_items(wire["response"])
            if wire["response"]["usage"] is None:
                del wire["response"]["usage"]  # OpenAI sends the null that its schema does not know
    own = [wire for wire in wires if "item" not in wire or own_items({"output": [wire["item"]]})["output"]]
    for wire in own:
        EVENTS.validate_python(wire)
    sample = own[:20] + own[-8:]
    assert [error for wire in sample for error in invalid("ResponseStreamEvent", wire)] == []


# -- errors ------------------------------------------------------------------------------------------------------


@each([one for one in EXCHANGES if one["status"] >= 400])
def test_every_error_is_what_its_vendor_says_it_is(exchange):
    body = exchange["response_body"]
    fault = openai_responses.parse_fault(exchange["status"], body.encode(), PROFILE)
    if "model_not_found" in body:
        expected = Kind.MISSING
    else:
        expected = Kind.QUOTA if "insufficient_quota" in body else Kind.REFUSED
    assert fault.kind is expected
    assert fault.repair == ("reasoning" if "of type 'reasoning' was provided without" in body else "")


# -- requests ----------------------------------------------------------------------------------------------------

REQUESTS = [one for one in ANSWERED if isinstance(one["request_body"], dict) and one["request_body"].get("input")]
FREE = [one for one in REQUESTS if pinned_by(one["request_body"]) is None]


@each([one for one in REQUESTS if one not in FREE])
def test_a_request_bound_to_its_provider_is_not_translated(exchange):
    with pytest.raises(Malformed):
        openai_responses.parse_request(exchange["request_body"])


@each(REQUESTS)
def test_every_accepted_request_is_relayed_as_it_is(exchange):
    body = {"model": "m", **exchange["request_body"]}
    relayed, report = openai_responses.relay_request(body, PROFILE, None)
    assert {name for name in relayed.keys() | body.keys() if relayed.get(name) != body.get(name)} <= {"model"}
    assert report.entries == []


@each(FREE)
@pytest.mark.parametrize("target", PROVIDERS)
def test_every_accepted_request_can_be_rendered_for_every_target(exchange, target):
    request = openai_responses.parse_request(exchange["request_body"])
    body, _ = codec(target).render_request(request, PROFILE)
    assert orjson.loads(orjson.dumps(body)) == body


@each(FREE)
def test_what_is_rendered_of_a_request_fits_the_published_schema(exchange, invalid):
    body = {"model": "m", **exchange["request_body"]}
    if invalid("CreateResponse", body):
        pytest.skip("the vendor took what OpenAI's schema does not")
    rendered, report = openai_responses.render_request(openai_responses.parse_request(body), PROFILE)
    if any(entry.verdict == "refused" for entry in report.entries):
        pytest.skip("a target that cannot say it is not called")
    assert invalid("CreateResponse", rendered) == []
