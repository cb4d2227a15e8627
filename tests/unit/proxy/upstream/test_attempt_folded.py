"""One attempt whose stream is folded into the whole answer that its client waits for."""

import asyncio
from dataclasses import dataclass, field

import orjson
import pytest

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.flow import Exchange
from proxy.jobs import ChatJob
from proxy.upstream import attempt, pump
from proxy.upstream.bodies import driven
from proxy.upstream.seam import Call, Cut, Unreachable
from proxy.upstream.timings import AttemptTimes
from proxy.upstream.trial import ANSWER_LIMIT, Seen, Trial
from translators.catalog import codec
from translators.codec import Context
from translators.faults import Failure, Fault, Kind
from translators.ir import Dialect
from translators.profile import Profile
from translators.report import Report

EVENTS = [("content-type", "text/event-stream; charset=utf-8")]
JSON = [("content-type", "application/json")]
ERROR = b'{"error":{"message":"Overloaded","code":"server_is_overloaded"}}'
CHOICE = b'{"message":{"content":"hi"},"finish_reason":"stop"}'
REPLY = b'{"id":"c","choices":[%b],"usage":{"prompt_tokens":3,"completion_tokens":2}}' % CHOICE
DONE = b"data: [DONE]\n\n"
AGES_S = 1e6


def chunk(delta: dict, finish: str | None = None, **more) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: %b\n\n" % orjson.dumps({"id": "c", "choices": [choice], **more})


WORD = chunk({"content": "word "})
STOP = chunk({}, "stop")
USAGE = b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'


@dataclass
class Upstream:
    """An answer given piece by piece; a piece may be an error to raise, or None: it goes on for ever."""

    pieces: tuple = ()
    status: int = 200
    headers: list = field(default_factory=lambda: EVENTS)
    limits: list[int] = field(default_factory=list)
    left: int = 0
    """Pieces that were never asked for."""
    closed: int = 0

    def __post_init__(self) -> None:
        self.going = self.chunks()

    async def drive(self, sink) -> bool:
        return await driven(self.going, sink)

    async def read(self, limit: int) -> bytes:
        self.limits.append(limit)
        return b"".join([piece async for piece in self.chunks()])

    async def chunks(self):
        self.left = len(self.pieces)
        for piece in self.pieces:
            self.left -= 1
            if piece is None:
                await asyncio.get_running_loop().create_future()
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def send(self, call: Call) -> "Upstream":
        if isinstance(self.pieces, Exception):
            raise self.pieces
        return self

    async def close(self) -> None:
        self.closed += 1


class Clock:
    def now(self) -> float:
        return asyncio.get_running_loop().time()


def trial_of(upstream: Upstream, *, first_s: float = AGES_S) -> Trial:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    chat = codec(Dialect.OPENAI_CHAT)
    times = TimeoutSettings()
    provider = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test")
    exchange = Exchange(
        id="req_1", route="chat", method="POST", path="/", headers={}, read=None, peer="", out=None, codec=chat,
        started=0.0,
    )  # fmt: skip
    return Trial(
        exchange=exchange,
        job=ChatJob(chat, body, stream=False, usage=False, bound=None),
        target=Target(provider, "large", Profile(model="large"), BreakerSettings(), RetrySettings(), times),
        engine=upstream,
        call=Call("POST", "https://alpha.test", [], b"{}", stream=True, connect_s=5.0, pool_s=1.0, write_s=30.0),
        fields={},
        again=None,
        resume=None,
        report=Report(),
        times=AttemptTimes(first_s=first_s, between_s=AGES_S, idle_s=0.0, cap_at=float("inf")),
        context=Context(id="chatcmpl-1", created=7, model="large"),
        clock=Clock(),
        seen=Seen(),
        tail=lambda: b"never part of a whole answer",
    )


async def folded(trial: Trial) -> tuple[dict, list[str]]:
    """The body, and what was said of its beginning."""
    told = []

    async def begun(_: bytes) -> None:
        told.append("begun")

    return orjson.loads((await attempt.folded(trial, begun)).body), told


async def failed(*pieces, **more) -> Fault:
    upstream = Upstream(pieces, **more)
    with pytest.raises(Failure) as caught:
        await folded(trial_of(upstream))
    assert upstream.closed == 1
    return caught.value.fault


async def test_a_stream_becomes_one_answer_with_its_usage():
    upstream = Upstream((chunk({"role": "assistant"}), WORD, WORD, STOP, USAGE, DONE))
    trial = trial_of(upstream)
    body, told = await folded(trial)
    assert body["object"] == "chat.completion" and body["choices"][0]["finish_reason"] == "stop"
    assert body["choices"][0]["message"]["content"] == "word word "
    assert (body["usage"]["total_tokens"], trial.seen.usage.total, trial.seen.status) == (5, 5, 200)
    assert (told, upstream.closed) == (["begun"], 1)


async def test_thinking_is_a_beginning_too():
    told = []

    async def begun(_: bytes) -> None:
        told.append("begun")
        raise Cut("as far as this test goes")

    with pytest.raises(Failure):
        await attempt.folded(trial_of(Upstream((chunk({"reasoning_content": "hm"}), None))), begun)
    assert told == ["begun"]


@pytest.mark.parametrize(
    ("pieces", "kind"),
    [
        ((WORD,), Kind.PROTOCOL),
        ((), Kind.PROTOCOL),
        ((WORD, DONE), Kind.PROTOCOL),
        ((WORD, Cut("the connection broke")), Kind.PROTOCOL),
        ((WORD, b"data: nonsense\n\n"), Kind.PROTOCOL),
        ((b"data: " + ERROR + b"\n\n",), Kind.OVERLOADED),
        ((WORD, b"data: " + ERROR + b"\n\n"), Kind.OVERLOADED),
    ],
    ids=["truncated", "empty", "an end without a finish", "cut", "nonsense", "an error event", "an error after words"],
)
async def test_whatever_goes_wrong_within_the_stream_is_a_failure_like_any_other(pieces, kind):
    """Nobody was sent anything, so another target may still answer."""
    assert (await failed(*pieces)).kind is kind


async def test_an_upstream_that_cannot_be_reached_is_no_stream_at_all():
    upstream = Upstream(Unreachable("connection refused"))
    with pytest.raises(Failure) as caught:
        await folded(trial_of(upstream))
    assert (caught.value.fault.kind, upstream.closed) == (Kind.CONNECT, 0)


async def test_a_silence_is_a_timeout():
    upstream = Upstream((None,))
    with pytest.raises(Failure) as caught:
        await folded(trial_of(upstream, first_s=0.01))
    assert (caught.value.fault.kind, upstream.closed) == (Kind.TIMEOUT, 1)


async def test_an_answer_that_comes_whole_all_the_same_is_taken_as_it_is():
    upstream = Upstream((REPLY[:9], REPLY[9:]), headers=JSON)
    trial = trial_of(upstream)
    body, told = await folded(trial)
    assert body == orjson.loads(REPLY)
    assert (trial.seen.usage.total, told, upstream.limits, upstream.closed) == (5, [], [ANSWER_LIMIT], 1)


@pytest.mark.parametrize(
    ("body", "kind"), [(ERROR, Kind.OVERLOADED), (b"<html>secret</html>", Kind.PROTOCOL), (b"", Kind.PROTOCOL)]
)
async def test_what_is_neither_a_stream_nor_an_answer_is_a_failure(body, kind):
    fault = await failed(body, headers=JSON)
    assert fault.kind is kind and "secret" not in fault.message


async def test_an_answer_that_does_not_stop_growing_is_cut_off(monkeypatch):
    monkeypatch.setattr(attempt, "ANSWER_LIMIT", 10_000)
    upstream = Upstream((chunk({"content": "x" * 500}),) * 1000)
    with pytest.raises(Failure) as caught:
        await folded(trial_of(upstream))
    assert "longer than 10000 bytes" in caught.value.fault.message
    assert upstream.left > 900


# -- where a stream ends


async def test_the_body_is_read_to_its_end_so_that_the_connection_serves_again():
    upstream = Upstream((WORD, STOP, DONE, b"", b""))
    await folded(trial_of(upstream))
    assert upstream.left == 0


@pytest.mark.parametrize("after", [None, Cut("the connection broke")], ids=["nothing", "a cut"])
async def test_a_body_that_does_not_end_after_the_streams_own_end_is_left(monkeypatch, after):
    monkeypatch.setattr(pump, "GRACE_S", 0.01)
    upstream = Upstream((WORD, STOP, DONE, after), headers=EVENTS)
    body, _ = await folded(trial_of(upstream))
    assert body["choices"][0]["message"]["content"] == "word "
    assert upstream.closed == 1


async def test_without_an_end_of_its_own_a_stream_ends_with_its_body():
    """Some vendors leave `[DONE]` out."""
    body, _ = await folded(trial_of(Upstream((WORD, STOP, USAGE))))
    assert body["usage"]["total_tokens"] == 5
