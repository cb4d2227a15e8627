"""Load that wrk cannot make, in a process of its own; prints one line of JSON.

    closed URL BODY SECONDS CONNECTIONS                    answers, errors, seconds
    latency URL BODY DIRECT_URL DIRECT_BODY RATE SECONDS [MARK]   seconds of each answer: through the proxy, and direct
    streams URL BODY COUNT SPREAD END                      events, pieces, longest gap, whole streams

`latency` is an open loop: a request leaves at its time whatever became of the ones before. Requests to the proxy and
direct to the provider take turns, half a period apart, so that both meet the same noise. With a MARK the time is that
of the first piece of the body that holds it: the first token of a stream. `streams` are opened over SPREAD seconds, and
one is whole when END came.
"""

import asyncio
import gc
import json
import sys
from typing import Any

import uvloop

from proxy.drill.load import CLOCK, Broken, Channel, encode
from tests.bench.servers import CLIENT_KEY

WARM_UP = 100


class Endpoint:
    """A request that is sent again and again, over as many connections as are needed at once."""

    def __init__(self, url: str, body: str) -> None:
        self.url = url
        self.request = encode(url, "", json.loads(body), {"authorization": f"Bearer {CLIENT_KEY}"})
        self.errors = 0
        self._idle: list[Channel] = []

    async def seconds(self, mark: bytes | None) -> float | None:
        """Until the answer was whole, or until its first piece with `mark`; None for anything but a whole 200."""
        channel = self._idle.pop() if self._idle else await Channel.open(self.url)
        marked: list[float] = []
        if mark:
            channel.on_piece = lambda piece: marked.append(CLOCK.now()) if not marked and mark in piece else None
        started = CLOCK.now()
        try:
            answered = await channel.send(self.request)
        except Broken:
            self.errors += 1
            return None
        self._idle.append(channel)
        if answered.status != 200 or (mark and not marked):
            self.errors += 1
            return None
        return (marked[0] if mark else answered.ended) - started

    def close(self) -> None:
        for channel in self._idle:
            channel.close()


async def closed(url: str, body: str, seconds: str, connections: str) -> dict[str, Any]:
    endpoint = Endpoint(url, body)
    until = CLOCK.now() + float(seconds)

    async def one() -> int:
        answers = 0
        while CLOCK.now() < until:
            if await endpoint.seconds(None) is not None:
                answers += 1
        return answers

    counts = await asyncio.gather(*(one() for _ in range(int(connections))))
    endpoint.close()
    return {"answers": sum(counts), "errors": endpoint.errors, "seconds": float(seconds)}


async def latency(
    url: str, body: str, direct_url: str, direct_body: str, rate: str, seconds: str, mark: str = ""
) -> Any:
    proxied, direct = Endpoint(url, body), Endpoint(direct_url, direct_body)
    wanted = mark.encode() or None
    for _ in range(WARM_UP):
        await asyncio.gather(proxied.seconds(wanted), direct.seconds(wanted))
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[float | None]] = []
    finished = loop.create_future()

    def launch(number: int) -> None:
        tasks.append(loop.create_task((direct if number % 2 else proxied).seconds(wanted)))
        if number == count - 1:
            finished.set_result(None)

    count = int(float(rate) * float(seconds)) * 2
    begin = loop.time() + 0.05
    for number in range(count):
        loop.call_at(begin + number / (2 * float(rate)), launch, number)
    await finished
    times = await asyncio.gather(*tasks)
    for endpoint in (proxied, direct):
        endpoint.close()
    return {"proxied": times[0::2], "direct": times[1::2], "errors": proxied.errors + direct.errors}


class Watch:
    """One open stream: how many events and pieces came and how long the longest wait between two pieces was."""

    __slots__ = ("done", "end", "events", "gap", "last", "pieces")

    def __init__(self, end: bytes) -> None:
        self.end = end
        self.events, self.pieces, self.gap, self.last, self.done = 0, 0, 0.0, 0.0, False

    def piece(self, data: bytes) -> None:
        now = CLOCK.now()
        if self.last:
            self.gap = max(self.gap, now - self.last)
        self.last = now
        self.pieces += 1
        self.events += data.count(b"\n\n")
        self.done = self.done or self.end in data


async def streams(url: str, body: str, count: str, spread: str, end: str) -> dict[str, Any]:
    endpoint = Endpoint(url, body)
    loop = asyncio.get_running_loop()
    watches = [Watch(end.encode()) for _ in range(int(count))]

    async def one(watch: Watch, delay: float) -> None:
        begin = loop.create_future()
        loop.call_later(delay, begin.set_result, None)
        await begin
        channel = await Channel.open(url)
        channel.on_piece = watch.piece
        try:
            await channel.send(endpoint.request)
        except Broken:
            watch.done = False
        channel.close()

    await asyncio.gather(*(one(watch, float(spread) * at / len(watches)) for at, watch in enumerate(watches)))
    return {
        "events": sum(watch.events for watch in watches),
        "pieces": sum(watch.pieces for watch in watches),
        "longest_gap_s": max(watch.gap for watch in watches),
        "whole": sum(watch.done for watch in watches),
    }


if __name__ == "__main__":
    gc.disable()
    modes = {"closed": closed, "latency": latency, "streams": streams}
    print(json.dumps(uvloop.run(modes[sys.argv[1]](*sys.argv[2:]))))
