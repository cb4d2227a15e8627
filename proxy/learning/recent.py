"""The requests that ended last, by their ids: their records may not be written yet when somebody scores them."""

from collections import OrderedDict

from proxy.usage.record import Record

KEPT = 10_000


class Recent:
    """Used in one running loop."""

    def __init__(self) -> None:
        self._records: OrderedDict[str, Record] = OrderedDict()
        """One that knows its first: a plain dictionary looks for it through all that was taken out before."""

    def note(self, record: Record) -> None:
        records = self._records
        records[record.id] = record
        if len(records) > KEPT:
            records.popitem(last=False)

    def find(self, request: str) -> Record | None:
        return self._records.get(request)

    def clear(self) -> None:
        """Nobody is to find them any more."""
        self._records.clear()
