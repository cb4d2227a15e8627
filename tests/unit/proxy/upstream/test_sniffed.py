"""What an answer is that does not say so."""

import pytest

from proxy.upstream.bodies import driven
from proxy.upstream.seam import TooLarge
from proxy.upstream.sniffed import Sniffed


class Answer:
    def __init__(self, *pieces: bytes) -> None:
        self.going = self._chunks(pieces)

    async def _chunks(self, pieces):
        for piece in pieces:
            yield piece

    async def drive(self, sink) -> bool:
        return await driven(self.going, sink)


EVENT = b'data: {"a":"word"}\n\n'


@pytest.mark.parametrize(
    "first", [EVENT, b"event: a\n", b": ping\n\n", b"\r\n\n id: 7", b"\xef\xbb\xbfdata:", b"retry: 3"]
)
@pytest.mark.parametrize("size", [1, 3, 100])
async def test_a_stream_is_known_by_its_beginning_and_read_from_its_first_byte(first, size):
    body = first + EVENT
    sniffed = Sniffed(Answer(*(body[at : at + size] for at in range(0, len(body), size))))
    assert await sniffed.tells_events()
    got = []
    assert not await sniffed.drive(lambda piece: not got.append(piece))
    assert b"".join(got) == body


@pytest.mark.parametrize("body", [b"", b"{}", b'{"data": 1}', b"<html>data:</html>", b"database:"])
async def test_what_begins_otherwise_is_none_and_can_be_read_whole(body):
    sniffed = Sniffed(Answer(body[:3], body[3:]))
    assert not await sniffed.tells_events()
    assert await sniffed.read(10_000) == body


async def test_a_reader_that_wants_no_more_goes_on_from_there():
    sniffed = Sniffed(Answer(EVENT, b"more", b"end"))
    await sniffed.tells_events()
    got = []
    assert await sniffed.drive(got.append)
    assert got == [EVENT]
    assert await sniffed.drive(got.append)
    assert not await sniffed.drive(lambda piece: not got.append(piece))
    assert got == [EVENT, b"more", b"end"]


async def test_a_body_has_its_bound():
    sniffed = Sniffed(Answer(b"a" * 20, b"b" * 20))
    await sniffed.tells_events()
    with pytest.raises(TooLarge, match="longer than 30 bytes"):
        await sniffed.read(30)


async def test_a_stream_is_known_as_soon_as_its_first_line_says_so():
    """What comes next may take long."""

    async def first_alone():
        yield b": ping\n\n"
        raise AssertionError("it was asked for more")

    answer = Answer()
    answer.going = first_alone()
    assert await Sniffed(answer).tells_events()
