"""A test for every recorded exchange, played by the group: there are thousands, and each test of its own costs more in
the telling than in the doing.

A test function takes `exchange` beside its fixtures. Of a group every exchange is tried; each that fails is told by its
id. One that is passed over by `pytest.skip` is told in the run's summary, with its reason (`tests/conftest.py`).
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

GROUP = 50
PASSED_OVER = "passed over"
"""The property of a group's report that holds why."""

Exchange = Mapping[str, Any]
Test = Callable[..., None]


def each(exchanges: Sequence[Exchange]) -> Callable[[Test], Test]:
    groups = [exchanges[at : at + GROUP] for at in range(0, len(exchanges), GROUP)]

    def grouped(test: Test) -> Test:
        def play(group: Sequence[Exchange], record_property: Callable[[str, str], None], **fixtures: Any) -> None:
            failed: list[Exception] = []
            for exchange in group:
                try:
                    test(exchange=exchange, **fixtures)
                except pytest.skip.Exception as skipped:
                    record_property(PASSED_OVER, f"{exchange['id']}: {skipped.msg}")
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - the others of the group are tried too
                    told = error if isinstance(error, Exception) else AssertionError(str(error))
                    told.add_note(f"exchange {exchange['id']}")
                    failed.append(told)
            if failed:
                raise ExceptionGroup(f"{len(failed)} of {len(group)} exchanges", failed)

        kept = [one for name, one in inspect.signature(test).parameters.items() if name != "exchange"]
        own = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in ("group", "record_property")]
        kept = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in kept]
        play.__signature__ = inspect.Signature([*own, *kept])  # type: ignore[attr-defined] # what pytest reads
        play.__name__, play.__doc__, play.__module__ = test.__name__, test.__doc__, test.__module__
        play.pytestmark = list(getattr(test, "pytestmark", ()))  # type: ignore[attr-defined] # likewise
        named = [pytest.param(group, id=f"{group[0]['id']} and {len(group) - 1} more") for group in groups]
        return pytest.mark.parametrize("group", named)(play)

    return grouped
