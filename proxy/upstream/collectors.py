"""Where the generations of a configuration send their spans: a collector stays as long as its settings do.

One is made ready beside the one that serves, begins to send once its generation serves, and ends when the last exchange
that may give it spans has ended. It ends in the background, for it sends what waits and the other side may be slow
(`Collector.close`). What was lost is one count over all of them.

Where no spans are asked for, nothing that makes or sends them is loaded.
"""

from typing import TYPE_CHECKING

from proxy.clock import Clock
from proxy.config.values import Config, Provider
from proxy.lasting import Lasting
from proxy.upstream.engines import engine_for
from translators.ir import Dialect

if TYPE_CHECKING:
    from proxy.upstream.collector import Collector, Warn


class Collectors(Lasting["Collector"]):
    """`warn` is told why spans were lost, and how many so far."""

    def __init__(self, clock: Clock, warn: "Warn") -> None:
        super().__init__()
        self._clock = clock
        self._warn = warn

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

    def _told(self, reason: str, _: int) -> None:
        self._warn(reason, self.dropped)
