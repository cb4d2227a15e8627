"""Records of usage as a stream in Redis or Valkey, for whoever reads what all machines together did.

An entry has one field, `record`, with the record as JSON. The stream is capped, since the same server keeps budgets in
its memory and may throw nothing away for want of room: what is older than the cap or than `keep_days` is gone. An entry
that was written and not confirmed is written again; readers know its twin by the record's `id`.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import json

from proxy.config.spending import LedgerSettings
from proxy.redis import BlockingRedis, Command, Lost, Missing, Refused, name_of
from proxy.usage.record import Record
from proxy.usage.sink import NotKept

STREAM: Final = "sidestep:{ledger}:usage"
LENGTH: Final = 100_000
"""Entries kept, about: some 60 MB."""
TIMEOUT_S: Final = 2.0
_PASSING: Final = frozenset({"OOM", "MISCONF", "READONLY", "LOADING", "MASTERDOWN", "BUSY", "TRYAGAIN", "CLUSTERDOWN"})
_encode = json.Encoder().encode


class RedisSink:
    """Keeps records where `settings.url` says; see `proxy.usage.sink.Sink`."""

    def __init__(self, settings: LedgerSettings) -> None:
        self._settings = settings
        self._redis: BlockingRedis | None = None

    @property
    def place(self) -> str:
        return f"{name_of(self._settings.url)}, stream {STREAM}"

    def open(self) -> None:
        self._ask(("PING",))

    def write(self, records: Sequence[Record]) -> None:
        self._ask(*(("XADD", STREAM, "MAXLEN", "~", LENGTH, "*", "record", _encode(record)) for record in records))

    def tidy(self, before: float) -> bool:
        [gone] = self._ask(("XTRIM", STREAM, "MINID", "~", int(before * 1000)))
        return bool(gone)

    def close(self) -> None:
        if self._redis is not None:
            self._redis.close()

    def _ask(self, *commands: Command) -> list[object]:
        try:
            if self._redis is None:
                password = self._settings.password.reveal() if self._settings.password else None
                self._redis = BlockingRedis(self._settings.url, password, TIMEOUT_S)
            return self._redis.ask(*commands)
        except Missing as missing:
            raise NotKept(str(missing)) from None
        except Lost as lost:
            raise NotKept(str(lost), passing=True) from None
        except Refused as refused:
            raise NotKept(str(refused), passing=refused.code in _PASSING) from None
