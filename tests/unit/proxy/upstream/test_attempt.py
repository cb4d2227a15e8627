"""One attempt at a scripted upstream: what is read of it, what is passed on, and that it is closed however it ends.

How long it may take is shown where the chain's own clock stands still or jumps, beside the chain.
"""

import asyncio

import orjson
import pytest

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.flow import Exchange, cancel
from proxy.jobs import ChatJob
from proxy.upstream import attempt, pump
from proxy.upstream.attempt import Broken
from proxy.upstream.bodies import driven
from proxy.upstream.seam import Call, ConnectTimeout, Cut, TooLarge, Unreachable
from proxy.upstream.timers import Stalled
from proxy.upstream.timings import AttemptTimes
from proxy.upstream.trial import ANSWER_LIMIT, ERROR_LIMIT, Seen, Trial
from translators.catalog import codec
from translators.codec import Context
from translators.faults import Failure, Fault, Kind
from translators.ir import Dialect
from translators.profile import Profile
from translators.report import Report

TARGET = Target(
    Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test"),
    "large",
    Profile(provider="alpha", model="large"),
    BreakerSettings(),
    RetrySettings(),
    TimeoutSettings(),
)
EVENTS = [("content-type", "text/event-stream; charset=utf-8")]
JSON = [("content-type", "application/json")]
CHOICE = b'{"message":{"content":"hi"},"finish_reason":"stop"}'
REPLY = b'{"id":"c","choices":[%b],"usage":{"prompt_tokens":3,"completion_tokens":2}}' % CHOICE
ROLE = b'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'
WORD = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"word"}}]}\n\n'
STOP = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
ERROR = b'{"error":{"message":"Overloaded","code":"server_is_overloaded"}}'
AGES_S = 1e6


class Upstream:
    """An answer given piece by piece; a piece may be an error to raise or a function to call."""

    def __init__(self, *pieces, status: int = 200, headers=JSON) -> None:
        self.status = status
        self.headers = headers
        self.pieces = pieces
        self.going = self.chunks()
        self.limits: list[int] = []
        self.closed = 0

    async def read(self, limit: int) -> bytes:
        self.limits.append(limit)
        return b"".join([piece async for piece in self.chunks()])

    async def chunks(self):
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            if callable(piece):
                piece()
                await asyncio.get_running_loop().create_future()
            yield piece

    async def drive(self, sink) -> bool:
        return await driven(self.going, sink)

    async def close(self) -> None:
        self.closed += 1


class Engine:
    def __init__(self, answer: Upstream | Exception) -> None:
        self.answer = answer

    async def send(self, call: Call) -> Upstream:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def close(self) -> None: ...


class Out:
    started = False

    def __init__(self) -> None:
        self.written: list[bytes] = []

    async def write(self, data: bytes) -> None:
        self.written.append(data)

    def push(self, data: bytes) -> bool:
        self.written.append(data)
        return True


class Clock:
    def now(self) -> float:
        return 0.0


def trial_of(answer: Upstream | Exception, *, stream: bool = False, tail: bytes = b"") -> Trial:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    exchange = Exchange(
        id="req_1",
        route="chat",
        method="POST",
        path="/",
        headers={},
        read=None,
        peer="",
        out=Out(),
        codec=codec(Dialect.OPENAI_CHAT),
        started=0.0,
    )
    return Trial(
        exchange=exchange,
        job=ChatJob(codec(Dialect.OPENAI_CHAT), body, stream=stream, usage=False, bound=None),
        target=TARGET,
        engine=Engine(answer),
        call=Call("POST", "https://alpha.test/chat/completions", [], b"{}", stream, 5.0, 1.0, 30.0),
        fields={},
        again=None,
        resume=None,
        report=Report(),
        times=AttemptTimes(first_s=AGES_S, between_s=AGES_S, idle_s=AGES_S, cap_at=float("inf")),
        context=Context(id="chatcmpl-1", created=7, model="large"),
        clock=Clock(),
        seen=Seen(),
        tail=lambda: tail,
    )


async def failed(trial: Trial) -> Fault:
    """The fault of an attempt that came to nothing; nothing was committed or written."""
    committed = []

    async def commit(_: bytes) -> None:
        committed.append(1)

    with pytest.raises(Failure) as caught:
        await (attempt.stream(trial, commit) if trial.job.stream else attempt.unary(trial))
    assert committed == [] and trial.exchange.out.written == []
    return caught.value.fault


async def streamed(trial: Trial) -> bytes:
    async def commit(first: bytes) -> None:
        trial.exchange.out.written += [b"[commit]", first]

    await attempt.stream(trial, commit)
    return b"".join(trial.exchange.out.written)


both = pytest.mark.parametrize("stream", [False, True])


async def test_a_good_answer_is_read_whole_with_status_headers_and_usage():
    upstream = Upstream(REPLY[:20], REPLY[20:])
    trial = trial_of(upstream)
    answered = await attempt.unary(trial)
    assert answered.body == REPLY
    assert (trial.seen.status, trial.seen.headers, trial.seen.usage.input) == (200, JSON, 3)
    assert (upstream.closed, upstream.limits) == (1, [ANSWER_LIMIT])


async def test_a_good_stream_passes_to_its_end_and_commits_once():
    upstream = Upstream(ROLE, WORD, WORD, STOP, b"data: [DONE]\n\n", headers=EVENTS)
    body = await streamed(trial_of(upstream, stream=True, tail=b"data: tail\n\n"))
    assert body == b"[commit]" + ROLE + WORD + WORD + STOP + b"data: tail\n\ndata: [DONE]\n\n"
    assert upstream.closed == 1


async def test_an_event_may_come_in_pieces_cut_anywhere():
    whole = ROLE + WORD + STOP
    for size in (1, 7):
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
        body = await streamed(trial_of(Upstream(*pieces, headers=EVENTS), stream=True))
        assert body == b"[commit]" + whole + b"data: [DONE]\n\n"


@both
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Unreachable("connection refused"), Kind.CONNECT),
        (ConnectTimeout("no connection in time"), Kind.CONNECT),
        (Cut("the connection broke"), Kind.PROTOCOL),
        (Stalled(capped=False), Kind.TIMEOUT),
    ],
)
async def test_a_call_that_gets_no_answer_is_a_fault_without_a_status(stream, error, kind):
    fault = await failed(trial_of(error, stream=stream))
    assert (fault.kind, fault.status) == (kind, 0)


@both
@pytest.mark.parametrize(
    ("error", "kind"), [(Cut("its answer broke off"), Kind.PROTOCOL), (Stalled(capped=True), Kind.TIMEOUT)]
)
async def test_an_answer_that_breaks_keeps_the_status_it_had(stream, error, kind):
    upstream = Upstream(error, headers=EVENTS if stream else JSON)
    fault = await failed(trial_of(upstream, stream=stream))
    assert (fault.kind, fault.status, upstream.closed) == (kind, 200, 1)


@both
async def test_an_error_answer_is_read_up_to_a_bound_and_classified(stream):
    upstream = Upstream(ERROR, status=503, headers=JSON)
    trial = trial_of(upstream, stream=stream)
    assert (await failed(trial)).kind is Kind.OVERLOADED
    assert (trial.seen.status, upstream.limits, upstream.closed) == (503, [ERROR_LIMIT], 1)


@both
async def test_an_error_answer_without_end_is_a_fault_and_not_a_wait(stream):
    upstream = Upstream(TooLarge("its answer is longer than allowed"), status=500)
    assert (await failed(trial_of(upstream, stream=stream))).kind is Kind.PROTOCOL
    assert upstream.closed == 1


@both
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed_nor_read(stream, status):
    upstream = Upstream(b"x", status=status, headers=[("location", "https://elsewhere.test")])
    fault = await failed(trial_of(upstream, stream=stream))
    assert (fault.kind, fault.status) == (Kind.PROTOCOL, status)
    assert "elsewhere" not in fault.message
    assert (upstream.limits, upstream.closed) == ([], 1)


@both
@pytest.mark.parametrize("body", [b"", b"<html>secret</html>", b'{"choices":[', b'{"choices":[]}', b'"secret"'])
async def test_what_is_no_answer_is_a_protocol_fault_that_quotes_nothing(stream, body):
    fault = await failed(trial_of(Upstream(body), stream=stream))
    assert fault.kind is Kind.PROTOCOL
    assert "secret" not in fault.message


@both
async def test_an_error_dressed_as_an_answer_is_read_as_the_error_it_is(stream):
    assert (await failed(trial_of(Upstream(ERROR), stream=stream))).kind is Kind.OVERLOADED


async def test_a_whole_answer_to_a_streamed_request_is_no_stream():
    fault = await failed(trial_of(Upstream(REPLY), stream=True))
    assert (fault.kind, "no event stream" in fault.message) == (Kind.PROTOCOL, True)


async def test_a_stream_that_does_not_say_that_it_is_one_is_known_by_its_bytes():
    upstream = Upstream(ROLE, WORD, STOP, headers=[])
    assert WORD in await streamed(trial_of(upstream, stream=True))
    assert upstream.closed == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"choices":['])
async def test_what_is_neither_a_stream_nor_json_is_told_as_no_stream(body):
    for headers in ([], JSON):
        fault = await failed(trial_of(Upstream(body, headers=headers), stream=True))
        assert (fault.kind, "no event stream" in fault.message) == (Kind.PROTOCOL, True)


async def test_an_error_without_a_content_type_is_read_as_the_error_it_is():
    assert (await failed(trial_of(Upstream(ERROR, headers=[]), stream=True))).kind is Kind.OVERLOADED


@pytest.mark.parametrize("value", ["text/event-stream", "Text/Event-Stream ; charset=UTF-8"])
async def test_a_stream_is_known_by_its_content_type_however_written(value):
    upstream = Upstream(WORD, STOP, headers=[("x-a", "b"), ("content-type", value)])
    assert WORD in await streamed(trial_of(upstream, stream=True))


@pytest.mark.parametrize(
    "pieces",
    [(ROLE,), (), (b"data: nonsense\n\n",), (ROLE, b"data: " + ERROR + b"\n\n"), (b"x" * (1 << 21),)],
    ids=["truncated", "empty", "nonsense", "an error event", "an endless event"],
)
async def test_a_stream_that_fails_before_its_first_content_commits_nothing(pieces):
    upstream = Upstream(*pieces, headers=EVENTS)
    await failed(trial_of(upstream, stream=True))
    assert upstream.closed == 1


@pytest.mark.parametrize(
    ("pieces", "kind"),
    [((), Kind.PROTOCOL), ((Cut("x"),), Kind.PROTOCOL), ((b"data: " + ERROR + b"\n\n",), Kind.OVERLOADED)],
    ids=["truncated", "cut", "an error event"],
)
async def test_a_stream_that_fails_after_it_is_broken_and_carries_the_clients_notice(pieces, kind):
    upstream = Upstream(WORD, *pieces, headers=EVENTS)
    trial = trial_of(upstream, stream=True)
    with pytest.raises(Broken) as caught:
        await streamed(trial)
    assert caught.value.fault.kind is kind
    error = orjson.loads(caught.value.notice.removeprefix(b"data: "))["error"]
    assert (error["code"], error["type"]) == ("stream_cut", "server_error")
    assert error["message"].startswith("alpha/large broke off its answer: ")
    assert trial.exchange.out.written == [b"[commit]", WORD], "who runs the attempt writes the notice"
    assert upstream.closed == 1


@pytest.mark.parametrize(("kind", "told"), [(Kind.DEADLINE, True), (Kind.SHED, True), (Kind.CANCELLED, False)], ids=str)
async def test_a_cancellation_after_the_commit_is_told_to_a_client_that_is_still_there(kind, told):
    task = None

    def over() -> None:
        cancel(trial.exchange, task, Fault(kind=kind, message="It is over."))

    upstream = Upstream(WORD, over, headers=EVENTS)
    trial = trial_of(upstream, stream=True)
    task = asyncio.ensure_future(streamed(trial))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert trial.exchange.out.written[1] == WORD
    notices = trial.exchange.out.written[2:]
    assert bool(notices) is told and all(b"It is over." in one for one in notices)
    assert upstream.closed == 1


async def test_a_cancellation_before_the_commit_writes_nothing():
    task = None

    def over() -> None:
        cancel(trial.exchange, task, Fault(kind=Kind.SHED, message="It is over."))

    upstream = Upstream(ROLE, over, headers=EVENTS)
    trial = trial_of(upstream, stream=True)
    task = asyncio.ensure_future(streamed(trial))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert trial.exchange.out.written == []
    assert upstream.closed == 1


async def test_a_cancellation_that_has_no_reason_is_nobodys_fault_to_tell():
    """The loop itself is ending."""
    task = None

    def ends() -> None:
        task.cancel()

    trial = trial_of(Upstream(WORD, ends, headers=EVENTS), stream=True)
    task = asyncio.ensure_future(streamed(trial))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert trial.exchange.out.written == [b"[commit]", WORD]


# -- where a stream ends


@pytest.mark.parametrize("after", ["silence", "a cut"])
async def test_a_stream_that_has_said_its_end_is_whole_whatever_its_body_does(monkeypatch, after):
    """Some servers keep the connection open, and some break it off; neither is the answer's fault."""
    monkeypatch.setattr(pump, "GRACE_S", 0.01)
    end = b"data: [DONE]\n\n"
    upstream = Upstream(WORD, STOP + end, Cut("it broke") if after == "a cut" else lambda: None, headers=EVENTS)
    assert await streamed(trial_of(upstream, stream=True)) == b"[commit]" + WORD + STOP + end
    assert upstream.closed == 1


async def test_a_client_that_has_its_whole_answer_is_told_nothing_of_what_ends_the_call():
    task = None

    def over() -> None:
        cancel(trial.exchange, task, Fault(kind=Kind.SHED, message="It is over."))

    trial = trial_of(Upstream(WORD, STOP + b"data: [DONE]\n\n", over, headers=EVENTS), stream=True)
    task = asyncio.ensure_future(streamed(trial))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert trial.exchange.out.written[-1].endswith(b"data: [DONE]\n\n")
