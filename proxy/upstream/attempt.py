"""One attempt at one target: send, classify, hold back until the first content, then pass on.

A client that waits for a whole answer gets one, whether the upstream gives it whole (`unary`) or as a stream
(`folded`); a stream is watched for its progress in the same way, whomever it is for.

An upstream that pauses its answer is asked for the rest within the same attempt (`hops`), and the client sees one
answer: one pipe reads all of its pieces. A piece that fails fails the attempt.

Everything that goes wrong before the commit is raised as Failure and costs the client nothing; after it, as Broken,
and the client is told in its own dialect that the answer is incomplete. The watchdog watches the upstream alone: while
a slow client is being written to it rests, for that is not the upstream's silence.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct, field, structs

from proxy.clock import Clock
from proxy.config.values import Target
from proxy.flow import Exchange, Headers
from proxy.jobs import Answered, Job, parse_fault
from proxy.upstream.hops import Hops
from proxy.upstream.keepalive import Pings
from proxy.upstream.seam import Call, Cut, Engine, Exhausted, NotTaken, Unreachable, Upstream
from proxy.upstream.timers import Stalled, Watchdog
from proxy.upstream.timings import AttemptTimes
from translators.codec import Context, Pipe
from translators.faults import Failure, Fault, Kind, ProtocolFault, Truncated, say
from translators.ir import Continued, Delta, Failed, Started, Usage, Used
from translators.report import Report
from translators.sse import EventSplitter

ANSWER_LIMIT = 64 * 1024 * 1024
ERROR_LIMIT = 1024 * 1024
RESTING = float("inf")
GRACE_S = 0.25
"""How long a body may take to end after its stream has said its end; a connection that ends in time serves again."""


class Broken(Exception):
    """The answer failed after its commit; `notice` is the client's error event."""

    def __init__(self, fault: Fault, notice: bytes) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.notice = notice


class Seen(Struct):
    """What became known of an attempt, filled as it happens; `status` is 0 until the upstream answered."""

    status: int = 0
    headers: Headers = field(default_factory=list)
    usage: Usage | None = None
    id: str = ""
    """The id that the upstream gave its answer; empty where the client sees another."""


class Trial(Struct, frozen=True):
    """Everything one attempt needs."""

    exchange: Exchange
    job: Job
    target: Target
    engine: Engine
    call: Call
    fields: Mapping[str, Any]
    """The call's body before it became bytes."""
    again: Callable[[Mapping[str, Any], int], Call]
    """The same call with another body, made as this `part`."""
    report: Report
    times: AttemptTimes
    context: Context
    clock: Clock
    seen: Seen
    tail: Callable[[], bytes]
    """What is said before a stream's regular end, e.g. the metadata a client asked for."""
    part: int = 0
    """Which one it is of several that are made side by side (`fanout`)."""


Commit = Callable[[], Awaitable[None]]
"""Called once, when a stream's first content is there: sends the client's status and headers, if it gets a stream."""


async def unary(trial: Trial) -> Answered:
    """The whole answer in the client's dialect. Raises Failure."""
    times = trial.times
    try:
        with Watchdog(times.first_s) as dog:
            dog.limit_at(times.cap_at)
            answered = trial.job.answer(await _read(trial, trial.call), trial.target, trial.context)
            if answered.pause is not None:
                answered = await _gone_on(trial, answered, dog)
    except (Unreachable, Cut, Stalled, ProtocolFault) as error:
        raise Failure(_fault(error, trial)) from None
    trial.seen.usage, trial.seen.id = answered.usage, answered.id
    return answered


async def _read(trial: Trial, call: Call) -> bytes:
    upstream = await _opened(trial, call)
    try:
        return await upstream.read(ANSWER_LIMIT)
    finally:
        await upstream.close()


async def _gone_on(trial: Trial, answered: Answered, dog: Watchdog) -> Answered:
    """The whole of a whole answer that paused. It may take all the time that the request has, as in `folded`."""
    dog.limit_at(_last_moment(trial))
    hops = Hops(trial.fields, trial.report)
    while answered.pause is not None:
        fields = hops.following(answered.pause.continued)
        if fields is None:
            break
        dog.rearm(trial.times.first_s)
        answered = answered.pause.rest(await _read(trial, trial.again(fields, trial.part)))
    return answered


def _last_moment(trial: Trial) -> float:
    """The loop time until when a client waits for a whole answer."""
    return min(trial.exchange.deadline, trial.exchange.commit_by)


async def folded(trial: Trial, begun: Commit) -> Answered:
    """The whole answer, in the client's dialect, of an upstream that is asked for a stream. Raises Failure.

    Nothing is sent before its end, so nothing that happens costs the client more than time. From its first content on
    it may take all the time that the request has, other targets or not: what it has done already would be lost.
    """
    pump = _Pump(trial, trial.job.folding(trial.target, trial.context, ANSWER_LIMIT), begun, _last_moment(trial))
    call: Call | None = trial.call
    try:
        with Watchdog(trial.times.first_s) as dog:
            dog.limit_at(trial.times.cap_at)
            while call is not None:
                upstream = await _opened(trial, call)
                try:
                    if call is trial.call and not _tells_events(upstream):
                        return await _unfolded(trial, upstream, dog)
                    call = await pump.run(upstream, dog)
                    await pump.drain()
                finally:
                    await upstream.close()
    except (Unreachable, Cut, Stalled, ProtocolFault) as error:
        raise Failure(_fault(error, trial)) from None
    trial.seen.id = ""  # a folded answer bears one of ours
    return Answered(pump.end, trial.seen.usage)


async def _unfolded(trial: Trial, upstream: Upstream, dog: Watchdog) -> Answered:
    """A whole answer, though a stream was asked for."""
    answered = trial.job.answer(await upstream.read(ANSWER_LIMIT), trial.target, trial.context)
    if answered.pause is not None:
        answered = await _gone_on(trial, answered, dog)
    trial.seen.usage = answered.usage
    return answered


async def stream(trial: Trial, commit: Commit) -> None:
    """Passes a streamed answer on, to its regular end. Raises Failure before the commit and Broken after it.

    A cancellation after the commit that is not the client's own leaving is told to the client before it goes on.
    """
    pump = _Pump(trial, trial.job.pipe(trial.target, trial.context), commit, RESTING)
    try:
        with Watchdog(trial.times.first_s) as dog:
            dog.limit_at(trial.times.cap_at)
            call: Call | None = trial.call
            while call is not None:
                call = await _passed_on(trial, call, pump, dog)
    except asyncio.CancelledError:
        why = trial.exchange.cancelled
        if pump.committed and not pump.finished and why is not None and why.kind is not Kind.CANCELLED:
            await trial.exchange.out.write(pump.pipe.fault(why))
        raise
    except (Unreachable, Cut, Stalled, ProtocolFault, Failure) as error:
        fault = error.fault if isinstance(error, Failure) else _fault(error, trial)
        if pump.committed:
            told = broken_off(fault, trial.target)
            raise Broken(told, pump.held + pump.pipe.fault(told)) from None
        raise Failure(fault) from None
    finally:
        pump.pings.stop()


async def _passed_on(trial: Trial, call: Call, pump: "_Pump", dog: Watchdog) -> Call | None:
    """Passes one call's stream on. Gives the call for the rest, None where the answer has ended."""
    upstream = await _opened(trial, call)
    try:
        await _expect_events(upstream, trial)
        following = await pump.run(upstream, dog)
        if following is None:
            await pump.finish(dog)
        await pump.drain()
    finally:
        await upstream.close()
    return following


async def _opened(trial: Trial, call: Call) -> Upstream:
    """An answer with a success status. Raises Failure for any other."""
    upstream = await trial.engine.send(call)
    seen = trial.seen
    seen.status, seen.headers = upstream.status, upstream.headers
    if 200 <= upstream.status < 300:
        return upstream
    try:
        if 300 <= upstream.status < 400:
            raise Failure(Fault(kind=Kind.PROTOCOL, status=upstream.status, message="it answered with a redirect"))
        body = await upstream.read(ERROR_LIMIT)
    finally:
        await upstream.close()
    raise Failure(parse_fault(trial.target, upstream.status, body))


def _tells_events(upstream: Upstream) -> bool:
    kind = next((value for name, value in upstream.headers if name == "content-type"), "")
    return kind.partition(";")[0].strip().lower() == "text/event-stream"


async def _expect_events(upstream: Upstream, trial: Trial) -> None:
    if _tells_events(upstream):
        return
    # A JSON body here is nearly always an error dressed as a 200: read it as one.
    body = await upstream.read(ERROR_LIMIT)
    trial.job.answer(body, trial.target, trial.context)
    raise ProtocolFault("it answered a streamed request with something that is no event stream")


class _Pump:
    """Moves one stream from the upstream through `pipe` to the client, holding everything back until the first content.

    `limit` is the loop time up to which it may go on from then on.
    """

    def __init__(self, trial: Trial, pipe: Pipe, commit: Commit, limit: float) -> None:
        self.pipe = pipe
        self.committed = False
        self.finished = False
        self._trial = trial
        self._out = trial.exchange.out
        self.pings = Pings(self._out, trial.exchange.codec.ping if trial.job.stream else b"", trial.clock)
        self._commit = commit
        self.end = b""
        """The pipe's last bytes."""
        self._limit = limit
        self._hops = Hops(trial.fields, trial.report)
        self._pause: Continued | None = None
        self._resumed = False
        """Whether the rest of a paused answer has been asked for, and has not begun."""
        self._chunks: AsyncIterator[bytes]
        self._held = bytearray()
        """Whole events that the client has not been sent."""
        self._progress_at = trial.clock.now()

    @property
    def held(self) -> bytes:
        return bytes(self._held)

    async def run(self, upstream: Upstream, dog: Watchdog) -> Call | None:
        """Reads up to the stream's own end or pause, or else its bytes' end. Gives the call for the rest of a paused
        answer, None for one that is whole."""
        splitter = EventSplitter()
        pipe = self.pipe
        silent = self._resumed
        feed = pipe.feed
        self._chunks = upstream.chunks()
        async for chunk in self._chunks:
            ready = False
            progress = False
            for event in splitter.feed(chunk):
                deltas, data = feed(event)
                self._held += data
                if deltas:
                    silent = False
                    told, moved = self._note(deltas)
                    ready = ready or told
                    progress = progress or moved
            if pipe.done:
                break
            if ready or self.committed:
                dog.rearm(RESTING)
                await self._flush(dog)
            if self._pause is not None:
                break
            self._rearm(dog, progress=progress)
        pause, self._pause = self._pause, None
        fields = None if pause is None else self._hops.following(pause)
        if fields is not None:
            self._resumed = True
            self._progress_at = self._trial.clock.now()
            dog.rearm(self._trial.times.first_s)
            return self._trial.again(fields, self._trial.part)
        if silent:
            raise Truncated("it did not go on with the answer that it had paused")
        deltas, self.end = pipe.close()
        self._note(deltas)
        dog.rearm(RESTING)
        dog.limit_at(RESTING)
        return None

    async def finish(self, dog: Watchdog) -> None:
        """Sends what is left, and the client's regular end."""
        await self._begin(dog)  # the tail tells who served
        self._held += self._trial.tail() + self.end
        await self._flush(dog)
        self.pings.stop()
        self.finished = True

    async def drain(self) -> None:
        """Lets a body end that has said what it had to say, for a moment; how it ends changes nothing any more."""
        with suppress(Cut, Stalled), Watchdog(GRACE_S):
            async for _ in self._chunks:
                pass

    def _note(self, deltas: Sequence[Delta]) -> tuple[bool, bool]:
        """Whether these deltas commit, and whether they are progress. Raises Failure for an error event."""
        ready = progress = False
        seen = self._trial.seen
        for delta in deltas:
            if isinstance(delta, Used):
                seen.usage = delta.usage
            elif isinstance(delta, Failed):
                raise Failure(delta.fault)
            elif isinstance(delta, Started):
                seen.id = delta.id
            else:
                progress = True
                ready = ready or self.pipe.shows(delta)
                if isinstance(delta, Continued):
                    self._pause = delta
        return ready, progress

    async def _begin(self, dog: Watchdog) -> None:
        if not self.committed:
            dog.limit_at(self._limit)
            await self._commit()
            self.committed = True

    async def _flush(self, dog: Watchdog) -> None:
        await self._begin(dog)
        if self._held:
            data = self.held
            self._held.clear()
            await self._out.write(data)
        self.pings.written()

    def _rearm(self, dog: Watchdog, *, progress: bool) -> None:
        """Progress earns `between_s`; a mere sign of life stretches the wait to `idle_s` since the last progress."""
        times = self._trial.times
        now = self._trial.clock.now()
        if progress:
            self._progress_at = now
            self._resumed = False
            dog.rearm(times.between_s)
        else:
            waited = now - self._progress_at
            allowed = times.between_s if self.committed and not self._resumed else times.first_s
            dog.rearm(max(0.0, max(allowed, times.idle_s) - waited))


def broken_off(fault: Fault, target: Target) -> Fault:
    """The fault as it is told after the commit, where no list of targets says whose it is. What speaks of the request
    itself keeps its own words."""
    if fault.outcome.breaker == "success":
        return fault
    message = say(f"{target.name} broke off its answer: {fault.message.rstrip('.')}.")
    return structs.replace(fault, message=message, code="stream_cut")


def _fault(error: Exception, trial: Trial) -> Fault:
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
