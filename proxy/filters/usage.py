"""Notes a record of every request that asked something of a model, once it has ended, for whoever keeps records.

Outside `observe`, which says how an exchange ended. Without anybody who keeps records it stands in no stack. Strangers
leave no records, for they could fill a disk with them: what is refused before it was read is in log and metrics alone.
Neither does counting tokens, which uses none.

Where a provider that answered did not say what the answer used (it was cut off, or the server never says), the input is
estimated, and told as an estimate. How much was said back is then not known.
"""

from collections.abc import Sequence
from typing import Any, Final

from proxy import tokens
from proxy.clock import Clock
from proxy.flow import Exchange, Service, Signs
from proxy.learning.learning import Keeps
from proxy.learning.signals import signal_of
from proxy.tokens.counting import Counter
from proxy.tokens.estimated import BYTES_PER_TOKEN
from proxy.usage.record import record_of
from translators.faults import Malformed

ROUTES: Final = frozenset({"chat", "completions", "responses", "messages", "embeddings", "passthrough"})


class Noting:
    def __init__(
        self, writers: Sequence[Keeps], clock: Clock, counter: Counter | None = None, *, learns: bool = False
    ) -> None:
        """`learns`: whether records tell how their answers looked."""
        self._writers = writers
        self._learns = learns
        self._counter = counter
        self._clock = clock

    async def __call__(self, exchange: Exchange, service: Service) -> None:
        if self._learns:
            exchange.signs = Signs()
        try:
            await service(exchange)
        finally:
            if (exchange.asked or exchange.attempts) and exchange.route in ROUTES:
                at, now, estimate = self._clock.wall(), self._clock.now(), None
                try:
                    if exchange.usage is None:
                        estimate = _estimate(exchange)
                        if estimate is not None and self._counter is not None and exchange.route != "embeddings":
                            request = exchange.codec.parse_request(exchange.payload)
                            estimate = await self._counter.count(request, exchange.model)
                finally:
                    signal = signal_of(exchange) if self._learns else ""
                    record = record_of(exchange, at, now, estimate, signal)
                    for writer in self._writers:
                        writer.note(record)


def _estimate(exchange: Exchange) -> int | None:
    """Input tokens, about; None where nobody answered, or there is nothing to count."""
    if not exchange.provider or not isinstance(exchange.payload, dict):
        return None
    if exchange.route == "embeddings":
        return _embedded(exchange.payload.get("input"))
    try:
        return tokens.estimate(exchange.codec.parse_request(exchange.payload))
    except (Malformed, ValueError):  # its provider understood what we do not
        return None


def _embedded(value: Any) -> int:
    """Of a text, texts, tokens or lists of tokens."""
    if isinstance(value, str):
        return -(-len(value.encode("utf-8", "replace")) // BYTES_PER_TOKEN)
    if isinstance(value, list):
        return sum(1 if isinstance(item, int) else _embedded(item) for item in value)
    return 0
