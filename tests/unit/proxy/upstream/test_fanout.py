"""Calls side by side that make one answer: they begin, break off and are called off as one."""

import asyncio

import orjson
import pytest

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.flow import Exchange, cancel
from proxy.jobs import FAN_MAX, ChatJob
from proxy.upstream import fanout
from proxy.upstream.attempt import Broken
from proxy.upstream.bodies import driven
from proxy.upstream.seam import Call, Cut
from proxy.upstream.timings import AttemptTimes
from proxy.upstream.trial import Seen, Trial
from translators.catalog import codec
from translators.codec import Context
from translators.faults import Failure, Fault, Kind
from translators.ir import Dialect, Usage
from translators.profile import Profile
from translators.report import Report

CHAT = codec(Dialect.OPENAI_CHAT)
TARGET = Target(
    Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test"),
    "m",
    Profile(provider="alpha", model="m", n_max=1),
    BreakerSettings(),
    RetrySettings(),
    TimeoutSettings(),
)
STOP = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def word(text: str) -> bytes:
    return b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % text.encode()


class Upstream:
    """An answer in pieces; a piece may be an error to raise, an event to wait for, or a function to call."""

    headers = (("content-type", "text/event-stream"),)

    def __init__(self, pieces, status: int) -> None:
        self.pieces = pieces
        self.going = self.chunks()
        self.status = status
        self.closed = 0

    async def read(self, limit: int) -> bytes:
        return b"".join([one async for one in self.chunks()])

    async def chunks(self):
        for one in self.pieces:
            if isinstance(one, Exception):
                raise one
            if isinstance(one, asyncio.Event):
                await one.wait()
            elif callable(one):
                one()
            else:
                yield one

    async def drive(self, sink) -> bool:
        return await driven(self.going, sink)

    async def close(self) -> None:
        self.closed += 1


class Engine:
    def __init__(self, *answers, statuses=(200, 200, 200)) -> None:
        self.upstreams = [Upstream(one, status) for one, status in zip(answers, statuses, strict=False)]
        self.parts = []

    async def send(self, call: Call) -> Upstream:
        self.parts.append(int(call.url))
        return self.upstreams[int(call.url)]


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


def trial_of(engine: Engine, *, stream: bool = True):
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "n": len(engine.upstreams), "stream": stream}
    job = ChatJob(CHAT, body, stream=stream, usage=False, bound=None, fan_out=True)
    prepared = job.prepare(TARGET)

    def again(fields, part):
        return Call("POST", str(part), [], orjson.dumps(fields), stream, 5.0, 1.0, 30.0)

    exchange = Exchange(
        id="req_1", route="chat", method="POST", path="/", headers={}, read=None, peer="", out=Out(), codec=CHAT,
        started=0.0, deadline=float("inf"), commit_by=float("inf"),
    )  # fmt: skip
    trial = Trial(
        exchange=exchange,
        job=job,
        target=TARGET,
        engine=engine,
        call=again(prepared.fields, 0),
        fields=prepared.fields,
        again=again,
        resume=None,
        report=prepared.report,
        times=AttemptTimes(first_s=1e6, between_s=1e6, idle_s=0.0, cap_at=float("inf")),
        context=Context(id="chatcmpl-1", created=7, model="m"),
        clock=Clock(),
        seen=Seen(),
        tail=lambda: b"data: tail\n\n",
    )
    return trial, prepared.fan


async def streamed(trial: Trial, fan) -> bytes:
    async def commit(first: bytes) -> None:
        trial.exchange.out.written += [b"[commit]", first]

    await fanout.stream(trial, fan, commit)
    return b"".join(trial.exchange.out.written)


def closed(engine: Engine) -> bool:
    return all(one.closed == 1 for one in engine.upstreams)


async def test_the_first_content_of_any_call_commits_once_and_one_end_is_said():
    second_said = asyncio.Event()
    engine = Engine([second_said, word("a"), STOP, DONE], [word("b"), second_said.set, STOP, DONE])
    body = await streamed(*trial_of(engine))
    assert body.startswith(b"[commit]data: ") and body.count(b"[commit]") == body.count(DONE) == 1
    chunks = [orjson.loads(one[6:]) for one in body.removeprefix(b"[commit]").split(b"\n\n")[:-3]]
    told = [(one["choices"][0]["index"], one["choices"][0]["delta"].get("content")) for one in chunks]
    assert told.index((1, "b")) < told.index((0, "a"))
    assert body.endswith(b"data: tail\n\n" + DONE) and closed(engine)


async def test_a_call_that_fails_before_any_content_is_the_fault_of_all():
    engine = Engine([asyncio.Event()], [b'{"error":{"message":"Overloaded"}}'], statuses=(200, 503))
    trial, fan = trial_of(engine)
    with pytest.raises(Failure) as caught:
        await streamed(trial, fan)
    assert (caught.value.fault.kind, trial.seen.status, trial.exchange.out.written) == (Kind.OVERLOADED, 503, [])
    assert closed(engine)


@pytest.mark.parametrize("own_content", [[], [word("b")]], ids=["without content of its own", "with"])
async def test_a_call_that_fails_after_the_commit_breaks_the_answer_off(own_content):
    said = asyncio.Event()
    engine = Engine([word("a"), said.set, asyncio.Event()], [*own_content, said, Cut("it broke")])
    trial, fan = trial_of(engine)
    with pytest.raises(Broken) as caught:
        await streamed(trial, fan)
    assert b"alpha/m broke off its answer" in caught.value.notice
    assert DONE not in b"".join(trial.exchange.out.written) and closed(engine)


async def test_how_each_call_ended_is_told():
    """The first was called off in its content, the second failed, the third had ended with its counts."""
    said, ended = asyncio.Event(), asyncio.Event()
    counts = b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'
    third = [said, word("c"), STOP, counts, DONE, ended.set]
    engine = Engine([word("a"), said.set, asyncio.Event()], [ended, Cut("it broke")], third)
    trial, fan = trial_of(engine)
    with pytest.raises(Broken):
        await streamed(trial, fan)
    first, second, last = trial.seen.fared
    assert (first.fault.kind, first.usage, first.status, first.content) == (Kind.CANCELLED, None, 200, True)
    assert (second.fault.kind, second.content) == (Kind.PROTOCOL, False)
    assert (last.fault, last.usage, last.content) == (None, Usage(3, 2), True)


async def test_a_cancellation_is_told_once():
    task = None

    def over() -> None:
        cancel(trial.exchange, task, Fault(kind=Kind.DEADLINE, message="It is over."))

    said = asyncio.Event()
    engine = Engine([word("a"), said.set, asyncio.Event()], [word("b"), said, over, asyncio.Event()])
    trial, fan = trial_of(engine)
    task = asyncio.ensure_future(streamed(trial, fan))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert b"".join(trial.exchange.out.written).count(b"It is over.") == 1 and closed(engine)


def reply(text: str) -> list[bytes]:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return [orjson.dumps({"id": text, "model": "m", "choices": [choice], "usage": usage})]


async def test_whole_answers_are_choices_in_the_order_of_their_calls():
    late = asyncio.Event()
    engine = Engine([late, *reply("a")], [*reply("b"), late.set])
    trial, fan = trial_of(engine, stream=False)
    body = orjson.loads((await fanout.whole(trial, fan, None)).body)
    assert [(one["index"], one["message"]["content"]) for one in body["choices"]] == [(0, "a"), (1, "b")]
    assert (body["usage"]["prompt_tokens"], trial.seen.usage.output, trial.seen.status) == (6, 4, 200)
    assert sorted(engine.parts) == [0, 1] and closed(engine)


@pytest.mark.parametrize(("n", "calls"), [(None, 1), (1, 1), (2, 2), (FAN_MAX, FAN_MAX), (FAN_MAX + 1, 1)])
@pytest.mark.parametrize("dialect", [Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES])
def test_calls_are_made_for_each_answer_up_to_a_bound(n, calls, dialect):
    provider = Provider("alpha", dialect, "https://alpha.test")
    target = Target(provider, "m", TARGET.profile, BreakerSettings(), RetrySettings(), TimeoutSettings())
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **({} if n is None else {"n": n})}
    prepared = ChatJob(CHAT, body, stream=False, usage=False, bound=None, fan_out=True).prepare(target)
    assert prepared.calls == calls
    refused = [entry for entry in prepared.report.entries if entry.verdict == "refused"]
    assert bool(refused) is (n == FAN_MAX + 1)
    assert prepared.fields.get("n", 1) == 1


def test_without_leave_nothing_is_fanned_out():
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "n": 2}
    prepared = ChatJob(CHAT, body, stream=False, usage=False, bound=None).prepare(TARGET)
    assert prepared.fan is None and [entry.field for entry in prepared.report.entries] == ["n"]
    assert isinstance(prepared.report, Report)
