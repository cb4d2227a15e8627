"""Several answers from a target that gives one to a call: as many calls, side by side, and one answer made of theirs.

Each call is an attempt of its own (`attempt`), with its own hold-back and watchdog, but whatever one of them meets
befalls all: the first to fail ends the others. To whoever looks on they are one attempt, at one target, with one key.
Streams go through one writer, each call's content as a choice of its own, mixed as it comes; the first content of any
commits. The counts are those of all calls: a prompt is counted as often as it was sent, for so it is billed.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from copy import copy
from typing import Any

from msgspec import structs

from proxy.flow import Fared
from proxy.jobs import Answered, Fan
from proxy.upstream import attempt
from proxy.upstream.attempt import Broken, broken_off
from proxy.upstream.trial import Commit, Seen, Trial
from translators.codec import Context, EventWriter
from translators.faults import Failure, Fault, Kind
from translators.ir import Delta, Reply, Usage, Used
from translators.joined import added

_CALLED_OFF = Fault(kind=Kind.CANCELLED, message="it was called off")


async def whole(trial: Trial, fan: Fan, begun: Commit | None) -> Answered:
    """One whole answer with a choice for each call; `begun` is given where the upstream is asked for streams. Raises
    Failure."""
    telling = [_Whole() for _ in range(fan.calls)]
    branches = [_branch(trial, fan, part, told) for part, told in enumerate(telling)]
    first = _First(trial, begun or _nobody)
    if begun is None:
        work = [attempt.unary(branch) for branch in branches]
    else:
        work = [attempt.folded(branch, first.of(branch)) for branch in branches]
    await _together(trial, branches, work, first)
    _look(trial, branches[0])
    usage = trial.seen.usage = _total(branches)
    reply = _gathered([told.reply for told in telling if told.reply is not None], usage)
    return Answered(trial.exchange.codec.render_reply(reply, trial.context), usage)


async def stream(trial: Trial, fan: Fan, commit: Commit) -> None:
    """One streamed answer with a choice for each call. Raises Failure before the commit and Broken after it, and tells
    a cancellation as `attempt.stream` does."""
    writer = trial.exchange.codec.writer(trial.context)
    first = _First(trial, commit)
    branches = [_branch(trial, fan, part, _Streamed(writer, part)) for part in range(fan.calls)]
    try:
        await _together(trial, branches, [attempt.stream(branch, first.of(branch)) for branch in branches], first)
    except asyncio.CancelledError:
        why = trial.exchange.cancelled
        if first.came and why is not None and why.kind is not Kind.CANCELLED:
            await trial.exchange.out.write(writer.fault(why))
        raise
    except Failure as failure:
        if not first.came:
            raise
        told = broken_off(failure.fault, trial)
        raise Broken(told, writer.fault(told)) from None
    finally:
        trial.seen.usage = _total(branches)
        trial.seen.silent_s = max(branch.seen.silent_s for branch in branches)
    counts = b"" if trial.seen.usage is None else writer.feed(Used(trial.seen.usage))
    await trial.exchange.out.write(counts + trial.tail() + writer.close())


async def _nobody(_: bytes) -> None:
    """Whole answers begin for nobody."""


def _branch(trial: Trial, fan: Fan, part: int, told: "_Whole | _Streamed") -> Trial:
    """One of the calls. It has a copy of the exchange, so that a cancellation is told once, and not by each."""
    return structs.replace(
        trial,
        exchange=copy(trial.exchange),
        job=fan.told_to(told),
        call=trial.call if part == 0 else trial.again(trial.fields, part),
        seen=Seen(),
        tail=lambda: b"",
        part=part,
    )


async def _together(
    trial: Trial, branches: Sequence[Trial], work: Sequence[Coroutine[Any, Any, object]], first: "_First"
) -> None:
    """Runs all to their ends; raises what the first of them raised, the others cancelled. How each ended is noted, for
    each is billed by itself."""
    faults: list[Fault | None] = [_CALLED_OFF for _ in branches]

    async def one(branch: Trial, working: Coroutine[Any, Any, object]) -> None:
        try:
            await working
            faults[branch.part] = None
        except (Failure, Broken) as error:
            faults[branch.part] = error.fault
            if isinstance(error, Failure):
                branch.seen.usage = error.usage or branch.seen.usage
            _look(trial, branch)
            raise

    try:
        async with asyncio.TaskGroup() as group:
            for branch, working in zip(branches, work, strict=True):
                group.create_task(one(branch, working))
    except ExceptionGroup as failed:
        if trial.exchange.cancelled is not None:  # the group tells its failure rather than its end
            raise asyncio.CancelledError from None
        raise failed.exceptions[0] from None
    finally:
        trial.seen.fared = [
            Fared(fault, branch.seen.usage, branch.seen.status, branch.part in first.begun)
            for fault, branch in zip(faults, branches, strict=True)
        ]


def _look(trial: Trial, branch: Trial) -> None:
    """Takes one of the upstream's answers for all of them."""
    trial.seen.status, trial.seen.headers = branch.seen.status, branch.seen.headers


def _total(branches: Sequence[Trial]) -> Usage | None:
    total: Usage | None = None
    for branch in branches:
        total = added(total, branch.seen.usage)
    return total


def _gathered(replies: Sequence[Reply], usage: Usage | None) -> Reply:
    choices = tuple(structs.replace(reply.choices[0], index=index) for index, reply in enumerate(replies))
    return structs.replace(replies[0], choices=choices, usage=usage)


class _First:
    """The first content of any of the calls."""

    def __init__(self, trial: Trial, commit: Commit) -> None:
        self.came = False
        self.begun: set[int] = set()
        """The calls of which some came."""
        self._trial = trial
        self._commit = commit
        self._lock = asyncio.Lock()

    def of(self, branch: Trial) -> Commit:
        """What one of the calls does at its own first content: it commits, or waits until another has."""

        async def commit(data: bytes) -> None:
            self.begun.add(branch.part)
            async with self._lock:
                if not self.came:
                    _look(self._trial, branch)
                    await self._commit(data)
                    self.came = True
                    return
            await self._trial.exchange.out.write(data)

        return commit


class _Whole:
    """Is told one of several whole answers (`proxy.jobs.Told`)."""

    dialect = None

    def __init__(self) -> None:
        self.reply: Reply | None = None

    def render_reply(self, reply: Reply, context: Context) -> bytes:  # noqa: ARG002 - the protocol's shape
        self.reply = reply
        return b""

    def writer(self, context: Context) -> EventWriter:
        raise NotImplementedError("a whole answer is not written in pieces")


class _Streamed:
    """Is told one of several streams (`proxy.jobs.Told`), and writes it as a choice of its own (EventWriter)."""

    dialect = None

    def __init__(self, writer: EventWriter, choice: int) -> None:
        self._writer = writer
        self._choice = choice
        self.shows = writer.shows

    def render_reply(self, reply: Reply, context: Context) -> bytes:  # noqa: ARG002 - the protocol's shape
        """Nothing: what answers a request for a stream like this is no answer."""
        return b""

    def writer(self, context: Context) -> EventWriter:  # noqa: ARG002 - as above
        return self

    def feed(self, delta: Delta) -> bytes:
        """What is said of the answer as a whole is said once, when all calls have ended."""
        if getattr(delta, "choice", None) != 0:
            return b""
        return self._writer.feed(structs.replace(delta, choice=self._choice) if self._choice else delta)

    def close(self) -> bytes:
        return b""

    def fault(self, fault: Fault) -> bytes:
        return self._writer.fault(fault)
