"""What moves one stream to its client: what it holds back, when it commits, and how long it may take from then on."""

import asyncio
from types import SimpleNamespace

import pytest

from proxy.upstream.bodies import driven
from proxy.upstream.pump import Pump, rests
from proxy.upstream.timers import Stalled, Watchdog
from proxy.upstream.timings import AttemptTimes
from proxy.upstream.trial import RESTING, Seen
from translators.faults import Failure, Fault, Kind
from translators.ir import Failed, ReasoningDelta, Started, TextDelta, Usage, Used
from translators.report import Report

AGES_S = 1e6
MEANS = {
    "start": [Started("up-1", "m")],
    "count": [Used(Usage(3, 2))],
    "thought": [ReasoningDelta("hm")],
    "word": [TextDelta("word")],
    "fail": [Failed(Fault(kind=Kind.OVERLOADED, message="busy"))],
}


class Pipe:
    """Writes each event's name in brackets."""

    done = False

    def feed(self, event):
        name = event.data.decode()
        return MEANS[name], f"[{name}]".encode()

    def close(self):
        return [], b"[end]"

    def shows(self, delta) -> bool:
        return isinstance(delta, TextDelta)


class Upstream:
    def __init__(self, *names: str) -> None:
        self.chunks = self._told(names)

    async def _told(self, names):
        for name in names:
            yield f"data: {name}\n\n".encode()

    async def drive(self, sink) -> bool:
        return await driven(self.chunks, sink)


class Log(list):
    """What happened, in order: the commit, and what was written."""

    async def write(self, data: bytes) -> None:
        self.append(data.decode())

    def push(self, data: bytes) -> bool:
        """A client that takes nothing but what it is waited for."""
        return False

    async def commit(self, first: bytes) -> None:
        self.append(f"commit {first.decode()}")


def pump_of(log: Log, later: float = RESTING, cap_at: float = AGES_S) -> Pump:
    trial = SimpleNamespace(
        exchange=SimpleNamespace(out=log, signs=None, codec=SimpleNamespace(ping=b"")),
        job=SimpleNamespace(stream=True),
        clock=SimpleNamespace(now=asyncio.get_running_loop().time),
        times=AttemptTimes(first_s=AGES_S, between_s=AGES_S, idle_s=AGES_S, cap_at=cap_at),
        fields={},
        report=Report(),
        seen=Seen(),
        tail=lambda: b"[tail]",
        alone=None,
    )
    return Pump(trial, Pipe(), log.commit, later)


async def run(pump: Pump, *names: str) -> None:
    with Watchdog(AGES_S) as dog:
        assert await pump.run(Upstream(*names), dog) is None
        await pump.finish()


async def test_all_is_held_back_until_the_first_content_and_nothing_after_it():
    log = Log()
    await run(pump_of(log), "start", "count", "thought", "word", "word")
    assert log == ["commit [start][count][thought][word]", "[word]", "[tail][end]"]


async def test_what_is_counted_and_the_upstreams_id_are_seen_though_they_commit_nothing():
    log = Log()
    pump = pump_of(log)
    with pytest.raises(Failure):
        await run(pump, "start", "count", "fail")
    seen = pump._trial.seen
    assert (log, seen.id, seen.usage) == ([], "up-1", Usage(3, 2)) and not pump.committed


async def test_the_commit_lifts_the_limit_that_other_targets_set():
    log = Log()
    pump = pump_of(log, later=AGES_S * 2, cap_at=AGES_S)
    assert pump.limit == AGES_S
    await run(pump, "word")
    assert pump.limit == AGES_S * 2


async def turns() -> None:
    """Some turns of the loop."""
    loop = asyncio.get_running_loop()
    for _ in range(5):
        turn = loop.create_future()
        loop.call_soon(lambda turn=turn: turn.done() or turn.set_result(None))
        await turn


async def test_a_watchdog_that_rests_minds_nothing():
    with Watchdog(0.0) as dog:
        dog.limit_at(0.0)
        rests(dog)
        await turns()
    with pytest.raises(Stalled), Watchdog(0.0):
        await turns()


async def test_while_a_client_is_written_to_its_upstream_is_not_known_to_be_silent():
    pump = pump_of(Log())
    pump._progress_at -= 5.0
    with Watchdog(AGES_S) as pump._dog:
        assert pump.silent_s >= 5.0
        pump._dog.rearm(RESTING)
        assert pump.silent_s == 0.0
