"""Counts of tokens as providers tell them: numbers, if all is well.

What cannot be read as a count costs nobody an answer. Some servers write a number as text: then the answer is read
again without its counts, and is one that told none. Others write an object that has nothing in it as a list: then it is
read without that. Nothing of this is done where an answer can be read as it came.
"""

import json
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import msgspec

from translators.ir import Json

Count = int | float | None
"""As decoded; a whole number may be written as `12.0`."""
MOST: Final = 1 << 53
_T = TypeVar("_T")
_NAMES: Final = ("usage", "usageMetadata")
_WITHIN: Final = ("message", "response", "x_groq")
"""What an event may have its counts in, beside itself."""


def whole(count: Count) -> int | None:
    """A count that was given, as a whole number that is not negative; one that cannot be true is zero."""
    if type(count) is int and 0 <= count < MOST:
        return count
    if count is None:
        return None
    return int(count) if 0 <= count < MOST else 0


def count_in(usage: Json, name: str) -> int | None:
    """The count of this name; None where there is none."""
    count = usage.get(name) if isinstance(usage, dict) else None
    return whole(count) if isinstance(count, int | float) and not isinstance(count, bool) else None


def uncounted(data: bytes, decode: Callable[[bytes], _T]) -> _T | None:
    """What `decode` makes of `data`, a field of which it refused for its type, without the counts: their empty details,
    or all of them. None where they were not what is wrong."""
    if b'"usage' not in data:
        return None
    try:
        answer = json.loads(data)
        for mend in (_without_details, _without_any):
            for holder in _holders(answer):
                for name in _NAMES:
                    if name in holder:
                        holder[name] = mend(holder[name])
            try:
                return decode(json.dumps(answer).encode())
            except msgspec.DecodeError:
                continue
    except (ValueError, RecursionError):
        pass
    return None


def _holders(answer: Json) -> Iterator[dict[str, Json]]:
    for told in answer if isinstance(answer, list) else [answer]:
        if isinstance(told, dict):
            yield told
            yield from (one for name in _WITHIN if isinstance(one := told.get(name), dict))


def _without_details(usage: Json) -> Json:
    """Without empty lists that stand for empty objects."""
    if not isinstance(usage, dict):
        return usage
    return {name: one for name, one in usage.items() if one != [] or not name.endswith("_details")}


def _without_any(_: Json) -> Json:
    return {}
