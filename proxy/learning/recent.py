"""The requests that ended last, by their ids: their records may not be written yet when somebody scores them."""

from proxy.usage.record import Record

KEPT = 10_000


class Recent:
    """Used in one running loop."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}

    def note(self, record: Record) -> None:
        records = self._records
        records[record.id] = record
        if len(records) > KEPT:
            del records[next(iter(records))]

    def find(self, request: str) -> Record | None:
        return self._records.get(request)

    def clear(self) -> None:
        """Nobody is to find them any more."""
        self._records.clear()
