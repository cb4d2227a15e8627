"""Cache markers that are not sent on."""

from translators.report import Report


class Unmarked:
    """Notes, once a request, where the first marker stood that was left out."""

    __slots__ = ("_noted", "_report", "_why")

    def __init__(self, report: Report, why: str) -> None:
        self._report = report
        self._why = why
        self._noted = False

    def at(self, path: str) -> None:
        if not self._noted:
            self._noted = True
            self._report.dropped(f"{path}.cache_control", self._why)
