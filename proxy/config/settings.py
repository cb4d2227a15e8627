"""The sections of plain numbers and flags: their ranges, and how one level overrides another.

`[breaker]`, `[retry]`, `[timeouts]` and `[health]` hold for every provider; `[providers.NAME.breaker]` and its like
override them there, `[models."NAME".breaker]` and its like on every target of that chain, but for `health`, which is a
provider's alone. What belongs to a whole chain (its total of attempts, its deadline) cannot be set on a provider.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from msgspec import structs

from proxy.config.errors import Problems
from proxy.config.table import Range, Table, join
from proxy.config.values import (
    BreakerSettings,
    HealthSettings,
    LimitSettings,
    RetrySettings,
    TimeoutSettings,
)

S = TypeVar("S", BreakerSettings, RetrySettings, TimeoutSettings, LimitSettings, HealthSettings)

_DAY = 86_400
_SECONDS = Range(0, _DAY, above=True)
_SECONDS_OR_NONE = Range(0, _DAY)
_COUNT = Range(1, 1_000_000)
_COUNT_OR_NONE = Range(0, 1_000_000)
_BYTES = Range(1024, 2**40)

RANGES: Final[Mapping[type, Mapping[str, Range]]] = {
    BreakerSettings: {
        "consecutive_failures": Range(1, 1000),
        "open_s": _SECONDS,
        "open_max_s": _SECONDS,
        "jitter": Range(0, 1),
        "probe_successes": Range(1, 100),
        "ramp_s": _SECONDS,
        "ramp_min": Range(0, 1, above=True),
    },
    RetrySettings: {
        "attempts_per_target": Range(1, 10),
        "max_total_attempts": Range(1, 100),
        "base_s": _SECONDS,
        "cap_s": _SECONDS,
        "max_inline_wait_s": _SECONDS_OR_NONE,
        "budget_ratio": Range(0, 10),
        "budget_min_per_s": Range(0, 1000),
        "budget_window_s": _SECONDS,
    },
    TimeoutSettings: dict.fromkeys((field.name for field in structs.fields(TimeoutSettings)), _SECONDS),
    LimitSettings: {
        "in_flight": _COUNT,
        "per_target": _COUNT_OR_NONE,
        "queue": _COUNT_OR_NONE,
        "queue_wait_s": _SECONDS_OR_NONE,
        "body_bytes": _BYTES,
        "passthrough_bytes": _BYTES,
        "buffered_bytes": _BYTES,
        "client_write_s": _SECONDS,
        "body_idle_s": _SECONDS,
        "body_total_s": _SECONDS,
    },
    HealthSettings: {"interval_s": Range(1, _DAY)},
}
"""Of every number; the remaining fields are flags."""

_ORDERED: Final[Mapping[type, tuple[tuple[str, str], ...]]] = {
    BreakerSettings: (("open_s", "open_max_s"),),
    RetrySettings: (("base_s", "cap_s"),),
    LimitSettings: (("body_bytes", "buffered_bytes"), ("body_idle_s", "body_total_s")),
}
"""Pairs whose first may not be larger than its second."""

WHOLE_CHAIN: Final = frozenset({"max_total_attempts", "deadline_s"})


def changes(table: Table, kind: type[S], *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """What the table sets, checked, by field name; keys in `without` are refused as belonging to a whole chain."""
    found: dict[str, Any] = {}
    for field in structs.fields(kind):
        if field.name in without:
            if table.raw(field.name) is not None:
                table.wrong(field.name, 'belongs to a whole chain: set it at the top level or under [models."NAME"]')
            continue
        if field.type is bool:
            value: Any = table.flag(field.name)
        else:
            value = table.number(field.name, float if field.type is float else int, RANGES[kind][field.name])
        if value is not None:
            found[field.name] = value
    table.finish()
    return found


def over(base: S, table: Table, *, without: frozenset[str] = frozenset()) -> S:
    """`base` with what the table sets, the pairs in order."""
    return apply(base, changes(table, type(base), without=without), table.path, table.problems)


def apply(base: S, changed: Mapping[str, Any], path: str, problems: Problems) -> S:
    """`base` with the changes. A pair that they put out of order is noted; one that was so before is not told again."""
    result = structs.replace(base, **changed)
    for small, large in _ORDERED.get(type(base), ()):
        low, high = getattr(result, small), getattr(result, large)
        if low > high and (small in changed or large in changed):
            problems.add(join(path, large), f"must not be less than {small}: {high:.12g} is less than {low:.12g}")
    return result
