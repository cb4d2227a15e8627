"""One answer's streams on their way from the upstream through a pipe to the client.

Everything is held back until the first content, which commits. Each call of the attempt is one run: it ends with the
stream's own end, with its bytes, or with a pause that another call follows. The watchdog watches the upstream alone:
while a slow client is being written to, it rests.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from proxy.upstream.hops import Beginning, Hops
from proxy.upstream.keepalive import Pings
from proxy.upstream.noting import hear
from proxy.upstream.seam import Body, Call, Cut
from proxy.upstream.timers import Stalled, Watchdog
from proxy.upstream.trial import ANSWER_LIMIT, RESTING, Commit, Trial
from translators.codec import Pipe
from translators.faults import Failure, Truncated
from translators.ir import (
    Continued,
    Delta,
    Event,
    Failed,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolArguments,
    Used,
)
from translators.sse import EventSplitter

_WORDS: Final = frozenset((TextDelta, ReasoningDelta, ToolArguments))
"""What is progress, and no more."""
GRACE_S = 0.25
"""How long a body may take to end after its stream has said its end; a connection that ends in time serves again."""


def rests(dog: Watchdog) -> None:
    """The watchdog minds neither silence nor any limit until it is told to again."""
    dog.rearm(RESTING)
    dog.limit_at(RESTING)


def last_moment(trial: Trial) -> float:
    """The loop time until when the client waits for an answer, or for a stream's first content."""
    return min(trial.exchange.deadline, trial.exchange.commit_by)


class Pump:
    """Moves one stream from the upstream through `pipe` to the client, holding everything back until the first content.

    `later` is the loop time up to which it may go on from then on.
    """

    def __init__(self, trial: Trial, pipe: Pipe, commit: Commit, later: float) -> None:
        self.pipe = pipe
        self._feed = pipe.feed
        self.committed = False
        self.finished = False
        self._trial = trial
        self._out = trial.exchange.out
        self._signs = trial.exchange.signs
        self.pings = Pings(self._out, trial.exchange.codec.ping if trial.job.stream else b"")
        self._commit = commit
        self.end = b""
        """The pipe's last bytes."""
        self.limit = trial.times.cap_at
        """The loop time up to which it may go on now."""
        self._later = later
        self._between_s = trial.times.between_s
        self._hops = Hops(trial.fields, trial.report)
        self._pause: Continued | None = None
        self.resuming = False
        """Whether the rest of a paused answer has been asked for, and has not begun."""
        self._held: list[bytes] = []
        """Whole events that the client has not been sent."""
        self._progress = False
        """Whether the last piece brought any."""
        self._ready = False
        """Whether the first content is there."""
        self._upstream: Body
        self._dog: Watchdog
        self._splitter: EventSplitter
        self._resumed: Beginning | None = None
        self._progress_at = trial.clock.now()
        self._sign_at = 0.0
        """When the last sign of life came that was no progress."""

    @property
    def held(self) -> bytes:
        return b"".join(self._held)

    @property
    def silent_s(self) -> float:
        """For how long the upstream has been silent, now that its stream is called off; while a client is written to it
        is not known to be."""
        return 0.0 if self._dog.resting else max(0.0, self._trial.clock.now() - max(self._progress_at, self._sign_at))

    async def run(self, upstream: Body, dog: Watchdog) -> Call | None:
        """Reads up to the stream's own end or pause, or else its bytes' end. Gives the call for the rest of a paused
        answer, None for one that is whole."""
        self._upstream, self._dog, self._splitter = upstream, dog, EventSplitter()
        self._resumed = self._beginning() if self.resuming else None
        while await upstream.drive(self._take) and not self.pipe.done:
            if self._ready:
                dog.rearm(RESTING)
                await self._flush()
            if self._pause is not None:
                break
            self._rearm()
        pause, self._pause = self._pause, None
        fields = None if pause is None else self._hops.following(pause)
        if fields is not None:
            self.resuming = True
            rests(dog)
            return self._trial.again(fields, self._trial.part)
        if self.resuming:
            raise Truncated("it did not go on with the answer that it had paused")
        deltas, self.end = self.pipe.close()
        self._note(deltas)
        rests(dog)
        return None

    def counted(self, failure: Failure) -> Failure:
        """The same of a call for the rest, with what its events told of its counts."""
        heard, self._resumed = self._resumed, None
        usage = failure.usage if failure.usage is not None or heard is None else heard.usage
        return Failure(failure.fault, usage)

    def _take(self, chunk: bytes) -> bool:
        """What arrived, on its way as far as it goes without waiting. False where the task must see to it: the stream
        is over, or pauses, or commits, or the client is slow."""
        events: Sequence[Event] = self._splitter.feed(chunk)
        if len(events) == 1 and self.committed and not self.resuming and not self._held:
            deltas, data = self._feed(events[0])
            if len(deltas) == 1 and type(deltas[0]) in _WORDS and (not data or self._out.push(data)):
                # Words of an answer that has begun, as nearly all pieces are, and the client has them.
                if data:
                    self.pings.written()
                self._progress_at = self._dog.rearm(self._between_s)
                return True
            return self._seen(self._heard(deltas, data))
        if self.resuming and self._resumed is not None:
            events = self._resumed.released(events)
            if events:
                self.resuming, self._resumed = False, None
        progress = False
        for event in events:
            progress = self._heard(*self._feed(event)) or progress
        return self._seen(progress)

    def _heard(self, deltas: Sequence[Delta], data: bytes) -> bool:
        """Whether what the pipe made of an event is progress. Raises Failure for an error event."""
        if data:
            self._held.append(data)
        return bool(deltas) and (self._told(deltas) or self._note(deltas))

    def _seen(self, progress: bool) -> bool:
        """What `_take` says once all events of a piece were heard."""
        self._progress = progress
        if self._pause is not None or self.pipe.done:
            return False
        if self._ready and not (self.committed and self._pushed()):
            return False
        self._rearm()
        return True

    def _told(self, deltas: Sequence[Delta]) -> bool:
        """Whether these are words of an answer that has begun, as most are: nothing is to be noted of them."""
        return self.committed and len(deltas) == 1 and type(deltas[0]) in _WORDS

    def _beginning(self) -> Beginning:
        """Of the rest of a paused answer."""
        trial = self._trial
        self._progress_at = trial.clock.now()
        return Beginning(trial.job.folding(trial.target, trial.context, ANSWER_LIMIT))

    async def finish(self) -> None:
        """Sends what is left, and the client's regular end."""
        if not self.committed:
            await self._begin(b"")  # the tail tells who served
        self._held += self._trial.tail(), self.end
        await self._flush()
        self.pings.stop()
        self.finished = True

    async def drain(self) -> None:
        """Lets a body end that has said what it had to say, for a moment; how it ends changes nothing any more."""
        with suppress(Cut, Stalled), Watchdog(GRACE_S):
            await self._upstream.drive(lambda _: True)

    def _note(self, deltas: Sequence[Delta]) -> bool:
        """Whether these deltas are progress. Raises Failure for an error event."""
        progress = False
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
                if self._signs is not None:
                    hear(self._signs, delta)
                self._ready = self._ready or self.pipe.shows(delta)
                if isinstance(delta, Continued):
                    self._pause = delta
        return progress

    async def _begin(self, first: bytes) -> None:
        self.limit = self._later
        self._dog.limit_at(self.limit)
        await self._commit(first)
        self.committed = True

    async def _flush(self) -> None:
        data = self.held
        self._held.clear()
        if not self.committed:
            await self._begin(data)
        elif data:
            await self._out.write(data)
        self.pings.written()

    def _pushed(self) -> bool:
        """Whether nothing is held any more."""
        held = self._held
        if held:
            if not self._out.push(held[0] if len(held) == 1 else b"".join(held)):
                return False
            held.clear()
            self.pings.written()
        return True

    def _rearm(self) -> None:
        """Progress earns `between_s`; a mere sign of life stretches the wait to `idle_s` since the last progress."""
        times = self._trial.times
        if self._progress:
            self._progress_at = now = self._dog.rearm(self._between_s)
            until = now + self._between_s
        else:
            self._sign_at = now = self._trial.clock.now()
            waited = now - self._progress_at
            allowed = times.between_s if self.committed and not self.resuming else times.first_s
            left = max(0.0, max(allowed, times.idle_s) - waited)
            self._dog.rearm(left)
            until = now + left
        if not self.committed and self.limit < until and self._trial.alone is not None and self._trial.alone():
            self.limit = last_moment(self._trial)  # nobody else could use the time
            self._dog.limit_at(self.limit)
