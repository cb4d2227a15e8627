"""Short ways to make events, read streams and write them."""

import orjson
import pytest

from translators import openai_responses
from translators.codec import Context
from translators.ir import Event
from translators.profile import Profile
from translators.sse import EventSplitter

PROFILE = Profile(provider="p", model="m-1", account="a")


@pytest.fixture
def profile():
    return PROFILE


@pytest.fixture
def origin():
    """The mark of what `profile`'s target made."""
    return PROFILE.origin("openai-responses")


@pytest.fixture
def context():
    return Context(id="resp_abc", created=5, model="m-1", include_usage=True)


@pytest.fixture
def event():
    """An event: `event("response.output_text.delta", delta="x")`."""

    def make(kind, **fields):
        return Event(orjson.dumps({"type": kind, **fields}), kind)

    return make


@pytest.fixture
def ending(event):
    """The last event of a stream, with `fields` in its answer."""

    def make(status="completed", **fields):
        answer = {"id": "resp_1", "model": "m-1", "status": status, "output": [], **fields}
        return event(f"response.{status}", response=answer)

    return make


@pytest.fixture
def read():
    """The deltas of events, as a reader gives them; no end is asked for."""

    def run(*events):
        reader = openai_responses.reader(PROFILE)
        return [delta for event in events for delta in reader.feed(event)]

    return run


@pytest.fixture
def write(context):
    """The events that deltas are written as, the regular end included."""

    def run(*deltas, using=context):
        writer = openai_responses.writer(using)
        data = b"".join([writer.feed(delta) for delta in deltas]) + writer.close()
        return [orjson.loads(event.data) for event in EventSplitter().feed(data)]

    return run


@pytest.fixture
def parse():
    """The neutral form of a request with these fields."""

    def run(value="hi", **fields):
        return openai_responses.parse_request({"model": "m", "input": value, **fields})

    return run
