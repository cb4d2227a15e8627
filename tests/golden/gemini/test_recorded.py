"""Real traffic with Gemini, where a folder of it is named by SIDESTEP_RECORDED; none of it is part of the project.

`gemini.jsonl.gz` there holds one exchange a line. Beside that folder, `specs/oas_validate.py` may offer the published
schemas of the APIs; requests and answers that are written are then checked against them.
"""

import gzip
import importlib.util
import itertools
import os
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec
import orjson
import pytest

import translators
from tests.recorded.each import each
from translators import gemini
from translators.catalog import DIALECTS, codec
from translators.codec import Context
from translators.faults import Failure, Kind
from translators.fold import fold
from translators.gemini import embeddings
from translators.ir import Dialect, Finish, Foreign, Message, Reasoning, Text, ToolCall
from translators.pipe import Translating
from translators.profile import Profile
from translators.sse import EventSplitter

FOLDER = os.environ.get("SIDESTEP_RECORDED")
FILE = Path(FOLDER or "", "gemini.jsonl.gz")
SPECS = Path(FOLDER or "", "..", "specs", "oas_validate.py")

if not FOLDER or not FILE.is_file():
    pytest.skip(f"SIDESTEP_RECORDED names no folder with {FILE.name}", allow_module_level=True)

EXCHANGES = [orjson.loads(line) for line in gzip.decompress(FILE.read_bytes()).splitlines()]
GENERATED = [one for one in EXCHANGES if "enerateContent" in one["endpoint"]]
REQUESTS = [
    one
    for one in GENERATED
    if isinstance(one["request_body"], dict) and one["status"] == 200 and "enum-encoding" not in one["url"]
]
ANSWERED = [one for one in GENERATED if one["status"] == 200 and one["response_body"]]
FAILED = frozenset(("UNEXPECTED_TOOL_CALL",))
VENDOR = tomllib.loads(Path(translators.__file__).with_name("profiles.toml").read_text())["vendors"]["gemini"]
CONTEXT = Context(id="id-1", created=5, model="m", include_usage=True)
TARGETS = [dialect for dialect in DIALECTS if dialect is not Dialect.OPENAI_COMPLETIONS]


def profile_of(model):
    fields = dict(VENDOR["profile"])
    for row in VENDOR["models"]:
        if fnmatchcase(model, row["match"]):
            fields |= {name: value for name, value in row.items() if name != "match"}
    return msgspec.convert({**fields, "provider": "gemini", "model": model}, Profile)


@pytest.fixture(scope="module")
def schema_errors():
    if not SPECS.is_file():
        pytest.skip("no published schema beside the recorded folder")
    spec = importlib.util.spec_from_file_location("oas_validate", SPECS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.errors


# The schema's own loader leaves its file to the garbage collector.
quiet = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


# -- answers -----------------------------------------------------------------------------------------------------


def events_of(exchange, size=1 << 20):
    data, splitter = exchange["response_body"].encode(), EventSplitter()
    return [event for at in range(0, len(data), size) for event in splitter.feed(data[at : at + size])]


def answers(exchange):
    """The answers of an exchange, one for each event of a stream."""
    if exchange["stream"]:
        return [orjson.loads(event.data) for event in events_of(exchange)]
    return [orjson.loads(exchange["response_body"])]


def read(exchange, profile, size=1 << 20):
    if not exchange["stream"]:
        return gemini.parse_reply(exchange["response_body"].encode(), profile)
    reader = gemini.reader(profile)
    deltas = [delta for event in events_of(exchange, size) for delta in reader.feed(event)]
    assert not reader.close()
    return fold(deltas)


def is_whole(exchange):
    said = answers(exchange)
    reasons = {one.get("finishReason") for answer in said for one in answer.get("candidates", ())}
    return not reasons & FAILED and any(answer.get("candidates") for answer in said)


WHOLE = [one for one in ANSWERED if is_whole(one)]
BROKEN = [one for one in ANSWERED if not is_whole(one)]


@each(WHOLE)
def test_every_answer_is_read(exchange):
    profile = profile_of(exchange["model"])
    said = answers(exchange)
    reply = read(exchange, profile)
    [choice] = reply.choices
    parts = [
        part for answer in said for one in answer["candidates"] for part in one.get("content", {}).get("parts", ())
    ]
    check_parts(choice, parts, profile)
    called = any(isinstance(item, ToolCall) for item in choice.items)
    reason = next(one["finishReason"] for answer in said for one in answer["candidates"] if "finishReason" in one)
    ends = {"STOP": Finish.TOOL_CALLS if called else Finish.STOP, "MAX_TOKENS": Finish.LENGTH, "SAFETY": "f"}
    ends |= {1: ends["STOP"], 2: Finish.LENGTH, "MODEL_ARMOR": Finish.CONTENT_FILTER, "SAFETY": Finish.CONTENT_FILTER}
    assert choice.finish is ends[reason]
    counts = [answer["usageMetadata"] for answer in said if "promptTokenCount" in answer.get("usageMetadata", {})]
    if counts:
        assert reply.usage.total == counts[-1]["totalTokenCount"]
        assert reply.usage.reasoning == counts[-1].get("thoughtsTokenCount")
        assert reply.usage.cached == counts[-1].get("cachedContentTokenCount")


def check_parts(choice, parts, profile):
    """What a choice must say of the parts it was read from."""
    spoken = [part for item in choice.items if isinstance(item, Message) for part in item.parts]
    text = "".join(part.text for part in spoken if isinstance(part, Text))
    assert text == "".join(part.get("text", "") for part in parts if not part.get("thought"))
    thought = "".join(item.text for item in choice.items if isinstance(item, Reasoning))
    assert thought == "".join(part.get("text", "") for part in parts if part.get("thought"))
    names = [part["functionCall"]["name"] for part in parts if "name" in part.get("functionCall", {})]
    calls = [item for item in choice.items if isinstance(item, ToolCall)]
    assert [call.name for call in calls] == names
    whole = [part["functionCall"].get("args", {}) for part in parts if "functionCall" in part]
    if not any("willContinue" in part.get("functionCall", {}) for part in parts):
        assert [orjson.loads(call.arguments) for call in calls] == whole
    assert len({call.id for call in calls}) == len(calls)
    kept = [part.value for part in spoken if isinstance(part, Foreign)]
    other = [part for part in parts if not {"text", "functionCall"} & part.keys()]
    assert [without_marks(one) for one in kept] == other
    signatures = [one.opaque.data for one in [*calls, *spoken] if getattr(one, "opaque", None)]
    assert sorted(signatures) == sorted(
        part["thoughtSignature"] for part in parts if "thoughtSignature" in part and part not in other
    )
    assert {one.opaque.origin for one in calls if one.opaque} <= {profile.origin(Dialect.GEMINI)}


def without_marks(part):
    return {name: value for name, value in part.items() if name != "partMetadata"}


@each(BROKEN)
def test_an_answer_that_came_to_nothing_is_a_failure(exchange):
    with pytest.raises(Failure) as raised:
        read(exchange, Profile())
    assert raised.value.fault.kind in (Kind.PROTOCOL, Kind.CONTENT)


@each([one for one in WHOLE if one["stream"]])
@pytest.mark.parametrize("size", [1, 7, 64])
def test_every_stream_says_the_same_however_it_is_cut(exchange, size):
    assert read(exchange, Profile(), size) == read(exchange, Profile())


@each(WHOLE)
@pytest.mark.parametrize("client", DIALECTS)
def test_every_answer_reaches_every_client(exchange, client):
    """And says there what it said here, streamed or whole."""
    profile = profile_of(exchange["model"])
    reply = read(exchange, profile)
    whole = codec(client).parse_reply(codec(client).render_reply(reply, CONTEXT), profile)
    assert outline(whole, client) == outline(reply, client)
    if exchange["stream"]:
        pipe = Translating(gemini.reader(profile), codec(client).writer(CONTEXT))
        sent = b"".join([*(pipe.feed(event)[1] for event in events_of(exchange)), pipe.close()[1]])
        reader = codec(client).reader(profile)
        streamed = fold([delta for event in EventSplitter().feed(sent) for delta in reader.feed(event)])
        assert outline(streamed, client) == outline(reply, client)


def outline(reply, client):
    """Text, calls, end and counts: what no client's dialect may change."""
    [choice] = reply.choices
    spoken = [part for item in choice.items if isinstance(item, Message) for part in item.parts]
    calls = [(item.name, orjson.loads(item.arguments)) for item in choice.items if isinstance(item, ToolCall)]
    text = "".join(part.text for part in spoken if isinstance(part, Text))
    counts = None if reply.usage is None else (reply.usage.input, reply.usage.output)
    filtered = choice.finish is Finish.CONTENT_FILTER
    said = "" if filtered else text, choice.finish, counts or (0, 0)
    return said[::2] if client is Dialect.OPENAI_COMPLETIONS else (*said, calls)


@quiet
@each(WHOLE)
def test_every_answer_can_be_written_for_a_client_of_this_dialect(exchange, schema_errors):
    reply = read(exchange, profile_of(exchange["model"]))
    said = orjson.loads(gemini.render_reply(reply, CONTEXT))
    assert schema_errors("gemini", "GenerateContentResponse", said) == []


@each([one for one in GENERATED if one["status"] != 200 and one["response_body"]])
def test_every_error_is_classified(exchange):
    fault = gemini.parse_fault(exchange["status"], exchange["response_body"].encode(), Profile())
    kinds = {400: Kind.REFUSED, 404: Kind.MISSING, 429: Kind.THROTTLED, 503: Kind.OVERLOADED}
    assert fault.kind is kinds[exchange["status"]]
    assert (fault.retry_after_s is not None) == ("RetryInfo" in exchange["response_body"])


# -- requests ----------------------------------------------------------------------------------------------------


def parsed(exchange):
    return gemini.parse_request({**exchange["request_body"], "model": exchange["model"] or "m"})


@quiet
@each(REQUESTS)
def test_every_request_comes_back_up_to_its_report(exchange, schema_errors):
    request = parsed(exchange)
    profile = profile_of(exchange["model"] or "gemini-2.5-flash")
    body, report = gemini.render_request(request, profile)
    assert schema_errors("gemini", "GenerateContentRequest", body) == []
    back = gemini.parse_request({**body, "model": request.model})
    lost = {entry.field.partition("[")[0].partition(".")[0] for entry in report.entries}
    if not lost & {"items", "messages"}:
        assert numbered(back.items) == numbered(request.items)
    told = {
        "tools": "tools",
        "tool_choice": "tool_choice",
        "max_output": "max_completion_tokens",
        "effort": "reasoning_effort",
    }
    if not request.tools:
        del told["tool_choice"]  # it chooses among nothing
    for name, field in told.items():
        assert field in lost or plain(getattr(back, name)) == plain(getattr(request, name))


def plain(value):
    """A value without the titles that say nothing to a model, and with each reference where it stands by itself."""
    value = msgspec.to_builtins(value)
    if isinstance(value, dict):
        kept = {name: plain(one) for name, one in value.items() if name != "title" or not isinstance(one, str)}
        return {**kept, **kept.pop("anyOf")[0]} if len(kept.get("anyOf", ())) == 1 else kept
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def numbered(items):
    """Items with their calls named by place, as a body without foreign ids pairs them."""
    names, count = {}, itertools.count()
    return [strip(item, names, count) for item in items]


def strip(item, names, count):
    built = msgspec.to_builtins(item)
    if built["type"] == "tool_call":
        built["id"] = names[built["id"]] = next(count)
    if built["type"] == "tool_result":
        built["call_id"] = names.get(built["call_id"], "none")
        built["parts"] = "".join(part.get("text", "") for part in built["parts"])
    return built


@quiet
@each(REQUESTS)
@pytest.mark.parametrize("target", [one for one in TARGETS if one is not Dialect.GEMINI])
def test_every_request_can_be_asked_of_every_other_provider(exchange, target, schema_errors):
    schemas = {
        Dialect.OPENAI_CHAT: ("openai", "CreateChatCompletionRequest"),
        Dialect.ANTHROPIC_MESSAGES: ("anthropic", "CreateMessageParams"),
    }
    body, _ = codec(target).render_request(
        parsed(exchange), Profile(model="m", max_output=8192, max_tokens_field="max_tokens")
    )
    assert codec(target).parse_request(body).items
    if target in schemas:  # that of Responses takes one message for two kinds of items
        assert schema_errors(*schemas[target], body) == []


# -- vectors -----------------------------------------------------------------------------------------------------


@each([one for one in EXCHANGES if one["endpoint"].endswith(":batchEmbedContents") and one["status"] == 200])
@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_every_list_of_vectors_is_read(exchange, encoding):
    said = orjson.loads(exchange["response_body"])
    body, usage, _, count = embeddings.adapt(exchange["response_body"].encode(), encoding, Profile(model="m"))
    assert count == len(said["embeddings"]) == len(orjson.loads(body)["data"])
    assert (usage is not None) == ("promptTokenCount" in said.get("usageMetadata", {}))
