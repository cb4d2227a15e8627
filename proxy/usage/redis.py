"""Records of usage as a stream in Redis or Valkey, for whoever reads what all machines together did.

An entry has one field, `record`, with the record as JSON. The stream is capped, since the same server keeps budgets in
its memory and may throw nothing away for want of room: what is older than the cap or than `keep_days` is gone. An entry
that was written and not confirmed is written again; readers know its twin by the record's `id`.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Final, TypeVar

from msgspec import DecodeError, json

from proxy.config.spending import LedgerSettings
from proxy.redis import BlockingRedis, Command, Lost, Missing, Refused, name_of
from proxy.usage.record import Record
from proxy.usage.scores import Score
from proxy.usage.sink import NotKept, Unread

STREAM: Final = "sidestep:{ledger}:usage"
SCORES: Final = "sidestep:{ledger}:scores"
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
Told = TypeVar("Told")
_encode = json.Encoder().encode
_decode = json.Decoder(Record).decode
_decode_score = json.Decoder(Score).decode


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
        oldest = int(before * 1000)
        gone = self._ask(*(("XTRIM", stream, "MINID", "~", oldest) for stream in (STREAM, SCORES)))
        return any(gone)

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


class RedisScores(RedisSink):
    """Keeps scores in a stream of their own; see `proxy.usage.scores.Scores`. As many as records, at most."""

    def find(self, request: str, since: float) -> Record | None:
        return next((one for one in RedisSource(self._settings).records(since, None) if one.id == request), None)

    def keep(self, score: Score) -> None:
        with closing(self):
            self._ask(("XADD", SCORES, "MAXLEN", "~", LENGTH, "*", "score", _encode(score)))


class RedisSource:
    """Reads them there; see `proxy.usage.sink.Source`. The newest that the cap leaves, of all machines."""

    def __init__(self, settings: LedgerSettings) -> None:
        self._settings = settings

    @property
    def place(self) -> str:
        return f"{name_of(self._settings.url)}, stream {STREAM}, which keeps the newest {LENGTH}"

    def records(self, since: float | None, until: float | None) -> Iterator[Record]:
        known: OrderedDict[str, None] = OrderedDict()
        for record in self._all(STREAM, _decode, since, until):
            if record.id in known or (since is not None and record.at < since) or (until and record.at >= until):
                continue
            known[record.id] = None
            if len(known) > TWINS:
                known.popitem(last=False)
            yield record

    def scores(self, since: float | None, until: float | None) -> Iterator[Score]:
        for score in self._all(SCORES, _decode_score, since, None):
            if (since is None or score.ended >= since) and (until is None or score.ended < until):
                yield score

    def _all(
        self, stream: str, decode: Callable[[str], Told], since: float | None, until: float | None
    ) -> Iterator[Told]:
        first = "-" if since is None else str(max(0, int((since - LATE_S) * 1000)))
        last = "+" if until is None else str(max(0, int((until + LATE_S) * 1000)))
        settings = self._settings
        try:
            redis = BlockingRedis(settings.url, settings.password.reveal() if settings.password else None, TIMEOUT_S)
            try:
                while entries := redis.ask(("XRANGE", stream, first, last, "COUNT", PAGE))[0]:
                    yield from (decode(fields[1]) for _, fields in entries)
                    first = f"({entries[-1][0]}"
            finally:
                redis.close()
        except (Missing, Lost, Refused, DecodeError) as error:
            raise Unread(f"Records of usage cannot be read: {error}") from None
