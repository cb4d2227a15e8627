"""Both directions against files that people can read.

`requests/NAME.json`: a chat request, the Claude model it goes to, the body that goes out and what was lost. `streams/
NAME.txt`: Anthropic's events as they come; `NAME.chat.txt`: the chunks an OpenAI client gets. Values are compared, not
bytes. A change of a translation shows here as a change of a file: look at it, and change the file if it is right.
"""

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec
import orjson
import pytest

from translators import anthropic_messages, openai_chat
from translators.codec import Context
from translators.pipe import Translating
from translators.profile import Profile
from translators.sse import EventSplitter

HERE = Path(__file__).parent
REQUESTS = sorted(HERE.glob("requests/*.json"))
STREAMS = sorted(path for path in HERE.glob("streams/*.txt") if not path.name.endswith(".chat.txt"))
PROFILES = Path(anthropic_messages.__file__).parents[1] / "profiles.toml"
CONTEXT = Context(id="chatcmpl-golden", created=1700000000, model="claude-golden", include_usage=True)


def profile_of(model):
    vendor = tomllib.loads(PROFILES.read_text())["vendors"]["anthropic"]
    fields = dict(vendor["profile"])
    for row in vendor["models"]:
        if fnmatchcase(model, row["match"]):
            fields |= {name: value for name, value in row.items() if name != "match"}
    return msgspec.convert({**fields, "vendor": "anthropic", "provider": "anthropic", "model": model}, Profile)


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
def test_a_chat_request_becomes_the_body_in_the_file(path):
    case = orjson.loads(path.read_bytes())
    request = openai_chat.parse_request(case["request"])
    body, report = anthropic_messages.render_request(request, profile_of(case["model"]))
    assert body == case["body"]
    assert report.header() == case["report"]


def translated(data, size):
    """The chat chunks for Anthropic's bytes, fed `size` at a time."""
    splitter = EventSplitter()
    pipe = Translating(anthropic_messages.reader(Profile(provider="anthropic")), openai_chat.writer(CONTEXT))
    out = b""
    for start in range(0, len(data), size):
        for event in splitter.feed(data[start : start + size]):
            out += pipe.feed(event)[1]
    return out + pipe.close()[1]


def values(data):
    return [event.data if event.data == b"[DONE]" else orjson.loads(event.data) for event in EventSplitter().feed(data)]


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_a_stream_becomes_the_chunks_in_the_file_however_it_is_cut(path, size):
    expected = path.with_name(f"{path.stem}.chat.txt").read_bytes()
    assert values(translated(path.read_bytes(), size)) == values(expected)


def test_there_are_cases():
    assert len(REQUESTS) >= 8
    assert len(STREAMS) >= 5
