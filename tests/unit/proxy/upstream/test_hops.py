"""An attempt at an upstream that pauses its answer: the calls it makes, and what is passed on between them."""

import asyncio

import orjson
import pytest

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.flow import Exchange, cancel
from proxy.jobs import ChatJob
from proxy.upstream import attempt, hops, pump
from proxy.upstream.attempt import Broken
from proxy.upstream.bodies import driven
from proxy.upstream.hops import CALLS_MAX, Beginning, Hops
from proxy.upstream.seam import Call, Cut
from proxy.upstream.timings import AttemptTimes
from proxy.upstream.trial import Seen, Trial
from translators.catalog import codec
from translators.codec import Context
from translators.faults import Failure, Fault, Kind
from translators.ir import Continued, Dialect, Event, Started, TextDelta, Usage, Used
from translators.profile import Profile
from translators.report import Report

EVENTS = [("content-type", "text/event-stream")]
AGES_S = 1e6
BUSY = b'{"type":"error","error":{"type":"overloaded_error","message":"Busy"}}'


def event(kind: str, **fields) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **fields}))


def piece(text: str, stop: str = "pause_turn") -> list[bytes]:
    """One call's stream: a word, and an end or a pause."""
    return [
        event("message_start", message={"id": "msg_1", "model": "m", "usage": {"input_tokens": 3, "output_tokens": 0}}),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": text}),
        event("content_block_stop", index=0),
        event("message_delta", delta={"stop_reason": stop}, usage={"output_tokens": 2}),
        event("message_stop"),
    ]


def whole(text: str, stop: str = "pause_turn") -> list[bytes]:
    content = [{"type": "text", "text": text}]
    usage = {"input_tokens": 3, "output_tokens": 2}
    message = {"type": "message", "id": "msg_1", "model": "m", "content": content, "stop_reason": stop, "usage": usage}
    return [orjson.dumps(message)]


class Upstream:
    status = 200

    def __init__(self, pieces, headers) -> None:
        self.headers = headers
        self.pieces = pieces
        self.going = self.chunks()
        self.closed = 0

    async def read(self, limit: int) -> bytes:
        return b"".join([one async for one in self.chunks()])

    async def chunks(self):
        for one in self.pieces:
            if isinstance(one, Exception):
                raise one
            if callable(one):
                one()
                await asyncio.get_running_loop().create_future()
            yield one

    async def drive(self, sink) -> bool:
        return await driven(self.going, sink)

    async def close(self) -> None:
        self.closed += 1


class Engine:
    """Answers call after call, and remembers the bodies."""

    def __init__(self, *answers) -> None:
        self.upstreams = [Upstream(one, [] if str(one[0]).startswith("b'{") else EVENTS) for one in answers]
        for one in self.upstreams:
            if one.pieces == [BUSY]:
                one.status = 503
        self.bodies = []

    async def send(self, call: Call) -> Upstream:
        self.bodies.append(orjson.loads(call.body))
        return self.upstreams[len(self.bodies) - 1]


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
        return asyncio.get_running_loop().time()


async def never(fault, seen, tried) -> bool:
    return False


def trial_of(
    engine: Engine,
    *,
    resume=never,
    stream: bool = True,
    first_s: float = AGES_S,
    dialect=Dialect.ANTHROPIC_MESSAGES,
) -> Trial:
    chat = codec(Dialect.OPENAI_CHAT)
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "web_search_options": {}, "stream": stream}
    profile = Profile(provider="alpha", model="m", upstream_stream=False)
    provider = Provider("alpha", dialect, "https://alpha.test")
    target = Target(provider, "m", profile, BreakerSettings(), RetrySettings(), TimeoutSettings())
    job = ChatJob(chat, body, stream=stream, usage=True, bound=None)
    prepared = job.prepare(target)

    def again(fields, part):
        return Call("POST", "https://alpha.test", [], orjson.dumps(fields), stream, 5.0, 1.0, 30.0)

    exchange = Exchange(
        id="req_1", route="chat", method="POST", path="/", headers={}, read=None, peer="", out=Out(), codec=chat,
        started=0.0, deadline=float("inf"), commit_by=float("inf"),
    )  # fmt: skip
    return Trial(
        exchange=exchange,
        job=job,
        target=target,
        engine=engine,
        call=again(prepared.fields, 0),
        fields=prepared.fields,
        again=again,
        resume=resume,
        report=prepared.report,
        times=AttemptTimes(first_s=first_s, between_s=first_s, idle_s=0.0, cap_at=float("inf")),
        context=Context(id="chatcmpl-1", created=7, model="m", include_usage=True),
        clock=Clock(),
        seen=Seen(),
        tail=lambda: b"",
    )


async def streamed(trial: Trial) -> list:
    """The client's chunks; the last is `[DONE]`."""
    await attempt.stream(trial, trial.exchange.out.write)
    told = b"".join(trial.exchange.out.written).decode().removesuffix("\n\n").split("\n\n")
    return [orjson.loads(one[6:]) if one[6] == "{" else one[6:] for one in told]


def words(chunks: list) -> str:
    return "".join(c["delta"].get("content") or "" for one in chunks[:-1] for c in one["choices"])


def closed(engine: Engine) -> bool:
    return all(one.closed == 1 for one in engine.upstreams[: len(engine.bodies)])


async def test_a_stream_goes_on_through_its_pauses_under_one_id_and_one_end():
    engine = Engine(piece("one "), piece("two "), piece("three", "end_turn"))
    trial = trial_of(engine)
    chunks = await streamed(trial)
    assert words(chunks) == "one two three" and chunks[-1] == "[DONE]"
    choices = [choice for one in chunks[:-1] for choice in one["choices"]]
    assert [one["finish_reason"] for one in choices if one["finish_reason"]] == ["stop"]
    assert [one for one in choices if "role" in one["delta"]] == choices[:1]
    assert (trial.seen.usage.input, trial.seen.usage.output) == (9, 6)
    assert chunks[-2]["usage"]["completion_tokens"] == 6
    assert [[one["role"] for one in body["messages"]] for body in engine.bodies] == [
        ["user"], ["user", "assistant"], ["user", "assistant", "assistant"],
    ]  # fmt: skip
    assert engine.bodies[0]["tools"] == engine.bodies[2]["tools"] and closed(engine)


async def test_what_was_said_before_a_pause_does_not_wait_for_what_comes_after_it():
    trial, seen = None, []

    class Late(Engine):
        async def send(self, call: Call) -> Upstream:
            seen.append(b"".join(trial.exchange.out.written))
            return await super().send(call)

    trial = trial_of(Late([b"".join(piece("one "))], piece("two", "end_turn")))
    await streamed(trial)
    assert b"one " in seen[1]


async def test_a_body_that_does_not_end_after_its_pause_is_left(monkeypatch):
    monkeypatch.setattr(pump, "GRACE_S", 0.01)
    engine = Engine([*piece("one "), lambda: None], [*piece("two ", "end_turn"), Cut("late")])
    assert words(await streamed(trial_of(engine))) == "one two "
    assert closed(engine)


@pytest.mark.parametrize(
    "second", [[Cut("it broke")], [event("ping")], piece("two")[:3], [b'{"type":"error","error":{}}']], ids=str
)
async def test_a_rest_that_fails_breaks_a_stream_off(second):
    engine = Engine(piece("one "), second)
    trial = trial_of(engine)
    with pytest.raises(Broken) as caught:
        await streamed(trial)
    assert b"alpha/m broke off its answer" in caught.value.notice and closed(engine)


async def test_a_rest_that_does_not_come_in_time_breaks_a_stream_off():
    engine = Engine(piece("one "), [event("ping"), lambda: None])
    with pytest.raises(Broken) as caught:
        await streamed(trial_of(engine, first_s=0.2))
    assert caught.value.fault.kind is Kind.TIMEOUT and closed(engine)


async def test_a_cancellation_between_the_pieces_is_told_to_a_client_that_is_still_there():
    task = None

    def over() -> None:
        cancel(trial.exchange, task, Fault(kind=Kind.DEADLINE, message="It is over."))

    trial = trial_of(Engine(piece("one "), [event("ping"), over]))
    task = asyncio.ensure_future(streamed(trial))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert b"It is over." in trial.exchange.out.written[-1]


async def test_whole_answers_are_put_together():
    engine = Engine(whole("one "), whole("two", "end_turn"))
    trial = trial_of(engine, stream=False)
    body = orjson.loads((await attempt.unary(trial)).body)
    assert body["choices"][0]["message"]["content"] == "one two"
    assert (body["choices"][0]["finish_reason"], trial.seen.usage.total) == ("stop", 10)
    assert engine.bodies[1]["messages"][1] == {"role": "assistant", "content": [{"type": "text", "text": "one "}]}
    assert closed(engine)


@pytest.mark.parametrize("second", [[Cut("it broke")], [b"{}"], [b"<html>"]], ids=str)
async def test_a_rest_that_fails_costs_a_client_that_has_seen_nothing_nothing(second):
    engine = Engine(whole("one "), second)
    with pytest.raises(Failure):
        await attempt.unary(trial_of(engine, stream=False))
    assert closed(engine)


class Asked:
    """Lets every call that failed be made again, up to `most` times, and remembers what it was told."""

    def __init__(self, most: int = 99) -> None:
        self.most = most
        self.told = []
        self.counted = []

    async def __call__(self, failure, seen, tried) -> bool:
        self.told.append((failure.fault.kind, seen.status, tried))
        self.counted.append(failure.usage and failure.usage.total)
        return len(self.told) <= self.most


FAILED = {
    "a 503": ([BUSY], (Kind.OVERLOADED, 503)),
    "a cut before anything": ([Cut("it broke")], (Kind.PROTOCOL, 200)),
    "nothing but a ping": ([event("ping")], (Kind.PROTOCOL, 200)),
    "an error event": (
        [*piece("")[:2], b"event: error\ndata: " + BUSY + b"\n\n"],
        (Kind.OVERLOADED, 200),
    ),
    "nonsense": ([b"data: {no\n\n"], (Kind.PROTOCOL, 200)),
}


@pytest.mark.parametrize("way", ["stream", "folded"])
@pytest.mark.parametrize("name", FAILED)
async def test_a_call_for_the_rest_that_fails_before_any_content_is_made_again_and_leaves_no_trace(name, way):
    bad, (kind, status) = FAILED[name]
    engine, asked = Engine(piece("one "), bad, bad, piece("two "), bad, piece("three", "end_turn")), Asked()
    trial = trial_of(engine, resume=asked, stream=way == "stream")
    if way == "stream":
        said = words(await streamed(trial))
    else:
        body = (await attempt.folded(trial, trial.exchange.out.write)).body
        said = orjson.loads(body)["choices"][0]["message"]["content"]
    assert said == "one two three"
    assert asked.told == [(kind, status, 1), (kind, status, 2), (kind, status, 1)]
    assert asked.counted == [3 if name == "an error event" else None] * 3
    assert engine.bodies[1] == engine.bodies[2] == engine.bodies[3] != engine.bodies[4] == engine.bodies[5]
    assert (trial.seen.usage.input, trial.seen.usage.output) == (9, 6) and closed(engine)


@pytest.mark.parametrize("bad", [[BUSY], [Cut("it broke")], [b"<html>"]], ids=str)
async def test_a_whole_rest_that_fails_is_asked_for_again(bad):
    engine, asked = Engine(whole("one "), bad, bad, whole("two", "end_turn")), Asked()
    trial = trial_of(engine, resume=asked, stream=False)
    body = orjson.loads((await attempt.unary(trial)).body)
    assert body["choices"][0]["message"]["content"] == "one two" and trial.seen.usage.total == 10
    assert [tried for _, _, tried in asked.told] == [1, 2] and closed(engine)


async def test_silence_in_place_of_the_rest_is_a_failure_of_that_call_alone():
    engine, asked = Engine(piece("one "), [event("ping"), lambda: None], piece("two", "end_turn")), Asked()
    assert words(await streamed(trial_of(engine, resume=asked, first_s=0.2))) == "one two"
    assert asked.told == [(Kind.TIMEOUT, 200, 1)]


@pytest.mark.parametrize("stream", [True, False])
async def test_what_failed_too_often_fails_the_attempt(stream):
    engine, asked = Engine(piece("one "), [BUSY], [BUSY], [BUSY]), Asked(most=2)
    trial = trial_of(engine, resume=asked, stream=stream)
    with pytest.raises(Broken if stream else Failure) as caught:
        await (attempt.stream if stream else attempt.folded)(trial, trial.exchange.out.write)
    assert caught.value.fault.kind is Kind.OVERLOADED
    assert len(asked.told) == 3 and closed(engine)


async def test_a_first_call_and_a_rest_that_has_begun_are_never_made_again():
    asked = Asked()
    with pytest.raises(Failure):
        await streamed(trial_of(Engine([BUSY]), resume=asked))
    with pytest.raises(Broken) as caught:
        await streamed(trial_of(Engine(piece("one "), [*piece("two")[:3], Cut("it broke")]), resume=asked))
    assert caught.value.fault.code == "stream_cut" and asked.told == []


@pytest.mark.parametrize("pieces", [piece, whole], ids=["folded", "whole all the same"])
async def test_a_folded_answer_is_gone_on_with_too(pieces):
    engine = Engine(pieces("one "), pieces("two", "end_turn"))
    trial = trial_of(engine, stream=False)
    body = orjson.loads((await attempt.folded(trial, trial.exchange.out.write)).body)
    assert body["choices"][0]["message"]["content"] == "one two" and closed(engine)


async def test_an_answer_that_pauses_too_often_ends_as_cut_short_and_the_report_says_so():
    engine = Engine(*(piece("x") for _ in range(CALLS_MAX)))
    trial = trial_of(engine)
    chunks = await streamed(trial)
    assert words(chunks) == "x" * CALLS_MAX
    assert chunks[-3]["choices"][0]["finish_reason"] == "length"
    assert trial.report.entries[-1].field == "answer" and "8 times" in trial.report.entries[-1].why


def gemini(text: str, **candidate) -> bytes:
    said = {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **candidate}]}
    counts = {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}
    return b"data: " + orjson.dumps({**said, "usageMetadata": counts, "responseId": "r"}) + b"\n\n"


async def test_a_long_answer_of_geminis_is_asked_for_by_its_token():
    pause = {"finishReason": "CONTINUATION", "continuationToken": "t"}
    engine = Engine([gemini("one ", **pause)], [gemini("two", finishReason="STOP")])
    trial = trial_of(engine, dialect=Dialect.GEMINI)
    chunks = await streamed(trial)
    assert words(chunks) == "one two"
    assert (trial.seen.usage.input, trial.seen.usage.output) == (5, 4)
    assert engine.bodies[1] == {**engine.bodies[0], "continuationToken": "t"}


def test_a_body_grows_by_what_each_pause_names():
    fields = {"a": 1, "list": [1]}
    hops = Hops(fields, Report())
    assert hops.following(Continued({"token": "t"})) == {"a": 1, "list": [1], "token": "t"}
    assert hops.following(Continued({"token": "u"}, {"list": [2], "new": [3]})) == {
        "a": 1, "list": [1, 2], "token": "u", "new": [3],
    }  # fmt: skip
    assert fields == {"a": 1, "list": [1]}


class Aside:
    """A pipe of no dialect: an event's data says what it means."""

    def feed(self, event: Event):
        kinds = {b"head": Started("", ""), b"count": Used(Usage(1, 1)), b"word": TextDelta("w")}
        return [kinds[event.data]] if event.data in kinds else [], b""


def test_events_are_held_up_to_the_first_content_and_come_in_their_order():
    head, count, ping, word = (Event(data) for data in (b"head", b"count", b"ping", b"word"))
    beginning = Beginning(Aside())
    assert not beginning.released([head, ping]) and not beginning.released([])
    assert beginning.released([count, word, ping, word]) == [head, ping, count, word, ping, word]
    assert Beginning(Aside()).released([word, head]) == [word, head]


def test_more_events_than_may_be_held_count_as_begun(monkeypatch):
    monkeypatch.setattr(hops, "HELD_CAP", 8)
    ping, beginning = Event(b"ping"), Beginning(Aside())
    assert not beginning.released([ping, ping]) and beginning.released([ping]) == [ping] * 3
