"""One attempt at one target: send, classify, hold back until the first content, then pass on.

A client that waits for a whole answer gets one, whether the upstream gives it whole (`unary`) or as a stream
(`folded`); a stream is watched for its progress in the same way, whomever it is for.

An upstream that pauses its answer is asked for the rest within the same attempt (`hops`), and the client sees one
answer: one pipe reads all of its pieces. A call for the rest that fails before any of it came is made again where that
is allowed (`Trial.resume`); any other piece that fails fails the attempt.

Everything that goes wrong before the commit is raised as Failure and costs the client nothing; after it, as Broken,
and the client is told in its own dialect that the answer is incomplete. The watchdog watches the upstream alone: while
a slow client is being written to it rests, for that is not the upstream's silence.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from msgspec import structs

from proxy.jobs import Answered, Pause, parse_fault
from proxy.upstream.hops import Hops
from proxy.upstream.noting import note, noting, sign
from proxy.upstream.pump import Pump, last_moment, rests
from proxy.upstream.quoting import unquoted
from proxy.upstream.seam import Body, Call, Cut, Exhausted, NotTaken, Unreachable, Upstream
from proxy.upstream.sniffed import Sniffed
from proxy.upstream.timers import Stalled, Watchdog
from proxy.upstream.trial import ANSWER_LIMIT, ERROR_LIMIT, RESTING, Commit, Trial
from translators.faults import Failure, Fault, Kind, ProtocolFault, say
from translators.ir import Json
from translators.report import own_place

T = TypeVar("T")

_BROKEN = (Unreachable, Cut, Stalled, ProtocolFault)


class Broken(Exception):
    """The answer failed after its commit; `notice` is the client's error event."""

    def __init__(self, fault: Fault, notice: bytes) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.notice = notice


async def unary(trial: Trial) -> Answered:
    """The whole answer in the client's dialect. Raises Failure."""
    try:  # by none of the functions that other calls are made by: frames cost every request, and few make another call
        with Watchdog(trial.times.first_s, trial.times.cap_at) as dog:
            upstream = await trial.engine.send(trial.call)
            if not _succeeds(trial, upstream):
                raise await _refusal(trial, upstream)
            try:
                body = await upstream.read(ANSWER_LIMIT)
            finally:
                await upstream.close()
            answered = trial.job.answer(body, trial.target, trial.context)
            if answered.pause is not None:
                answered = await _gone_on(trial, answered, dog)
    except _BROKEN as error:
        raise Failure(_broken_by(error, trial)) from None
    trial.seen.usage, trial.seen.id = answered.usage, answered.id
    if trial.exchange.trace is not None:
        note(trial.exchange.trace, answered.of)
    if trial.exchange.signs is not None:
        sign(trial.exchange.signs, answered.of)
    return answered


async def _watched(trial: Trial, limit: float, work: Callable[[Watchdog], Awaitable[T]]) -> T:
    """One call, which must end by the loop time `limit`. Raises Failure, whatever befell it."""
    try:
        with Watchdog(trial.times.first_s, limit) as dog:
            return await work(dog)
    except _BROKEN as error:
        raise Failure(_broken_by(error, trial)) from None


async def _read(trial: Trial, call: Call) -> bytes:
    upstream = await _opened(trial, call)
    try:
        return await upstream.read(ANSWER_LIMIT)
    finally:
        await upstream.close()


async def _gone_on(trial: Trial, answered: Answered, dog: Watchdog) -> Answered:
    """The whole of a whole answer that paused. It may take all the time that the request has, as in `folded`."""
    rests(dog)
    hops = Hops(trial.fields, trial.report)
    while answered.pause is not None:
        fields = hops.following(answered.pause.continued)
        if fields is None:
            break
        call = trial.again(fields, trial.part)
        if trial.pay is not None:
            await trial.pay(call)
        answered = await _rest(trial, answered.pause, call)
    return answered


async def _rest(trial: Trial, pause: Pause, call: Call) -> Answered:
    """What one call for the rest makes of a paused answer."""

    async def work(_: Watchdog) -> Answered:
        return pause.rest(await _read(trial, call))

    tried = 0
    while True:
        try:
            return await _watched(trial, last_moment(trial), work)
        except Failure as failure:
            tried += 1
            if not await trial.resume(failure, trial.seen, tried):
                raise


async def folded(trial: Trial, begun: Commit) -> Answered:
    """The whole answer, in the client's dialect, of an upstream that is asked for a stream. Raises Failure.

    Nothing is sent before its end, so nothing that happens costs the client more than time. From its first content on
    it may take all the time that the request has, other targets or not: what it has done already would be lost.
    """
    pipe = noting(trial.job.folding(trial.target, trial.context, ANSWER_LIMIT), trial.exchange.trace)
    pump = Pump(trial, pipe, begun, last_moment(trial))
    whole: list[Answered] = []

    async def one(call: Call, dog: Watchdog) -> Call | None:
        upstream = await _opened(trial, call)
        try:
            answer, events = await _sniffed(upstream)
            if call is trial.call and not events:
                whole.append(await _unfolded(trial, answer, dog))
                return None
            following = await pump.run(answer, dog)
            await pump.drain()
        finally:
            await upstream.close()
        return following

    try:
        await _call_by_call(trial, pump, one)
    except asyncio.CancelledError:
        if pump.committed:
            trial.seen.silent_s = pump.silent_s
        raise
    trial.seen.id = ""  # a folded answer bears one of ours
    return whole[0] if whole else Answered(pump.end, trial.seen.usage)


async def _call_by_call(trial: Trial, pump: Pump, one: Callable[[Call, Watchdog], Awaitable[Call | None]]) -> None:
    """Makes call after call, by `one`, until the answer has ended. Raises Failure."""
    call: Call | None = trial.call
    tried = 0
    while call is not None:
        if trial.pay is not None and call is not trial.call and not tried:
            await trial.pay(call)
        try:
            call = await _watched(trial, pump.limit, partial(one, call))
            tried = 0
        except Failure as failure:
            tried += 1
            if not pump.resuming or not await trial.resume(pump.counted(failure), trial.seen, tried):
                raise


async def _unfolded(trial: Trial, upstream: Body, dog: Watchdog) -> Answered:
    """A whole answer, though a stream was asked for."""
    answered = trial.job.answer(await upstream.read(ANSWER_LIMIT), trial.target, trial.context)
    if answered.pause is not None:
        answered = await _gone_on(trial, answered, dog)
    trial.seen.usage = answered.usage
    if trial.exchange.trace is not None:
        note(trial.exchange.trace, answered.of)
    if trial.exchange.signs is not None:
        sign(trial.exchange.signs, answered.of)
    return answered


async def stream(trial: Trial, commit: Commit) -> None:
    """Passes a streamed answer on, to its regular end. Raises Failure before the commit and Broken after it.

    A cancellation after the commit that is not the client's own leaving is told to the client before it goes on.
    """
    pipe = noting(trial.job.pipe(trial.target, trial.context), trial.exchange.trace)
    pump = Pump(trial, pipe, commit, RESTING)

    async def one(call: Call, dog: Watchdog) -> Call | None:
        return await _passed_on(trial, call, pump, dog)

    try:
        await _call_by_call(trial, pump, one)
    except asyncio.CancelledError:
        why = trial.exchange.cancelled
        if pump.committed and not pump.finished:
            trial.seen.silent_s = pump.silent_s
        if pump.committed and not pump.finished and why is not None and why.kind is not Kind.CANCELLED:
            await trial.exchange.out.write(pump.pipe.fault(why))
        raise
    except Failure as failure:
        if not pump.committed:
            raise
        told = broken_off(failure.fault, trial)
        raise Broken(told, pump.held + pump.pipe.fault(told)) from None
    finally:
        pump.pings.stop()


async def _passed_on(trial: Trial, call: Call, pump: Pump, dog: Watchdog) -> Call | None:
    """Passes one call's stream on. Gives the call for the rest, None where the answer has ended."""
    upstream = await _opened(trial, call)
    try:
        following = await pump.run(await _expect_events(upstream, trial), dog)
        if following is None:
            await pump.finish()
        await pump.drain()
    finally:
        await upstream.close()
    return following


async def _opened(trial: Trial, call: Call) -> Upstream:
    """An answer with a success status. Raises Failure for any other."""
    trial.seen.status, trial.seen.headers = 0, []
    upstream = await trial.engine.send(call)
    if not _succeeds(trial, upstream):
        raise await _refusal(trial, upstream)
    return upstream


def _succeeds(trial: Trial, upstream: Upstream) -> bool:
    """Whether an answer's status is one of success; it is noted in either case."""
    seen = trial.seen
    seen.status, seen.headers = upstream.status, upstream.headers
    return 200 <= upstream.status < 300


async def _refusal(trial: Trial, upstream: Upstream) -> Failure:
    """What any other answer comes to."""
    try:
        if 300 <= upstream.status < 400:
            return Failure(Fault(kind=Kind.PROTOCOL, status=upstream.status, message="it answered with a redirect"))
        body = await upstream.read(ERROR_LIMIT)
    finally:
        await upstream.close()
    return Failure(parse_fault(trial.target, upstream.status, body))


async def _sniffed(upstream: Upstream) -> tuple[Body, bool]:
    """The answer, and whether it is a stream of events: where it does not say what it is, its first bytes do."""
    said = next((value for name, value in upstream.headers if name == "content-type"), "")
    kind = said.partition(";")[0].strip().lower()
    if kind:
        return upstream, kind == "text/event-stream"
    sniffed = Sniffed(upstream)
    return sniffed, await sniffed.tells_events()


async def _expect_events(upstream: Upstream, trial: Trial) -> Body:
    answer, events = await _sniffed(upstream)
    if events:
        return answer
    # A JSON body here is nearly always an error dressed as a 200: read it as one.
    body = await answer.read(ERROR_LIMIT)
    with suppress(ProtocolFault):
        trial.job.answer(body, trial.target, trial.context)
    raise ProtocolFault("it answered a streamed request with something that is no event stream")


def broken_off(fault: Fault, trial: Trial) -> Fault:
    """The fault as it is told after the commit, where no list of targets says whose it is. What speaks of the request
    itself keeps its own words."""
    fault = unquoted(fault, trial.call.headers)
    if trial.target.provider.dialect is not trial.exchange.codec.dialect:
        fault = placed(fault, trial.exchange.payload)
    else:
        fault = unmoved(fault, trial.exchange.payload, trial.fields)
    if fault.outcome.breaker == "success":
        return fault
    message = say(f"{trial.target.name} broke off its answer: {fault.message.rstrip('.')}.")
    return structs.replace(fault, message=message, code="stream_cut")


def placed(fault: Fault, payload: Json) -> Fault:
    """A fault of a translated request, naming a field only where the client's own body has that one: what else it names
    is a place in a body that the client has never seen."""
    own = payload if isinstance(payload, dict) else {}
    return fault if fault.param is None or fault.param in own else structs.replace(fault, param=None)


def unmoved(fault: Fault, payload: Json, fields: Mapping[str, Any]) -> Fault:
    """A fault of a relayed request, whose field is named as it stands in the client's own body."""
    if fault.param is None:
        return fault
    param = own_place(fault.param, payload.get("input") if isinstance(payload, dict) else None, fields.get("input"))
    return structs.replace(fault, param=param)


def _broken_by(error: Exception, trial: Trial) -> Fault:
    """The same of a call of ours, whose answer may be unreadable because it is compressed."""
    coding = next((value for name, value in trial.seen.headers if name == "content-encoding"), "identity")
    if isinstance(error, ProtocolFault) and coding != "identity":
        return transport_fault(
            ProtocolFault(say(f"it compressed its answer ({coding[:20]}) unasked")), trial.seen.status
        )
    return transport_fault(error, trial.seen.status)


def transport_fault(error: Exception, status: int) -> Fault:
    """What a broken transport means, in words that quote nothing of the upstream; `status` is 0 before its answer."""
    if isinstance(error, Stalled):
        return Fault(kind=Kind.TIMEOUT, status=status, message="it made no progress in time")
    if isinstance(error, NotTaken):
        return Fault(kind=Kind.TIMEOUT, status=status, message=str(error))
    if isinstance(error, Exhausted):
        return Fault(kind=Kind.SHED, message=str(error))
    if isinstance(error, Unreachable):
        return Fault(kind=Kind.CONNECT, status=status, message=f"it could not be reached: {error}")
    return Fault(kind=Kind.PROTOCOL, status=status, message=str(error) or "its answer broke off")
