"""The writers of a configuration's generations: those of one `[ledger]` stay as long as it does, over reloads.

Each place where records are kept has a writer of its own, so that one that is away holds up no other. Where nothing is
kept, nothing that keeps is loaded.
"""

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from proxy.clock import Clock
from proxy.config.ledger import usage_file, usage_stream
from proxy.config.spending import LedgerSettings
from proxy.lasting import Lasting

if TYPE_CHECKING:
    from proxy.usage.sink import Sink
    from proxy.usage.writer import Writer


class Writers(Lasting["Writer"]):
    """`tell` is told why records are lost."""

    def __init__(self, clock: Clock, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._clock = clock
        self._tell = tell

    def writers_for(self, settings: LedgerSettings) -> "tuple[Writer, ...]":
        """Who keeps records by these settings, one for each place; nobody where none are kept."""
        found = tuple(one for one in self.opened if one.settings == settings)
        return found or tuple(self._new(settings))

    def open_all(self, writers: "Collection[Writer]") -> None:
        """Those that are open already go on."""
        for writer in writers:
            self.open(writer)

    def keep(self, used: "Collection[Writer]") -> None:
        """Nobody gives anything to the others any more. Waits for nothing."""
        for writer in self.opened:
            if writer not in used:
                self.end(writer)

    def _new(self, settings: LedgerSettings) -> "Iterator[Writer]":
        for sink in _sinks(settings):
            from proxy.usage.writer import Writer  # noqa: PLC0415 - most processes keep no records

            yield Writer(settings, sink, self._clock, self._tell)


def _sinks(settings: LedgerSettings) -> "Iterator[Sink]":
    if file := usage_file(settings):
        from proxy.usage.sqlite import SqliteSink  # noqa: PLC0415 - as above

        yield SqliteSink(file)
    if usage_stream(settings):
        from proxy.usage.redis import RedisSink  # noqa: PLC0415 - likewise

        yield RedisSink(settings)
