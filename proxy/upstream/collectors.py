"""Where the generations of a configuration send their spans: a collector stays as long as its settings do.

One is made ready beside the one that serves, begins to send once its generation serves, and ends when the last exchange
that may give it spans has ended. It ends in the background, for it sends what waits and the other side may be slow
(`Collector.close`). What was lost is one count over all of them.

Where no spans are asked for, nothing that makes or sends them is loaded.
"""

import asyncio
from typing import TYPE_CHECKING

from proxy.clock import Clock
from proxy.config.values import Config, Provider
from proxy.upstream.engines import engine_for
from translators.ir import Dialect

if TYPE_CHECKING:
    from proxy.upstream.collector import Collector, Warn


class Collectors:
    """`warn` is told why spans were lost, and how many so far."""

    def __init__(self, clock: Clock, warn: "Warn") -> None:
        self._clock = clock
        self._warn = warn
        self._open: list[Collector] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._lost_before = 0
        """By collectors that have ended."""

    @property
    def dropped(self) -> int:
        """Spans that were lost since the start."""
        return self._lost_before + sum(one.dropped for one in self._open)

    def collector_for(self, config: Config, before: "Collector | None") -> "Collector | None":
        """What takes the spans of `config`: `before` where it can be kept, None where none are made. Reads files, as
        every engine does."""
        settings = config.telemetry
        if before is not None and before.settings == settings:
            return before
        if not settings.otlp:
            return None
        from proxy.upstream.collector import Collector  # noqa: PLC0415 - most processes make no spans

        there = Provider("telemetry", Dialect.OPENAI_CHAT, settings.otlp)
        engine = engine_for(config.server.engine, there, connections=1)
        return Collector(settings, engine, self._clock, self._told)

    def open(self, collector: "Collector | None") -> None:
        """It sends what it takes from now on; one that does so already goes on."""
        if collector is not None and collector not in self._open:
            self._open.append(collector)
            collector.open()

    def end(self, collector: "Collector | None") -> None:
        """Nobody gives it spans any more. Waits for nothing."""
        if collector is not None:
            task = asyncio.create_task(self._end(collector))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Returns once those that end have ended, which takes a bounded time."""
        await asyncio.gather(*self._ending)

    async def _end(self, collector: "Collector") -> None:
        await collector.close()
        if collector in self._open:
            self._open.remove(collector)
            self._lost_before += collector.dropped

    def _told(self, reason: str, _: int) -> None:
        self._warn(reason, self.dropped)
