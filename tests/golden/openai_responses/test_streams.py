"""Streams into and out of the Responses dialect, against files that people can read.

`streams/NAME.UPSTREAM.txt` is what an upstream sends; `NAME.json` beside it says what is read from it (`reply`, or
`failed` and `truncated`) and what a Responses client is written (`responses`). Of a Responses upstream it also says
what a chat client is written (`chat`), and what passes when the stream is relayed (`relayed`). Run with
SIDESTEP_GOLDEN=write to write the expectations anew, and read the diff.
"""

import os
from pathlib import Path

import msgspec
import orjson
import pytest
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from translators.catalog import codec
from translators.codec import Context
from translators.faults import Failure, Truncated
from translators.fold import fold
from translators.ir import Dialect, Failed
from translators.profile import Profile
from translators.sse import EventSplitter

STREAMS = sorted(Path(__file__).parent.glob("streams/*.txt"))
UPSTREAMS = {
    "responses": Dialect.OPENAI_RESPONSES,
    "chat": Dialect.OPENAI_CHAT,
    "anthropic": Dialect.ANTHROPIC_MESSAGES,
}
PROFILE = Profile(provider="nest", model="tern-2")
CONTEXT = Context(id="resp_golden", created=1790000000, model="golden", include_usage=True, echo={"temperature": 0.5})
MODELS = TypeAdapter(ResponseStreamEvent)
OUTCOMES = ("reply", "failed", "truncated")

each = pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)


def upstream_of(path):
    return UPSTREAMS[path.suffixes[-2].removeprefix(".")]


def expectation(path):
    return path.with_name(path.name.partition(".")[0] + ".json")


def events(data, size=1 << 20):
    splitter = EventSplitter()
    return [event for at in range(0, len(data), size) for event in splitter.feed(data[at : at + size])]


def parsed(data):
    return [event.data.decode() if event.data == b"[DONE]" else orjson.loads(event.data) for event in events(data)]


def outcome(deltas, error):
    if error is not None:
        return {"truncated": str(error)}
    try:
        return {"reply": msgspec.to_builtins(fold(deltas))}
    except Failure as failure:
        return {"failed": msgspec.to_builtins(failure.fault)}


def written(dialect, deltas, failed, whole):
    writer = codec(dialect).writer(CONTEXT)
    data = b"".join(map(writer.feed, deltas))
    if failed is not None:
        return parsed(data + writer.fault(failed))
    return parsed(data + writer.close() if whole else data)


def relayed(path, failed, size):
    pipe = codec(Dialect.OPENAI_RESPONSES).relay(PROFILE, CONTEXT)
    data = b"".join([pipe.feed(event)[1] for event in events(path.read_bytes(), size)])
    return parsed(data if failed is None else data + pipe.fault(failed))


def told(path, size=1 << 20):
    """Everything that is made of a stream."""
    reader = codec(upstream_of(path)).reader(PROFILE)
    deltas = [delta for event in events(path.read_bytes(), size) for delta in reader.feed(event)]
    failed = next((delta.fault for delta in deltas if isinstance(delta, Failed)), None)
    error = None
    try:
        if failed is None:
            deltas += reader.close()
    except Truncated as truncated:
        error = truncated
    tale = outcome(deltas, error)
    tale["responses"] = written(Dialect.OPENAI_RESPONSES, deltas, failed, error is None)
    if upstream_of(path) is Dialect.OPENAI_RESPONSES:
        tale["chat"] = written(Dialect.OPENAI_CHAT, deltas, failed, error is None)
        tale["relayed"] = relayed(path, failed, size)
    return orjson.loads(orjson.dumps(tale))


@each
def test_a_stream_is_told_as_its_file_says(path):
    if os.environ.get("SIDESTEP_GOLDEN") == "write":
        expectation(path).write_bytes(orjson.dumps(told(path), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    assert told(path) == orjson.loads(expectation(path).read_bytes())


@each
@pytest.mark.parametrize("size", [1, 7])
def test_how_the_bytes_are_cut_changes_nothing(path, size):
    assert told(path, size) == told(path)


@each
def test_only_a_whole_answer_has_a_regular_end(path):
    expected = orjson.loads(expectation(path).read_bytes())
    [kind] = [name for name in OUTCOMES if name in expected]
    for stream in (expected["responses"], expected.get("relayed", expected["responses"])):
        kinds = {event["type"] for event in stream}
        assert bool(kinds & {"response.completed", "response.incomplete"}) is (kind == "reply")
        assert ("response.failed" in kinds) is (kind == "failed")


@each
def test_the_sdks_models_take_every_event_that_is_written(path):
    for event in told(path)["responses"]:
        MODELS.validate_python(event)


def test_every_expectation_has_its_stream():
    names = {path.name.partition(".")[0] for path in STREAMS}
    assert {path.stem for path in Path(__file__).parent.glob("streams/*.json")} == names
    assert len(STREAMS) == len(names) >= 10
