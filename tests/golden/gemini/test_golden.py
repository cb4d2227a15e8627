"""Both directions against files that people can read.

`requests/NAME.json`: a chat request, the Gemini model it goes to, the body that goes out and what was lost; or a Gemini
client's request (`client`) and the chat body for another provider. `streams/NAME.txt`: Gemini's events as they come;
`NAME.chat.txt`: the chunks an OpenAI client gets. Values are compared, not bytes. Run with SIDESTEP_GOLDEN=write to
write the expectations anew, and read the diff.
"""

import os
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec
import orjson
import pytest

import translators
from translators import gemini, openai_chat
from translators.codec import Context
from translators.pipe import Translating
from translators.profile import Profile
from translators.sse import EventSplitter

HERE = Path(__file__).parent
REQUESTS = sorted(HERE.glob("requests/*.json"))
STREAMS = sorted(path for path in HERE.glob("streams/*.txt") if not path.name.endswith(".chat.txt"))
VENDOR = tomllib.loads(Path(translators.__file__).with_name("profiles.toml").read_text())["vendors"]["gemini"]
CONTEXT = Context(id="chatcmpl-golden", created=1700000000, model="gemini-golden", include_usage=True)
WRITING = os.environ.get("SIDESTEP_GOLDEN") == "write"


def profile_of(model):
    fields = dict(VENDOR["profile"])
    for row in VENDOR["models"]:
        if fnmatchcase(model, row["match"]):
            fields |= {name: value for name, value in row.items() if name != "match"}
    return msgspec.convert({**fields, "vendor": "gemini", "provider": "gemini", "model": model}, Profile)


def sent(case):
    """The body and the report of a case."""
    if "client" in case:
        request = gemini.parse_request(case["client"])
        return openai_chat.render_request(request, Profile(provider="other", model=case["model"]))
    return gemini.render_request(openai_chat.parse_request(case["request"]), profile_of(case["model"]))


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
def test_a_request_becomes_the_body_in_the_file(path):
    case = orjson.loads(path.read_bytes())
    body, report = sent(case)
    if WRITING:
        case = {**case, "body": body, "report": report.header()}
        path.write_bytes(orjson.dumps(case, option=orjson.OPT_INDENT_2) + b"\n")
    assert body == case["body"]
    assert report.header() == case["report"]


def translated(data, size):
    """The chat chunks for Gemini's bytes, fed `size` at a time."""
    splitter = EventSplitter()
    profile = Profile(provider="gemini", model="gemini-golden", n_max=1)
    pipe = Translating(gemini.reader(profile), openai_chat.writer(CONTEXT))
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
    """With the line ends that Gemini writes."""
    data = path.read_bytes().replace(b"\n", b"\r\n")
    expected = path.with_name(f"{path.stem}.chat.txt")
    if WRITING:
        expected.write_bytes(translated(data, size))
    assert values(translated(data, size)) == values(expected.read_bytes())


def test_there_are_cases():
    assert len(REQUESTS) >= 8
    assert len(STREAMS) >= 5
