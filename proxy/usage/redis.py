"""Records of usage as a stream in Redis or Valkey, for whoever reads what all machines together did.

An entry has one field, `record`, with the record as JSON. The stream is capped, since the same server keeps budgets in
its memory and may throw nothing away for want of room: what is older than the cap or than `keep_days` is gone. An entry
that was written and not confirmed is written again; readers know its twin by the record's `id`.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import DecodeError, json

from proxy.config.spending import LedgerSettings
from proxy.redis import BlockingRedis, Command, Lost, Missing, Refused, name_of
from proxy.usage.record import Record
from proxy.usage.sink import NotKept, Unread

STREAM: Final = "sidestep:{ledger}:usage"
LENGTH: Final = 100_000
"""Entries kept, about: some 60 MB."""
TIMEOUT_S: Final = 2.0
_PASSING: Final = frozenset({"OOM", "MISCONF", "READONLY", "LOADING", "MASTERDOWN", "BUSY", "TRYAGAIN", "CLUSTERDOWN"})
PAGE: Final = 500
"""Entries read at once."""
LATE_S: Final = 120
"""How long after its end, or before it by another clock, a record may have been written."""
TWINS: Final = 10_000
"""Records that a reader remembers, to know a twin."""
_ADD: Final = """\
for place = 2, #ARGV do
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'record', ARGV[place])
end"""
"""All records by one command, which has one answer: to put a hundred into words and to read what is answered to each
takes the interpreter longer than all else that is done for them."""
_encode = json.Encoder().encode
_decode = json.Decoder(Record).decode


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
        if records:
            self._ask(("EVAL", _ADD, 1, STREAM, LENGTH, *map(_encode, records)))

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


class RedisSource:
    """Reads them there; see `proxy.usage.sink.Source`. The newest that the cap leaves, of all machines."""

    def __init__(self, settings: LedgerSettings) -> None:
        self._settings = settings

    @property
    def place(self) -> str:
        return f"{name_of(self._settings.url)}, stream {STREAM}, which keeps the newest {LENGTH}"

    def records(self, since: float | None, until: float | None) -> Iterator[Record]:
        known: OrderedDict[str, None] = OrderedDict()
        for record in self._all(since, until):
            if record.id in known or (since is not None and record.at < since) or (until and record.at >= until):
                continue
            known[record.id] = None
            if len(known) > TWINS:
                known.popitem(last=False)
            yield record

    def _all(self, since: float | None, until: float | None) -> Iterator[Record]:
        first = "-" if since is None else str(max(0, int((since - LATE_S) * 1000)))
        last = "+" if until is None else str(max(0, int((until + LATE_S) * 1000)))
        settings = self._settings
        try:
            redis = BlockingRedis(settings.url, settings.password.reveal() if settings.password else None, TIMEOUT_S)
            try:
                while entries := redis.ask(("XRANGE", STREAM, first, last, "COUNT", PAGE))[0]:
                    yield from (_decode(fields[1]) for _, fields in entries)
                    first = f"({entries[-1][0]}"
            finally:
                redis.close()
        except (Missing, Lost, Refused, DecodeError) as error:
            raise Unread(f"Records of usage cannot be read: {error}") from None
