"""Short ways to make events and read streams."""

import orjson
import pytest

from translators.ir import Event


@pytest.fixture
def chunk():
    """An event with one choice: `chunk(delta, finish, **more)`; `more` goes beside the choices."""

    def make(delta=None, finish=None, index=0, **more):
        choice = {"index": index, "finish_reason": finish}
        if delta is not None:
            choice["delta"] = delta
        return Event(orjson.dumps({"id": "a1", "model": "m-1", "choices": [choice], **more}))

    return make


@pytest.fixture
def chunks_of():
    """The parsed `data:` lines of written bytes; `[DONE]` as it is."""

    def read(data):
        lines = [line[6:] for line in data.split(b"\n\n") if line]
        return ["[DONE]" if line == b"[DONE]" else orjson.loads(line) for line in lines]

    return read
