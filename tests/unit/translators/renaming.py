"""A report's entry, said in a client's own words."""

from collections.abc import Callable, Mapping

from translators.ir import Json
from translators.report import Naming, Report


def named_by(
    naming: Callable[[dict[str, Json]], Naming],
    body: dict[str, Json],
    field: str,
    extra: Mapping[str, Json] | None = None,
) -> str:
    """What `field` of a renderer's report is called by `body`'s client."""
    report = Report()
    report.dropped(field, "why")
    report.rename(naming(body), extra or {})
    return report.entries[0].field
