"""What is sent to the admin port, piece by piece and of any size."""

import pytest
from starlette.requests import Request

from proxy.admin.asked import body_of, only, who
from proxy.learning.feedback import BODY_CAP, NotTaken


def request_of(*pieces, content_type="application/json", client=("10.0.0.9", 1)):
    left = list(pieces)

    async def receive():
        piece = left.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    headers = [(b"content-type", content_type.encode()), (b"authorization", b"Bearer secret")]
    return Request({"type": "http", "headers": headers, "client": client}, receive)


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
async def test_a_body_comes_in_pieces(kind):
    assert await body_of(request_of(b'{"a"', b': "b"}', content_type=kind)) == b'{"a": "b"}'


async def test_a_body_without_end_is_read_no_further_than_its_bound():
    """The piece that is over it is the last one that is asked for."""
    with pytest.raises(NotTaken) as caught:
        await body_of(request_of(b"x" * BODY_CAP, b"x", b"never asked for"))
    assert caught.value.status == 413


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_another_type_is_not_read_at_all(kind):
    with pytest.raises(NotTaken) as caught:
        await body_of(request_of(content_type=kind))
    assert caught.value.status == 415


def test_one_field_is_taken_and_no_other():
    assert only("a", b'{"a": "b"}') == "b"
    with pytest.raises(NotTaken, match=r'must be \{"a": "NAME"\}') as caught:
        only("a", b'{"a": "b", "c": "d"}')
    assert (caught.value.status, caught.value.param) == (400, "a")


def test_a_token_is_told_by_its_digest():
    assert who(request_of(), []) == "10.0.0.9"
    assert who(request_of(), ["any"]) == "10.0.0.9 with the admin token 2bb80d53"
    assert who(request_of(client=None), []) == "somewhere"
