"""Streams of the chat dialect against files that people can read.

`NAME.chunks.txt` is what an upstream sends; `NAME.json` beside it says what is read from it (`reply`, or `failed` and
`truncated`), what a client of another provider's answer would be written (`written`), and which of the events pass when
the stream is relayed (`relayed`). Run with SIDESTEP_GOLDEN=write to write the expectations anew, and read the diff.
"""

import os
from pathlib import Path

import msgspec
import orjson
import pytest

from translators import openai_chat
from translators.codec import Context
from translators.faults import Failure, Truncated
from translators.fold import fold
from translators.ir import Failed
from translators.profile import Profile
from translators.sse import EventSplitter

HERE = Path(__file__).parent
STREAMS = sorted(HERE.glob("*.chunks.txt"))
CONTEXT = Context(id="chatcmpl-golden", created=1790000000, model="golden", include_usage=True)
OUTCOMES = ("reply", "failed", "truncated")


def expectation(path):
    return path.with_name(path.name.replace(".chunks.txt", ".json"))


def profile_of(path):
    """The one vendor quirk that no stream shows by itself."""
    return Profile(provider="nest", model="tern-2", output_excludes_reasoning="not_counted" in path.name)


def parsed(data):
    return [event.data.decode() if event.data == b"[DONE]" else orjson.loads(event.data) for event in events(data)]


def events(data, size=1 << 20):
    splitter = EventSplitter()
    return [event for at in range(0, len(data), size) for event in splitter.feed(data[at : at + size])]


def outcome(deltas, error):
    if error is not None:
        return {"truncated": str(error)}
    try:
        return {"reply": msgspec.to_builtins(fold(deltas))}
    except Failure as failure:
        return {"failed": msgspec.to_builtins(failure.fault)}


def told(path, size=1 << 20):
    """Everything this dialect makes of a stream."""
    pipe, reader = openai_chat.relay(profile_of(path), CONTEXT), openai_chat.reader(profile_of(path))
    writer = openai_chat.writer(CONTEXT)
    deltas, relayed, error = [], b"", None
    for event in events(path.read_bytes(), size):
        deltas += reader.feed(event)
        relayed += pipe.feed(event)[1]
    failed = next((delta.fault for delta in deltas if isinstance(delta, Failed)), None)
    written = b"".join(map(writer.feed, deltas))
    try:
        if failed is None:
            relayed += pipe.close()[1]
            written += writer.close()
    except Truncated as truncated:
        error = truncated
    tail = b"" if failed is None else pipe.fault(failed)
    return {**outcome(deltas, error), "written": parsed(written + tail), "relayed": parsed(relayed + tail)}


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name.removesuffix(".chunks.txt"))
def test_a_stream_is_told_as_its_file_says(path):
    if os.environ.get("SIDESTEP_GOLDEN") == "write":
        expectation(path).write_bytes(orjson.dumps(told(path), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    assert orjson.loads(orjson.dumps(told(path))) == orjson.loads(expectation(path).read_bytes())


@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name.removesuffix(".chunks.txt"))
def test_how_the_bytes_are_cut_changes_nothing(path, size):
    assert told(path, size) == told(path)


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name.removesuffix(".chunks.txt"))
def test_a_broken_stream_has_no_regular_end(path):
    expected = orjson.loads(expectation(path).read_bytes())
    [kind] = [name for name in OUTCOMES if name in expected]
    for stream in (expected["written"], expected["relayed"]):
        assert ("[DONE]" in stream) is (kind == "reply")


def test_every_expectation_has_its_stream():
    """A file left behind would look like a promise that is kept."""
    assert {path.stem for path in HERE.glob("*.json")} == {path.name.removesuffix(".chunks.txt") for path in STREAMS}
    assert len(STREAMS) >= 10
