"""Providers answer out of the recording, at the recorded times, and no further than it goes."""

import asyncio
from functools import partial

import orjson
import pytest

from proxy.config.values import Provider
from proxy.recording.form import Call as Recorded
from proxy.recording.form import Line
from proxy.replay.moments import VirtualClock, VirtualLoop
from proxy.replay.stage import STAGE, Answered, NotRecorded, Player, Stage, body_of
from proxy.upstream.seam import Call, ConnectTimeout, Cut, TooLarge, Unreachable
from translators.ir import Dialect

ALPHA = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test/v1")


def call(model="m"):
    return Call(
        "POST",
        "https://alpha.test/v1/x",
        [],
        orjson.dumps({"model": model}),
        stream=True,
        connect_s=1,
        pool_s=1,
        write_s=1,
    )


def recorded(place=1, **more):
    told = {
        "id": f"1.{place}", "source": "s", "provider": "alpha", "endpoint": "/x", "method": "POST", "url": "u",
        "request_headers": {}, "request_body": {}, "status": 200, "response_headers": {"content-type": "x"},
        "response_body": "abcdef", "stream": True, "sse": True, "chunk_lens": [2, 4], "model": "m",
        "fidelity": "exact", "dialect": "openai-chat", "sent_ms": 0.0, "head_ms": 100.0, "chunk_ms": [200.0, 1000.0],
        "ended_ms": 2000.0, "end": "whole",
    }  # fmt: skip
    return Recorded(**(told | more))


def line(*calls):
    return Line(
        id="1", source="s", provider="a", endpoint="chat", method="POST", url="/v1/chat/completions",
        request_headers={}, request_body={}, status=200, response_headers={}, response_body="x", stream=False,
        sse=False, chunk_lens=[1], model="m", fidelity="exact", recording=1, at=1.0, clock=1.0, ms=1.0, attempts=[],
        calls=list(calls),
    )  # fmt: skip


def staged(main, *calls):
    """What `main(clock)` gives, on a stage with these calls."""

    async def run():
        clock = VirtualClock(0.0)
        stage = Stage(line(*calls), clock)
        STAGE.set(stage)
        return await main(clock, stage)

    with asyncio.Runner(loop_factory=partial(VirtualLoop, 1_000.0)) as runner:
        return runner.run(run())


def test_a_stream_comes_in_its_pieces_at_its_times():
    async def main(clock, _):
        answer = await Player(ALPHA).send(call())
        seen = [(clock.now(), answer.status, answer.headers)]

        def sink(piece):
            seen.append((round(clock.now(), 3), piece))
            return len(seen) > 2

        assert await answer.drive(sink)
        assert not await answer.drive(sink)
        await answer.close()
        return [*seen, clock.now()]

    assert staged(main, recorded()) == [
        (1000.1, 200, [("content-type", "x")]), (1000.2, b"ab"), (1001.0, b"cdef"), 1002.0,
    ]  # fmt: skip


def test_a_body_is_read_whole_or_in_pieces_and_within_its_limit():
    async def main(*_):
        player = Player(ALPHA)
        read = await (await player.send(call())).read(6)
        chunks = [piece async for piece in (await player.send(call())).chunks()]
        with pytest.raises(TooLarge):
            await (await player.send(call())).read(5)
        await player.close()
        return read, chunks

    assert staged(main, recorded(1), recorded(2), recorded(3)) == (b"abcdef", [b"ab", b"cdef"])


@pytest.mark.parametrize(
    ("error", "raised"), [("ConnectTimeout", ConnectTimeout), ("Cut", Cut), ("Unknown", Unreachable)]
)
def test_a_call_that_failed_fails_so_at_its_time(error, raised):
    async def main(clock, _):
        with pytest.raises(raised, match="why") as caught:
            await Player(ALPHA).send(call())
        assert type(caught.value) is raised
        return clock.now()

    failed = recorded(status=0, head_ms=None, chunk_ms=[], chunk_lens=[], end="failed", error=error, why="why")
    assert staged(main, failed) == 1002.0


def test_a_body_that_was_cut_is_cut_after_what_had_come():
    async def main(*_):
        got = []
        with pytest.raises(Cut, match="it broke"):
            await (await Player(ALPHA).send(call())).drive(lambda piece: not got.append(piece))
        return got

    assert staged(main, recorded(end="failed", error="Cut", why="it broke")) == [b"ab", b"cdef"]


@pytest.mark.parametrize("head_ms", [None, 100.0], ids=["no answer", "no end"])
def test_what_was_not_seen_to_its_end_goes_on_in_silence(head_ms):
    async def main(clock, _):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await (await Player(ALPHA).send(call())).read(99)
        return clock.now()

    assert staged(main, recorded(end="closed", head_ms=head_ms)) == 4600.0


def test_each_call_is_answered_once_and_by_its_own_target():
    async def main(_, stage):
        player = Player(ALPHA)
        got = [await (await player.send(call(model))).read(99) for model in ("n", "m", "m")]
        with pytest.raises(NotRecorded):
            await player.send(call())
        return got, [made.target for made in stage.made], stage.unknown

    calls = recorded(1), recorded(2, model="n", response_body="n-body"), recorded(3, response_body="second")
    assert staged(main, *calls) == (
        [b"n-body", b"abcdef", b"second"],
        ["alpha/n", "alpha/m", "alpha/m", "alpha/m"],
        "alpha/m",
    )


def test_a_body_that_is_no_utf8_is_in_base64():
    assert body_of(recorded(response_body=None, response_base64="/w==")) == b"\xff"


async def test_a_client_takes_everything_and_keeps_it():
    out = Answered()
    await out.answer(400, [("a", "b")], b"whole")
    assert (out.started, out.status, out.headers, out.body, out.cut) == (True, 400, [("a", "b")], b"whole", False)
    out = Answered()
    await out.start(200, [])
    await out.write(b"1")
    assert out.push(b"2")
    await out.finish()
    out.abort()
    assert (out.started, out.status, out.body, out.cut) == (True, 200, b"12", True)
