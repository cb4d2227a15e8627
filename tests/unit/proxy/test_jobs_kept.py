"""What becomes of parts that only their maker's dialect has a word for: told, and put back before the same model."""

import orjson
import pytest

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.jobs import ChatJob
from proxy.opaque import MemoryStore, Past
from translators.catalog import codec
from translators.codec import Context
from translators.ir import Dialect, Event
from translators.profile import Profile
from translators.report import Report

FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
CODE = {"executableCode": {"language": "PYTHON", "code": "1 + 1"}}
GIVEN = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}}
CALL = {"functionCall": {"name": "f", "args": {}, "id": "abcdefgh"}}
ANSWER = orjson.dumps(
    {
        "responseId": "r",
        "candidates": [{"content": {"parts": [CODE, GIVEN, {"text": "two"}, CALL]}, "finishReason": "STOP"}],
    }
)
SEARCH = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "q"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}
USE = {"type": "tool_use", "id": "abcdefgh", "name": "f", "input": {}}
MESSAGE = orjson.dumps(
    {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "l",
        "stop_reason": "tool_use",
        "content": [SEARCH, FOUND, {"type": "text", "text": "two"}, USE],
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
)


def target(name, dialect):
    profile = Profile(provider=name, model="large", thinking="none")
    provider = Provider(name, dialect, f"https://{name}.test")
    return Target(provider, "large", profile, BreakerSettings(), RetrySettings(), TimeoutSettings())


LYRA, ARIA = target("lyra", Dialect.GEMINI), target("aria", Dialect.ANTHROPIC_MESSAGES)


@pytest.fixture
def job():
    store = MemoryStore(lambda: 0.0, b"s" * 32)

    async def make(*messages, **fields):
        said = [{"role": "user", "content": "?"}, *messages]
        body = {"model": "m", "messages": said, "tools": [FUNCTION], "web_search_options": {}, **fields}
        made = ChatJob(
            codec(Dialect.OPENAI_CHAT), body, stream=bool(fields), usage=False, bound=None, past=Past(store, "ann")
        )
        await made.recall()
        return made

    return make


def told(message):
    """The client's history once it has run the call."""
    kept = {name: message[name] for name in ("role", "content", "tool_calls")}
    return kept, {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "x"}


@pytest.mark.parametrize(
    ("upstream", "body", "kinds"),
    [
        (LYRA, ANSWER, ["executableCode", "codeExecutionResult"]),
        (ARIA, MESSAGE, ["server_tool_use", "web_search_tool_result"]),
    ],
)
async def test_what_a_client_has_no_word_for_is_told_and_put_back_before_the_same_model(job, upstream, body, kinds):
    first = await job()
    prepared = first.prepare(upstream)
    context = Context(id="c", created=7, model="large", report=prepared.report)
    answered = first.answer(body, prepared.target, context)
    lost = [entry.field for entry in prepared.report.entries if entry.field.startswith("answer.")]
    assert lost == [f"answer.{kind}" for kind in kinds]
    again = await job(*told(orjson.loads(answered.body)["choices"][0]["message"]))
    sent = orjson.loads(again.prepare(upstream).body)
    turn = sent["contents"][1]["parts"] if upstream is LYRA else sent["messages"][1]["content"]
    whole = (
        [CODE, GIVEN, {"text": "two"}, CALL]
        if upstream is LYRA
        else [SEARCH, FOUND, {"type": "text", "text": "two"}, USE]
    )
    assert turn == whole
    other = target("other", upstream.provider.dialect)
    assert kinds[0] not in again.prepare(other).body.decode()


async def test_a_stream_tells_it_as_well_and_is_kept_as_well(job):
    first = await job(stream=True)
    prepared = first.prepare(LYRA)
    report = Report()
    pipe = first.pipe(prepared.target, Context(id="c", created=7, model="large", report=report))
    pipe.feed(Event(ANSWER))
    pipe.close()
    assert report.header() == "dropped=answer.executableCode,answer.codeExecutionResult"
    call = {"id": "abcdefgh", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    again = await job(*told({"role": "assistant", "content": "two", "tool_calls": [call]}))
    assert orjson.loads(again.prepare(LYRA).body)["contents"][1]["parts"][:2] == [CODE, GIVEN]


async def test_a_folded_stream_tells_it_as_well(job):
    first = await job()
    prepared = first.prepare(LYRA)
    report = Report()
    pipe = first.folding(prepared.target, Context(id="c", created=7, model="large", report=report), 10_000)
    pipe.feed(Event(ANSWER))
    pipe.close()
    assert report.header() == "dropped=answer.executableCode,answer.codeExecutionResult"
