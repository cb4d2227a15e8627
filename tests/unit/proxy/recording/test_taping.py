"""What stands between the proxy and its sides notes what passes, and changes nothing of it."""

import pytest
from anyio.lowlevel import checkpoint

from proxy.config.values import Provider
from proxy.recording.tape import TAPE, Room, Tape
from proxy.recording.taping import TapedOutput, TapingEngine, secrets_in, taped
from proxy.upstream.seam import Call, ConnectTimeout, Cut
from translators.ir import Dialect

ALPHA = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test/v1")
CALL = Call(
    "POST",
    "https://alpha.test/v1/x",
    [("authorization", "Bearer k-1")],
    b"asked",
    stream=False,
    connect_s=1,
    pool_s=1,
    write_s=1,
)


class Clock:
    def __init__(self):
        self.time = 10.0

    def now(self):
        self.time += 1
        return self.time


class Upstream:
    """Gives `pieces`, and then what `end` says."""

    def __init__(self, pieces, end=None):
        self.status, self.headers = 200, [("content-type", "x")]
        self.closed = False
        self._pieces, self._end = pieces, end

    async def send(self, call):
        if isinstance(call.body, bytes) and isinstance(self._end, ConnectTimeout):
            raise self._end
        return self

    async def read(self, limit):
        if self._end is not None:
            raise self._end
        return b"".join(self._pieces)

    async def chunks(self):
        for piece in self._pieces:
            yield piece
        if self._end is not None:
            raise self._end

    async def drive(self, sink):
        while self._pieces:
            if not sink(self._pieces.pop(0)):
                return True
        if self._end is not None:
            raise self._end
        return False

    async def close(self):
        self.closed = True


@pytest.fixture
async def tape():
    """Set where the tests run: asynchronous fixtures share their context."""
    made = Tape(Room(), 10.0, 0.0, {})
    token = TAPE.set(made)
    yield made
    TAPE.reset(token)


async def all_of(answer):
    return [piece async for piece in answer.chunks()]


async def sent(upstream):
    return await TapingEngine(upstream, ALPHA, Clock()).send(CALL)


async def test_a_whole_answer_is_noted_with_its_times(tape):
    upstream = Upstream([b"a", b"b"])
    answer = await sent(upstream)
    assert (answer.status, answer.headers) == (200, [("content-type", "x")])
    assert await answer.read(9) == b"ab"
    await answer.close()
    [noted] = tape.calls
    assert (noted.call, noted.sent, noted.head, noted.status) == (CALL, 11.0, 12.0, 200)
    assert (noted.pieces, noted.whole, noted.ended, noted.error) == ([(13.0, b"ab")], True, 14.0, None)
    assert tape.secrets == {"Bearer k-1", "k-1"}
    assert upstream.closed


async def test_a_stream_is_noted_piece_by_piece(tape):
    answer = await sent(Upstream([b"a", b"b"]))
    got = []

    def sink(piece):
        got.append(piece)
        return False

    assert await answer.drive(sink)
    assert await answer.drive(sink)
    assert not await answer.drive(sink)
    assert (got, [data for _, data in tape.calls[0].pieces], tape.calls[0].whole) == ([b"a", b"b"], [b"a", b"b"], True)
    answer = await sent(Upstream([b"c"]))
    assert [piece async for piece in answer.chunks()] == [b"c"]
    assert (tape.calls[1].pieces[0][1], tape.calls[1].whole) == (b"c", True)


async def test_what_is_closed_before_its_end_is_no_whole(tape):
    answer = await sent(Upstream([b"a", b"b"]))
    await answer.drive(lambda _: False)
    await answer.close()
    assert (tape.calls[0].whole, tape.calls[0].error, tape.calls[0].ended) == (False, None, 14.0)


@pytest.mark.parametrize("how", ["read", "drive", "chunks"])
async def test_a_connection_that_breaks_is_noted_and_raised(tape, how):
    error = Cut("it broke")
    answer = await sent(Upstream([], error))
    ways = {
        "read": lambda: answer.read(9),
        "drive": lambda: answer.drive(lambda _: True),
        "chunks": lambda: all_of(answer),
    }
    with pytest.raises(Cut):
        await ways[how]()
    await answer.close()
    assert (tape.calls[0].error, tape.calls[0].whole) == (error, False)


async def test_a_connection_that_is_not_made_is_noted_and_raised(tape):
    error = ConnectTimeout("no connection")
    with pytest.raises(ConnectTimeout):
        await sent(Upstream([], error))
    assert (tape.calls[0].error, tape.calls[0].status, tape.calls[0].ended) == (error, 0, 12.0)


async def test_calls_of_no_exchange_are_left_alone():
    upstream = Upstream([b"a"])
    assert await sent(upstream) is upstream


async def test_without_room_the_call_is_made_all_the_same(tape):
    tape.lost = True
    upstream = Upstream([b"a"])
    assert await sent(upstream) is upstream
    assert tape.calls == []


class Out:
    started = False

    def __init__(self):
        self.told = []
        self.room = True

    async def answer(self, status, headers, body):
        self.told.append((status, headers, body))

    async def start(self, status, headers, length=None, first=b""):
        self.started = True
        self.told.append((status, headers, length, first))

    async def write(self, data):
        self.told.append(data)

    def push(self, data):
        self.told += [data] if self.room else []
        return self.room

    async def finish(self):
        self.told.append("finish")

    def abort(self):
        self.told.append("abort")


async def test_an_answer_passes_and_is_noted(tape):
    out = Out()
    taped_out = TapedOutput(out, tape)
    await taped_out.start(200, [("a", "b")], None, b"0")
    await taped_out.write(b"1")
    assert taped_out.push(b"2")
    out.room = False
    assert not taped_out.push(b"3")
    await taped_out.finish()
    taped_out.abort()
    assert out.told == [(200, [("a", "b")], None, b"0"), b"1", b"2", "finish", "abort"]
    assert (taped_out.started, tape.headers, tape.pieces, tape.cut) == (True, [("a", "b")], [b"0", b"1", b"2"], True)
    await taped_out.answer(400, [("c", "d")], b"whole")
    assert (tape.headers, tape.pieces[-1], out.told[-1]) == ([("c", "d")], b"whole", (400, [("c", "d")], b"whole"))


async def test_a_request_is_noted_once_it_is_read(tape):
    async def read():
        await checkpoint()
        return b"body"

    assert await taped(read, tape)() == b"body"
    assert tape.body == b"body"


def test_keys_are_known_by_the_headers_that_carry_them():
    headers = [("X-Api-Key", "one"), ("Authorization", "Bearer two"), ("accept", "three"), ("api-key", "")]
    assert secrets_in(headers) == {"one", "Bearer two", "two"}
