"""A recording is read in the order of its exchanges, and what cannot be read is told."""

import msgspec
import orjson
import pytest

from proxy.recording.form import Call, Line
from proxy.replay.reading import read


def line(name, at, **more):
    return Line(
        id=name, source="s", provider="a", endpoint="chat", method="POST", url="/v1/chat/completions",
        request_headers={}, request_body={}, status=200, response_headers={}, response_body="x", stream=False,
        sse=False, chunk_lens=[1], model="m", fidelity="exact", recording=1, at=at, clock=at, ms=1.0, attempts=[],
        calls=more.pop("calls", []), **more,
    )  # fmt: skip


def call(**more):
    told = {
        "id": "1.1", "source": "s", "provider": "a", "endpoint": "/x", "method": "POST", "url": "u",
        "request_headers": {}, "request_body": {}, "status": 200, "response_headers": {}, "response_body": "x",
        "stream": False, "sse": False, "chunk_lens": [1], "model": "m", "fidelity": "exact",
        "dialect": "openai-chat", "sent_ms": 0.0, "chunk_ms": [1.0], "ended_ms": 1.0, "end": "whole",
    }  # fmt: skip
    return Call(**(told | more))


@pytest.fixture
def written(tmp_path):
    def write(name, *lines):
        path = tmp_path / name
        path.write_bytes(b"".join(one if isinstance(one, bytes) else msgspec.json.encode(one) + b"\n" for one in lines))
        return str(path)

    return write


def test_exchanges_of_all_files_come_in_the_order_in_which_they_began(written):
    files = written("2", line("c", 3.0), line("b", 2.0)), written("1", line("a", 1.0), b"\n")
    found = read(files)
    assert [one.id for one in found.lines] == ["a", "b", "c"]
    assert found.problems == ()


def test_what_is_no_exchange_is_told_with_its_place_and_passed_over(written):
    whole = orjson.dumps({"recording": 2})
    file = written(
        "1",
        line("a", 1.0),
        whole + b"\n",
        msgspec.json.encode(msgspec.structs.replace(line("e", 2.0), endpoint="else")) + b"\n",
        line("f", 2.0, calls=[call(chunk_ms=[])]),
        msgspec.json.encode(line("g", 2.0))[:-20],
    )
    found = read([file])
    assert [one.id for one in found.lines] == ["a"]
    assert [problem.removeprefix(file) for problem in found.problems][::3] == [
        next(one.removeprefix(file) for one in found.problems),
        ":5: the line breaks off; the exchange is passed over",
    ]
    assert "is no exchange of a recording" in found.problems[0]
    assert '"else" is none that is recorded' in found.problems[1]
    assert "do not belong together" in found.problems[2]


def test_what_was_never_an_exchange_does_not_break_off(written):
    [problem] = read([written("1", b"notes\n")]).problems
    assert ":1: is no exchange of a recording (" in problem


def test_exchanges_that_were_lost_between_are_told(written):
    found = read([written("1", line("a", 1.0, lost=1), line("b", 2.0, lost=3))])
    assert found.problems == ("2 exchanges between these could not be recorded",)


def test_a_file_that_is_not_there_is_an_error():
    with pytest.raises(OSError, match="No such file"):
        read(["nowhere"])
