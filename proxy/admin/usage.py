"""What the admin port's `/usage` answers: records of usage summed up.

Summing takes a thread as long as there are records to look at, so it is done for one who asks at a time, for at most
`LONGEST_S` seconds, and gives at most `MOST` rows.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from proxy.clock import Clock
from proxy.config.spending import LedgerSettings

LONGEST_S: Final = 10.0
MOST: Final = 1000
KEYS_MOST: Final = 3
"""That it is summed by."""


class Usage:
    """`ledger` gives where records are kept now."""

    def __init__(self, ledger: Callable[[], LedgerSettings], clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._busy = False

    async def answer(self, query: Mapping[str, str]) -> tuple[int, Any]:
        """The status and the answer in JSON's terms, or why there is none: 400 for what cannot be asked, 404 where none
        are kept, 503 where they could not be read now."""
        from proxy.usage.moments import moment  # noqa: PLC0415 - most are never asked
        from proxy.usage.summary import KEYS  # noqa: PLC0415 - likewise

        by = tuple(dict.fromkeys(name for name in query.get("by", "").split(",") if name))
        if len(by) > KEYS_MOST or not KEYS.keys() >= set(by):
            return 400, f"by: at most {KEYS_MOST} of {', '.join(KEYS)}."
        span: list[float | None] = []
        for name in ("since", "until"):
            text = query.get(name)
            try:
                span.append(None if text is None else moment(text, self._clock.wall()))
            except ValueError as error:
                return 400, f"{name} {error}."
        if self._busy:
            return 503, "Usage is being summed up for somebody else; ask again in some seconds."
        self._busy = True
        return await asyncio.to_thread(self._alone, by, *span)

    def _alone(self, by: tuple[str, ...], since: float | None, until: float | None) -> tuple[int, Any]:
        """Whoever asked may be gone by its end; the thread is not."""
        try:
            return self._summed(by, since, until)
        finally:
            self._busy = False

    def _summed(self, by: tuple[str, ...], since: float | None, until: float | None) -> tuple[int, Any]:
        from proxy.usage.sink import Unread  # noqa: PLC0415 - as above
        from proxy.usage.sources import source_for  # noqa: PLC0415 - likewise
        from proxy.usage.summary import summed  # noqa: PLC0415 - likewise
        from proxy.usage.telling import plain  # noqa: PLC0415 - likewise

        latest = self._clock.now() + LONGEST_S
        try:
            source = source_for(self._ledger(), here=True)
        except Unread as error:
            return 404, str(error)
        try:
            found = summed(source, by, since, until, most=MOST, stop=lambda: self._clock.now() >= latest)
        except Unread as error:
            return 503, str(error)
        return 200, plain(found, source.place, since, until)
