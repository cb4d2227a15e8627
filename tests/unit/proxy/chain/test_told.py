"""What an answer that passes through tells of its counts."""

from types import SimpleNamespace

import orjson
import pytest

from proxy.chain.told import CAP, Told, told_by
from translators.ir import Usage

JSON = [("content-type", "application/json; charset=utf-8")]


def told(body: bytes, size: int = 7) -> Usage | None:
    one = Told()
    for start in range(0, len(body), size):
        one.take(body[start : start + size])
    return one.usage()


@pytest.mark.parametrize(
    ("usage", "found"),
    [
        ({"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}, Usage(3, 4)),
        ({"prompt_tokens": 3, "completion_tokens": 4}, Usage(3, 4)),
        ({"prompt_tokens": 3}, Usage(3, 0)),
        ({"type": "duration", "seconds": 9}, None),
        ({"input_tokens": "3"}, None),
        ([3], None),
        (None, None),
    ],
)
def test_counts_are_read_by_either_name(usage, found):
    assert told(orjson.dumps({"data": [{"usage": {"input_tokens": 99}}], "usage": usage})) == found


@pytest.mark.parametrize("body", [b"", b"no json", b"[1]", b'{"usage": {"input_tokens": 3}'])
def test_what_is_no_whole_json_object_tells_nothing(body):
    assert told(body) is None


def test_a_long_answer_is_not_remembered():
    body = b'{"data": "%b", "usage": {"input_tokens": 3}}' % (b"x" * CAP)
    assert told(body, 65_536) is None
    assert told(body[:CAP][:-9] + b"}", 65_536) is None
    one = Told()
    one.take(body)
    assert one._pieces == []


@pytest.mark.parametrize(
    ("method", "path", "headers", "looks"),
    [
        ("POST", "/v1/images/generations", JSON, True),
        ("POST", "/v1/images/generations", [("content-type", "text/event-stream")], False),
        ("POST", "/v1/audio/speech", [], False),
        ("GET", "/v1/batches/b", JSON, False),
        ("POST", "/v1/batches/b/cancel", JSON, False),
    ],
)
def test_only_what_a_post_makes_is_looked_at(method, path, headers, looks):
    assert (told_by(SimpleNamespace(method=method, path=path), headers) is not None) is looks
